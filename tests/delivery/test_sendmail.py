"""The sendmail command and the token commands: real programs, made here."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from digest.delivery.oauth import CommandToken, RefreshedToken
from digest.delivery.sendmail import SendmailSender
from digest.errors import DeliveryFault
from tests.delivery.letters import Notes, letter

KEEP = "import sys; open(sys.argv[-1] + '.eml', 'wb').write(sys.stdin.buffer.read())"


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", code, *arguments]


def test_each_message_goes_to_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    notes = Notes()
    with SendmailSender(python(KEEP, "-i")) as sender:
        outcomes = list(sender.send([letter(1, b".\r\nend\r\n"), letter(2)], notes))
    assert [one.result.value for one in outcomes] == ["accepted", "accepted"]
    assert notes.handed == [1, 2]
    written = (tmp_path / "reader1@example.org.eml").read_bytes()
    assert written == letter(1, b".\r\nend\r\n").payload.replace(b"\r\n", b"\n")


EXITS = [
    ("tempfail", "sys.exit(75)", "deferred", False),
    ("mail system down", "sys.exit(69)", "deferred", False),
    ("no user", "print('no such user', file=sys.stderr); sys.exit(67)", "refused", True),
    ("bad data", "sys.exit(65)", "refused", False),
    ("killed", "import os; os.kill(os.getpid(), 9)", "uncertain", False),
    ("never", "import time; time.sleep(60)", "uncertain", False),
]


@pytest.mark.parametrize(
    ("code", "result", "blamed"), [case[1:] for case in EXITS], ids=[case[0] for case in EXITS]
)
def test_what_its_exit_means(code: str, result: str, blamed: bool) -> None:
    with SendmailSender(python(f"import sys; {code}"), timeout=0.5) as sender:
        (outcome,) = sender.send([letter(1)], Notes())
    assert outcome.result.value == result
    assert outcome.recipient_fault is blamed
    assert outcome.reply


@pytest.mark.parametrize("command", [["/nowhere/sendmail"], python("import sys; sys.exit(78)")])
def test_no_program_no_channel(command: list[str]) -> None:
    with SendmailSender(command) as sender, pytest.raises(DeliveryFault):
        list(sender.send([letter(1)], Notes()))


def test_an_address_is_never_an_option() -> None:
    with SendmailSender(python("raise SystemExit(0 if sys.argv[-2] == '--' else 1)")) as sender:
        (outcome,) = sender.send([letter(1, address="-bad address")], Notes())
    assert outcome.result.value == "refused"


def test_a_token_from_a_command() -> None:
    assert CommandToken(python("print('  secret-token\\n')"))() == "secret-token"


@pytest.mark.parametrize(
    "code", ["", "print('two words')", "print('ünicode')", "raise SystemExit(1)"]
)
def test_a_command_without_a_token(code: str) -> None:
    with pytest.raises(DeliveryFault, match="token command"):
        CommandToken(python(code))()


def endpoint(handler: Callable[[httpx.Request], httpx.Response]) -> RefreshedToken:
    return RefreshedToken(
        "https://login.example.org/token",
        client_id="digest",
        refresh_token="refresh-secret",
        client_secret="client-secret",
        transport=httpx.MockTransport(handler),
    )


def test_a_token_is_fetched_once_and_again_at_its_end() -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.content.decode())
        lasts = 60 if len(asked) == 2 else 3600
        return httpx.Response(200, json={"access_token": f"t{len(asked)}", "expires_in": lasts})

    long = endpoint(answer)
    assert [long(), long()] == ["t1", "t1"]
    short = endpoint(answer)
    assert [short(), short()] == ["t2", "t3"]
    assert "grant_type=refresh_token" in asked[0]
    assert "refresh-secret" in asked[0]
    assert "secret" not in repr(long)


@pytest.mark.parametrize(
    ("answer", "match"),
    [
        (httpx.Response(400, json={"error": "invalid_grant"}), "invalid_grant"),
        (httpx.Response(500, text="oops"), "status 500"),
        (httpx.Response(200, json={"token": "x"}), "status 200"),
        (httpx.Response(200, json=["x"]), "status 200"),
    ],
)
def test_no_token(answer: httpx.Response, match: str) -> None:
    with pytest.raises(DeliveryFault, match=match) as caught:
        endpoint(lambda _request: answer)()
    assert "secret" not in str(caught.value)


def test_no_token_from_nowhere() -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectTimeout("no answer")

    with pytest.raises(DeliveryFault, match=r"login\.example\.org: ConnectTimeout"):
        endpoint(fail)()
    with pytest.raises(DeliveryFault, match="https"):
        RefreshedToken("http://login.example.org", "digest", "r")()
