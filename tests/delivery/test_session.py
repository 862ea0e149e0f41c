"""Opening a session: TLS, login, and what is refused rather than downgraded."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trustme

from digest.delivery.account import Account, Security, Timeouts
from digest.delivery.session import open_session
from digest.delivery.smtp import SmtpSender
from digest.errors import DeliveryFault
from digest.model import Result
from tests.delivery.letters import Notes, letter
from tests.smtpd import Drop, Smtpd

SECRET = "correct-horse"
USERS = {"ada": SECRET}
Make = Callable[..., Smtpd]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


def context(authority: trustme.CA, name: str = "localhost") -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(made)
    return made


@pytest.fixture
def starttls(authority: trustme.CA) -> Iterator[Smtpd]:
    with Smtpd(tls=context(authority), users=USERS) as server:
        yield server


@pytest.fixture
def implicit(authority: trustme.CA) -> Iterator[Smtpd]:
    with Smtpd(tls=context(authority), implicit_tls=True, users=USERS) as server:
        yield server


def account(server: Smtpd, ca: Path, **fields: Any) -> Account:
    defaults = Account(
        host="localhost",
        port=server.port,
        ca_file=ca,
        username="ada",
        password=SECRET,
        sessions=1,
        timeouts=Timeouts(connect=2, reply=1, end_of_data=1),
    )
    return replace(defaults, **fields)


def send(account: Account, count: int = 5) -> list[str]:
    with SmtpSender(account) as sender:
        messages = [letter(n, b"x" * 90_000 + b"\r\n") for n in range(1, count + 1)]
        return [outcome.result.value for outcome in sender.send(messages, Notes())]


def test_starttls_and_login(starttls: Smtpd, ca_file: Path) -> None:
    assert send(account(starttls, ca_file)) == ["accepted"] * 5
    assert len(starttls.accepted) == 5
    order = [line.partition(" ")[0] for line in starttls.log[:5]]
    assert order == ["ehlo", "STARTTLS", "ehlo", "AUTH", "MAIL"]
    assert starttls.breaches == []


def test_implicit_tls_and_login(implicit: Smtpd, ca_file: Path) -> None:
    assert send(account(implicit, ca_file, security=Security.TLS)) == ["accepted"] * 5
    assert implicit.breaches == []


def test_a_connection_lost_under_tls(starttls: Smtpd, ca_file: Path) -> None:
    starttls.on("END", Drop(reset=True), match="reader2@")
    results = send(account(starttls, ca_file))
    assert sorted(results) == ["accepted"] * 4 + ["uncertain"]


def test_oauth_instead_of_a_password(starttls: Smtpd, ca_file: Path) -> None:
    by_token = account(starttls, ca_file, password="", token=lambda: SECRET)
    assert send(by_token) == ["accepted"] * 5


FAULTS: list[tuple[str, dict[str, Any], str]] = [
    ("unknown authority", {"ca_file": None}, "not trusted"),
    ("other name", {"host": "127.0.0.1"}, "not trusted"),
    ("wrong password", {"password": "wrong-horse"}, "refused the login: 535"),
    ("wrong token", {"password": "", "token": lambda: "stale-horse"}, "refused the login: 535"),
    ("tls on a plain port", {"security": Security.TLS}, "TLS failed|cannot be reached"),
    ("not ascii", {"password": "pässword"}, "must be ASCII"),
]


@pytest.mark.parametrize(
    ("fields", "match"), [case[1:] for case in FAULTS], ids=[case[0] for case in FAULTS]
)
def test_no_session(starttls: Smtpd, ca_file: Path, fields: dict[str, Any], match: str) -> None:
    with pytest.raises(DeliveryFault, match=match) as caught:
        open_session(account(starttls, ca_file, **fields))
    for secret in (SECRET, "wrong-horse", "stale-horse", "pässword"):
        assert secret not in str(caught.value)
    assert not starttls.accepted


@pytest.mark.parametrize(
    ("verb", "act", "match"),
    [
        ("STARTTLS", "454 4.7.0 TLS not available", "454"),
        ("STARTTLS", Drop(), "cannot be reached"),
        ("EHLO", "502 5.5.1 what?", "502"),
        ("STARTTLS", "220 go on\r\n250 injected", "before TLS|TLS failed"),
    ],
    ids=["refused", "dropped", "no EHLO", "injected"],
)
def test_tls_that_fails(starttls: Smtpd, ca_file: Path, verb: str, act: Any, match: str) -> None:
    starttls.on(verb, act)
    with pytest.raises(DeliveryFault, match=match):
        open_session(account(starttls, ca_file))


def test_no_starttls_no_session(ca_file: Path) -> None:
    with Smtpd() as server, pytest.raises(DeliveryFault, match="does not offer STARTTLS"):
        open_session(account(server, ca_file, username="", password=""))
    assert [line.partition(" ")[0] for line in server.log] == ["ehlo"]


UNSAFE: list[tuple[str, dict[str, Any], str]] = [
    ("plain elsewhere", {"host": "mail.example.org", "username": ""}, "on this machine"),
    ("plain login", {}, "a login needs TLS"),
    ("no secret", {"security": Security.TLS, "password": ""}, "password or a token"),
    ("key alone", {"security": Security.TLS, "client_key": Path("k")}, "client_certificate"),
]


@pytest.mark.parametrize(
    ("fields", "match"), [case[1:] for case in UNSAFE], ids=[case[0] for case in UNSAFE]
)
def test_what_an_account_must_not_be(fields: dict[str, Any], match: str) -> None:
    unsafe = Account("localhost", 25, Security.NONE, username="ada", password=SECRET)
    unsafe = replace(unsafe, **fields)
    assert any(match in fault for fault in unsafe.faults())
    with pytest.raises(DeliveryFault, match=match):
        open_session(unsafe)
    assert SECRET not in repr(unsafe)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "::1", "/run/lmtp"])
def test_a_plain_relay_on_this_machine_is_fine(host: str) -> None:
    assert Account(host, 25, Security.NONE).faults() == ()
    assert Account("relay.lan", 25, Security.NONE, plaintext_allowed=True).faults() == ()


def test_a_client_certificate(authority: trustme.CA, ca_file: Path, tmp_path: Path) -> None:
    ours = authority.issue_cert("client@example.org")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    ours.cert_chain_pems[0].write_to_path(str(certificate))
    ours.private_key_pem.write_to_path(str(key))
    strict = context(authority)
    strict.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(strict)
    with Smtpd(tls=strict) as server:
        with_it = account(
            server,
            ca_file,
            username="",
            client_certificate=certificate,
            client_key=key,
        )
        assert send(with_it) == ["accepted"] * 5
        with pytest.raises(DeliveryFault):
            send(replace(with_it, client_certificate=None, client_key=None))


@pytest.mark.parametrize("pipelining", [True, False])
def test_lmtp_on_a_socket_of_this_machine(tmp_path: Path, pipelining: bool) -> None:
    offers = ("PIPELINING", "8BITMIME") if pipelining else ("8BITMIME",)
    path = str(tmp_path / "lmtp")
    with Smtpd(lmtp=True, path=path, offers=offers) as server:
        server.on("END", "550 5.1.1 no such user", match="reader2@")
        local = Account(path, 0, Security.NONE, lmtp=True, sessions=1)
        with SmtpSender(local) as sender:
            outcomes = list(sender.send([letter(n) for n in (1, 2, 3)], Notes()))
    assert [one.result for one in outcomes] == [Result.ACCEPTED, Result.REFUSED, Result.ACCEPTED]
    assert [one.recipient_fault for one in outcomes] == [False, True, False]
    assert server.log[0].startswith("lhlo")
    assert server.breaches == []
