"""The wire: which addresses are public, and that no name, redirect or drip gets around it."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator

import httpx
import pytest
import trustme

from digest.network import WireTransport, any_address, deadline, is_public, resolve
from digest.sources.http import Fault, Fetcher, HttpOptions, Response
from tests.sources.server import Server, Wire, answer, serving


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("127.8.8.8", False),
        ("0.0.0.0", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("192.0.0.8", False),
        ("198.18.0.1", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("fe80::1", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("fec0::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("::127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::808:808", True),
        ("64:ff9b:1::1", False),
        ("2002:7f00:1::", False),
        ("2001:0:7f00:1::", False),
        ("not-an-address", False),
        ("", False),
    ],
)
def test_is_public(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_the_system_resolver_knows_this_machine() -> None:
    assert "127.0.0.1" in resolve("127.0.0.1", 80)


@pytest.fixture
def hello() -> Iterator[Server]:
    with serving(lambda wire: wire.send(answer(b"hello"))) as server:
        yield server


def fetcher(transport: httpx.BaseTransport | None = None, **options: object) -> Fetcher:
    return Fetcher(HttpOptions(retries=0, **options), transport=transport)  # type: ignore[arg-type]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0x7f.1", "2130706433", "[::1]"])
def test_this_machine_is_refused_in_every_spelling(hello: Server, host: str) -> None:
    got = fetcher().get(hello.url(host=host))
    assert isinstance(got, Fault)
    assert hello.heads == []
    if "public" in got.message:
        assert not got.unreachable
        assert "allow_private_addresses" in got.message


def test_the_switch_allows_intranets(hello: Server) -> None:
    got = fetcher(allow_private_addresses=True).get(hello.url())
    assert isinstance(got, Response)
    assert got.body == b"hello"


def test_a_redirect_to_a_private_address_is_refused() -> None:
    """Both names lead to loopback; only the first's address counts as public here."""
    names = {"public.example": ["127.0.0.1"], "inside.example": ["127.0.0.2"]}
    moved = answer(b"", "Location: http://inside.example/", status="302 Found")
    with serving(lambda wire: wire.send(moved)) as server:
        transport = WireTransport(
            allowed=lambda address: address == "127.0.0.1", resolve=lambda host, port: names[host]
        )
        got = fetcher(transport).get(server.url(host="public.example"))
    assert isinstance(got, Fault)
    assert got.message.startswith("inside.example: inside.example leads to 127.0.0.2")
    assert len(server.heads) == 1


def test_a_name_that_changes_its_answer_cannot_win(hello: Server) -> None:
    """The address that was checked is the address connected to: the name is asked once."""
    answers = iter([["127.0.0.1"], ["127.0.0.9"]])
    asked: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return next(answers)

    transport = WireTransport(allowed=lambda a: a == "127.0.0.1", resolve=rebinding)
    got = fetcher(transport).get(hello.url(host="rebind.example"))
    assert isinstance(got, Response)
    assert asked == ["rebind.example"]
    assert b"Host: rebind.example" in hello.heads[0]


def test_of_several_addresses_only_allowed_ones_are_tried(hello: Server) -> None:
    transport = WireTransport(
        allowed=lambda a: a == "127.0.0.1", resolve=lambda host, port: ["10.0.0.1", "127.0.0.1"]
    )
    assert isinstance(fetcher(transport).get(hello.url(host="both.example")), Response)


def test_tls_is_checked_against_the_name_not_the_address(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    authority = trustme.CA()
    root = tmp_path_factory.mktemp("ca") / "root.pem"
    authority.cert_pem.write_to_path(str(root))
    monkeypatch.setenv("SSL_CERT_FILE", str(root))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("good.example").configure_cert(context)
    with serving(lambda wire: wire.send(answer(b"safe")), context) as server:
        transport = WireTransport(allowed=any_address, resolve=lambda host, port: ["127.0.0.1"])
        client = fetcher(transport)
        good = client.get(server.url(host="good.example", scheme="https"))
        bad = client.get(server.url(host="evil.example", scheme="https"))
        client.close()
    assert isinstance(good, Response)
    assert good.body == b"safe"
    assert isinstance(bad, Fault)
    assert "certificate" in bad.message


def slow_head(wire: Wire) -> None:
    wire.drip(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200, 0.05)


def slow_body(wire: Wire) -> None:
    wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n")
    wire.drip(b"z" * 200, 0.05)


def silent(wire: Wire) -> None:
    wire.socket.recv(1)


@pytest.mark.parametrize("script", [slow_head, slow_body], ids=["head", "body"])
def test_a_drip_ends_at_the_deadline(script: object) -> None:
    with serving(script) as server:  # type: ignore[arg-type]
        client = fetcher(allow_private_addresses=True, total_timeout=0.4, read_timeout=5.0)
        began = time.monotonic()
        got = client.get(server.url())
        client.close()
    assert time.monotonic() - began < 1.5
    assert isinstance(got, Fault)
    assert got.unreachable
    assert "in time" in got.message


def test_silence_ends_at_the_read_timeout() -> None:
    with serving(silent) as server:
        client = fetcher(allow_private_addresses=True, read_timeout=0.2)
        got = client.get(server.url())
        client.close()
    assert isinstance(got, Fault)
    assert got.unreachable


def test_a_resolver_that_hangs_ends_at_the_connect_timeout() -> None:
    transport = WireTransport(resolve=lambda host, port: time.sleep(2) or [])  # type: ignore[func-returns-value]
    got = fetcher(transport, connect_timeout=0.1).get("http://slow.example/")
    assert isinstance(got, Fault)
    assert got.unreachable


def test_an_unknown_name_is_unreachable() -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    got = fetcher(WireTransport(resolve=unknown)).get("http://nowhere.example/feed?key=secret")
    assert isinstance(got, Fault)
    assert got.unreachable
    assert "nowhere.example" in got.message
    assert "secret" not in got.message


def test_a_connection_cut_short_is_a_fault() -> None:
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"
    with serving(lambda wire: wire.send(cut)) as server:
        got = fetcher(allow_private_addresses=True).get(server.url())
    assert isinstance(got, Fault)
    assert got.unreachable


def test_closing_ends_what_is_on_the_way() -> None:
    with serving(silent) as server:
        client = fetcher(allow_private_addresses=True)
        client.close()
        got = client.get(server.url())
    assert isinstance(got, Fault)
    assert server.heads == []


def test_a_passed_deadline_refuses_to_start() -> None:
    transport = WireTransport(allowed=any_address)
    with deadline(time.monotonic() - 1), pytest.raises(httpx.TimeoutException):
        transport.handle_request(httpx.Request("GET", "http://127.0.0.1:9/"))
