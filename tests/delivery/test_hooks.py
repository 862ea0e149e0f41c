"""Posting to webhooks over a real connection: what each answer and each loss means."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import pytest

from digest.delivery.hook import (
    DISCORD,
    GONE,
    SLACK,
    Hook,
    check_address,
    judge,
    retry_after,
    with_hosts,
)
from digest.delivery.hooks import HookSender
from digest.delivery.masking import masked, redacted
from digest.delivery.poster import Poster
from digest.errors import ClaimLost
from digest.model import Channel, DeliveryId, Message, Outcome, Result
from tests.delivery.board import HANGUP, RESET, SILENCE, Board, Said
from tests.delivery.letters import Notes
from tests.fakes import START, FrozenClock

HOOK = Hook("board", interval=0.0)


@pytest.fixture
def board() -> Iterator[Board]:
    with Board() as board:
        yield board


def message(board: Board | str, number: int = 1, **fields: object) -> Message:
    address = board if isinstance(board, str) else board.url()
    given: dict[str, object] = {
        "delivery_id": DeliveryId(number),
        "channel": Channel.PLUGIN,
        "address": address,
        "message_id": f"digest.{number}",
        "payload": b'{"text":"hello"}',
        "kind": "board",
    }
    return Message(**given | fields)  # type: ignore[arg-type]  # fields of a Message, by name


def post(
    *messages: Message, hook: Hook = HOOK, witness: Notes | None = None, timeout: float = 5.0
) -> list[Outcome]:
    poster = Poster(allow_private=True, timeout=timeout)
    with HookSender({"board": hook}, poster, clock=FrozenClock()) as sender:
        return list(sender.send(messages, witness or Notes()))


ANSWERS: list[tuple[str, Said, Result, float | None, bool]] = [
    ("accepted", Said(200), Result.ACCEPTED, None, False),
    ("accepted in silence", Said(204, b""), Result.ACCEPTED, None, False),
    ("slow down", Said(429, b"", {"Retry-After": "30"}), Result.DEFERRED, 30.0, False),
    ("slow down, exactly", Said(429, b"", {"retry-after": "0.65"}), Result.DEFERRED, 0.65, False),
    (
        "slow down until",
        Said(503, b"", {"Retry-After": "Fri, 20 Nov 2026 06:02:00 GMT"}),
        Result.DEFERRED,
        120.0,
        False,
    ),
    ("its fault", Said(500, b"oops"), Result.DEFERRED, None, False),
    ("gone", Said(404, b"no_service"), Result.REFUSED, None, True),
    ("gone for good", Said(410, b"channel_is_archived"), Result.REFUSED, None, True),
    ("closed to us", Said(403, b"action_prohibited"), Result.REFUSED, None, True),
    ("our fault", Said(400, b"invalid_blocks"), Result.REFUSED, None, False),
    ("too large", Said(413, b""), Result.REFUSED, None, False),
    ("moved", Said(302, b"", {"Location": "http://127.0.0.1/"}), Result.REFUSED, None, False),
]


@pytest.mark.parametrize(
    ("answer", "result", "later", "blamed"),
    [it[1:] for it in ANSWERS],
    ids=[it[0] for it in ANSWERS],
)
def test_each_answer_means_what_it_says(
    board: Board, answer: Said, result: Result, later: float | None, blamed: bool
) -> None:
    board.on_this(answer)
    notes = Notes()
    (outcome,) = post(message(board), witness=notes)
    assert (outcome.result, outcome.retry_after, outcome.recipient_fault) == (result, later, blamed)
    assert outcome.code == answer.status
    assert notes.handed == [1]
    assert notes.told == [outcome]
    assert len(board.posts) == 1


def test_a_post_is_what_was_given(board: Board) -> None:
    body = '{"text":"日本語"}'.encode()
    post(message(board, payload=body, headers=(("webhook-id", "digest.1"),)))
    (found,) = board.posts
    assert found.body == body
    assert found.headers["content-type"] == "application/json"
    assert found.headers["webhook-id"] == "digest.1"
    assert found.headers["user-agent"].startswith("paper-digest/")
    assert "cookie" not in found.headers


def test_connections_are_kept(board: Board) -> None:
    post(*(message(board, number) for number in range(1, 6)))
    assert board.connections == 1
    assert len(board.posts) == 5


@pytest.mark.parametrize("loss", [SILENCE, HANGUP], ids=["no answer in time", "hung up"])
def test_an_answer_lost_after_it_was_written_is_uncertain(board: Board, loss: Said) -> None:
    board.on_this(loss)
    notes = Notes()
    (outcome,) = post(message(board), witness=notes, timeout=0.3)
    assert outcome.result is Result.UNCERTAIN
    assert notes.handed == [1]
    assert notes.told == [outcome]
    assert len(board.posts) == 1


def test_what_did_not_go_out_whole_is_only_deferred(board: Board) -> None:
    board.on_this(RESET)
    large = b"x" * 30_000_000  # more than any buffer takes
    (outcome,) = post(message(board, payload=large))
    assert outcome.result is Result.DEFERRED
    assert board.posts == []


def test_nobody_there_is_deferred_and_never_handed() -> None:
    with Board() as board:
        address = board.url()
    notes = Notes()
    (outcome,) = post(message(address), witness=notes)
    assert outcome.result is Result.DEFERRED
    assert "refused" in outcome.reply
    assert notes.handed == []


def test_a_lost_claim_lets_nothing_out(board: Board) -> None:
    with pytest.raises(ClaimLost):
        post(message(board), witness=Notes(lost_after=0))
    assert board.posts == []


def test_a_slow_drip_ends_at_the_deadline(board: Board) -> None:
    board.on_this(SILENCE)
    began = time.monotonic()
    post(message(board), timeout=0.3)
    assert time.monotonic() - began < 3


def test_a_pause_is_kept_for_that_address_alone(board: Board) -> None:
    board.on(429, headers={"Retry-After": "60"})
    one, other = board.url("/hook/one"), board.url("/hook/other")
    outcomes = post(message(one, 1), message(one, 2), message(other, 3))
    assert [it.result for it in outcomes] == [Result.DEFERRED, Result.DEFERRED, Result.ACCEPTED]
    assert outcomes[1].retry_after == pytest.approx(60, abs=5)
    assert [it.path for it in board.posts] == ["/hook/one", "/hook/other"]


def test_one_post_a_second_to_one_address(board: Board) -> None:
    hook = Hook("board", interval=0.2)
    other = board.url("/hook/other")
    began = time.monotonic()
    post(message(board, 1), message(other, 2), message(board, 3), hook=hook)
    assert 0.2 <= time.monotonic() - began < 2
    assert SLACK.interval == 1.0


def test_a_dead_host_does_not_hold_up_the_others(board: Board) -> None:
    with Board() as gone:
        dead = gone.url().replace("127.0.0.1", "127.0.0.2")
    outcomes = post(*(message(dead, number) for number in range(1, 9)), message(board, 9))
    assert [it.result for it in outcomes] == [Result.DEFERRED] * 8 + [Result.ACCEPTED]
    assert "not tried" in outcomes[-2].reply


def test_a_part_that_is_not_the_last(board: Board) -> None:
    (outcome,) = post(message(board, more=True))
    assert outcome.result is Result.PARTLY
    board.on(404)
    (outcome,) = post(message(board, more=True))
    assert outcome.result is Result.REFUSED


def test_a_kind_nobody_provides_is_refused_alone(board: Board) -> None:
    outcomes = post(message(board, 1, kind="semaphore"), message(board, 2))
    assert [it.result for it in outcomes] == [Result.REFUSED, Result.ACCEPTED]
    assert "semaphore" in outcomes[0].reply


def test_a_private_address_is_refused(board: Board) -> None:
    with HookSender({"board": HOOK}, Poster(timeout=2.0), clock=FrozenClock()) as sender:
        (outcome,) = sender.send([message(board)], Notes())
    assert outcome.result is Result.REFUSED
    assert outcome.recipient_fault
    assert "private" in outcome.reply
    assert board.connections == 0


def test_no_secret_is_logged_or_told(board: Board, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "secretsecretsecret4f9Q"
    board.on(404, f"no hook {secret} at {board.url()}".encode())
    (outcome,) = post(message(board))
    said = f"{outcome!r} {caplog.text} {message(board)!r}"
    assert secret not in said
    assert "T0LANTERN" not in said
    assert "no hook …" in outcome.reply


# --- pure ---

ADDRESSES: list[tuple[str, Hook, str, bool, str]] = [
    ("slack", SLACK, "https://hooks.slack.com/services/T/B/x", False, ""),
    ("slack elsewhere", SLACK, "https://hooks.slack.com.evil.example/x", False, "must be at hooks"),
    ("slack below", SLACK, "https://x.hooks.slack.com/x", False, "must be at"),
    ("slack in disguise", SLACK, "https://hooks.slack.com@evil.example/x", False, "user name"),
    ("slack by another port", SLACK, "https://hooks.slack.com:8443/x", False, "port"),
    ("slack in clear", SLACK, "http://hooks.slack.com/x", False, "https://"),
    ("discord", DISCORD, "https://discord.com/api/webhooks/1/x", False, ""),
    ("any", HOOK, "https://lamps.example.org/hook?key=1", False, ""),
    ("any in clear", HOOK, "http://lamps.example.org/hook", False, "https://"),
    ("intranet", HOOK, "http://lamps.internal:8065/hooks/x", True, ""),
    ("this machine", HOOK, "https://127.0.0.1/hook", False, "private"),
    ("this machine by name", HOOK, "https://localhost/hook", False, "private"),
    ("a cloud's own", HOOK, "https://[fd00:ec2::254]/hook", False, "private"),
    ("a file", HOOK, "file:///etc/passwd", True, "is no web address"),
    ("two lines", HOOK, "https://lamps.example.org/a\r\nHost: b", True, "is no web address"),
    ("nothing", HOOK, "", True, "is no web address"),
    ("half an IPv6", HOOK, "https://[::1/x", True, "is no web address"),
    ("a name without a host", HOOK, "https:///x", True, "is no web address"),
]


@pytest.mark.parametrize(
    ("hook", "address", "private", "fault"),
    [it[1:] for it in ADDRESSES],
    ids=[it[0] for it in ADDRESSES],
)
def test_which_addresses_may_be_kept(hook: Hook, address: str, private: bool, fault: str) -> None:
    if not fault:
        assert check_address(hook, f" {address}#part ", private=private) == address
        return
    with pytest.raises(ValueError, match=fault) as found:
        check_address(hook, address, private=private)
    assert not address or address not in str(found.value)


def test_the_operator_adds_hosts() -> None:
    hook = with_hosts(SLACK, ["*.Example.org"])
    assert check_address(hook, "https://slack.example.org/x")
    with pytest.raises(ValueError, match="must be at"):
        check_address(hook, "https://example.org/x")
    assert check_address(with_hosts(HOOK, []), "https://anywhere.example/x")
    with pytest.raises(ValueError, match=r"channels\.board_hosts"):
        check_address(with_hosts(HOOK, ["one.example"]), "https://other.example/x")


WAITS: Sequence[tuple[str, float | None]] = [
    ("3", 3.0),
    ("-1", 0.0),
    ("1e9", 86_400.0),
    ("nan", None),
    ("soon", None),
    ("", None),
    ("Fri, 20 Nov 2026 06:00:10 GMT", 10.0),
    ("Fri, 20 Nov 2026 05:00:00 GMT", 0.0),
]


@pytest.mark.parametrize(("value", "seconds"), WAITS)
def test_how_long_to_wait(value: str, seconds: float | None) -> None:
    assert retry_after(value, START) == seconds


def test_discord_has_another_word_for_gone() -> None:
    at = datetime(2026, 11, 20, tzinfo=UTC)
    told = judge(DeliveryId(1), DISCORD, 401, {}, b"", address="https://discord.com/x", now=at)
    assert told.recipient_fault
    assert 401 not in GONE


MASKS = [
    ("https://hooks.slack.com/services/T0AAAAA/B0BBBBB/abcdefgh12345678", "hooks.slack.com/…5678"),
    ("https://lamps.example.org/hook", "https://lamps.example.org/…"),
    ("https://lamps.example.org/a-rather-long-path/ending/in/-_-", "https://lamps.example.org/…"),
    ("tgram://123456789:abcdefg_hijklmnop/12345", "tgram://"),
    ("nonsense", "…"),
    ("https://[::1/x", "…"),
]


@pytest.mark.parametrize(("address", "shown"), MASKS)
def test_what_is_shown_of_an_address(address: str, shown: str) -> None:
    assert shown in masked(address)
    for part in ("T0AAAAA", "abcdefgh1", "hook", "a-rather", "abcdefg_", "123456789"):
        assert part not in masked(address).replace("hooks.slack.com", "")


def test_a_secret_is_cut_out_of_a_text() -> None:
    address = "https://hooks.example.org/services/T0AAAAA/B0BBBBB?key=abcdefgh%20i"
    text = f"at hooks.example.org: {address}, T0AAAAA and abcdefgh i are unknown"
    assert redacted(text, address) == "at hooks.example.org: …, … and … are unknown"
