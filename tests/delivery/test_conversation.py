"""However the replies are cut on their way, they come to the same."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from digest.delivery.conversation import Conversation, Step
from digest.delivery.envelope import Offer, Parcel, pack
from digest.delivery.replies import invites
from digest.model import Outcome, Result
from tests.delivery.letters import Notes, letter

FINE = {
    "MAIL": [b"250 2.1.0 Ok", b"250 2.1.0 Ok", b"250 2.1.0 Ok", b"250-2.1.0\r\n250 Ok", b"251 Ok"],
    "RCPT": [b"250 2.1.5 Ok", b"250 2.1.5 Ok", b"250 2.1.5 Ok", b"250 2.1.5 <%d> Ok"],
    "DATA": [b"354 End data with <CR><LF>.<CR><LF>", b"354 Go on", b"354"],
    "RSET": [b"250 Ok"],
    ".": [b"250 2.0.0 Ok", b"250 2.0.0 Ok: queued as %d", b"250-2.0.0 Ok\r\n250 as %d"],
}
REFUSED = [b"451 4.3.0 later", b"550 5.1.1 nobody", b"552 5.3.4 too big", b"554-no\r\n554 never"]
ABRUPT = [b"421 4.3.2 closing", b"what?", b"354 Go on", b"250 and once more\r\n250 Ok"]
Cut = Callable[[bytes], Iterator[bytes]]


class Server:
    """Reads commands and answers each as the dice say, however many come at once."""

    def __init__(self, seed: int, *, trouble: float) -> None:
        self._dice = random.Random(seed)
        self._trouble = trouble
        self._unread = b""
        self._in_data = self._has_sender = self._has_recipient = False
        self._answered = 0

    def answers(self, data: bytes) -> bytes:
        self._unread += data
        given = b""
        while (found := self._next()) is not None:
            given += self._answer(found)
        return given

    def _next(self) -> str | None:
        end = b"\r\n.\r\n" if self._in_data and not self._unread.startswith(b".\r\n") else b"\r\n"
        line, mark, rest = self._unread.partition(end)
        if not mark:
            return None
        self._unread = rest
        return "." if self._in_data else line[:4].decode()

    def _answer(self, command: str) -> bytes:
        self._answered += 1
        said = self._dice.choice(FINE[command])
        if command == "RCPT" and not self._has_sender:
            said = b"503 5.5.1 need MAIL"
        elif self._dice.random() < self._trouble and command != "RSET":
            said = self._dice.choice(REFUSED if self._dice.random() < 0.9 else ABRUPT)
        elif command == "DATA" and not self._has_recipient and self._dice.random() < 0.7:
            said = b"554 5.5.1 no valid recipients"
        if command == "MAIL":
            self._has_sender = said.startswith(b"2")
        if command != "DATA":
            self._has_recipient = command == "RCPT" and said.startswith(b"2")
        self._in_data = command == "DATA" and said.startswith(b"3")
        return said.replace(b"%d", b"%d" % self._answered) + b"\r\n"


def talked(seed: int, cut: Cut, *, pipelining: bool, trouble: float) -> dict[str, Any]:
    """A conversation of a dozen messages until some byte is lost: all that may be seen of it."""
    parcels = [one for number in range(1, 13) if isinstance(one := pack(letter(number)), Parcel)]
    assert len(parcels) == 12
    offer, notes, outcomes = Offer(pipelining=pipelining, size=10_000), Notes(), list[Outcome]()
    supply, dice = iter(parcels), random.Random(seed)
    talk = Conversation(offer, notes, supply=lambda: next(supply, None), outcomes=outcomes)
    server, turns, seen = Server(seed, trouble=trouble), dice.randrange(60), list[object]()
    talk.start()
    while talk.output and not talk.closing and len(seen) < turns:
        left = b"".join(talk.output)
        talk.output.clear()
        for piece in cut(server.answers(left)):
            talk.feed(piece)
        counts = talk.replies, talk.answered, talk.left, talk.sender_refusals, talk.deferrals
        state = talk.is_idle, talk.is_stuck_behind_data, tuple(talk.awaited), talk.closing
        seen.append((left, counts, state, talk.behind if talk.sealed else 0))
    unwritten = dice.randrange(sum(map(len, talk.output)) + 1)
    back = [parcel.delivery for parcel in talk.lost(unwritten, "the end")]
    return {"seen": seen, "notes": notes, "outcomes": outcomes, "back": back}


def begun(messages: int, notes: Notes) -> Conversation:
    """A pipelined conversation that awaits the replies to the first envelope."""
    parcels = [pack(letter(number)) for number in range(1, messages + 1)]
    supply = iter([parcel for parcel in parcels if isinstance(parcel, Parcel)])
    offer = Offer(pipelining=True)
    talk = Conversation(offer, notes, supply=lambda: next(supply, None), outcomes=[])
    talk.start()
    talk.output.clear()
    return talk


def whole(data: bytes) -> Iterator[bytes]:
    yield data


def by_byte(data: bytes) -> Iterator[bytes]:
    return (data[place : place + 1] for place in range(len(data)))


def at_random(dice: random.Random) -> Cut:
    def cut(data: bytes) -> Iterator[bytes]:
        places = sorted(dice.sample(range(len(data) + 1), min(len(data), dice.randrange(4))))
        for start, end in zip([0, *places], [*places, len(data)], strict=True):
            if start < end:
                yield data[start:end]

    return cut


@pytest.mark.parametrize("pipelining", [True, False], ids=["pipelined", "lockstep"])
@pytest.mark.parametrize("trouble", [0.0, 0.08, 0.4])
def test_however_replies_are_cut_they_come_to_the_same(trouble: float, pipelining: bool) -> None:
    for seed in range(25):
        by_letter = talked(seed, by_byte, pipelining=pipelining, trouble=trouble)
        assert talked(seed, whole, pipelining=pipelining, trouble=trouble) == by_letter
        for _ in range(2):
            cut = at_random(random.Random(seed))
            assert talked(seed, cut, pipelining=pipelining, trouble=trouble) == by_letter


def test_one_message_and_the_next_behind_it_at_every_cut() -> None:
    def cut_at(place: int) -> Cut:
        def cut(data: bytes) -> Iterator[bytes]:
            yield from (piece for piece in (data[:place], data[place:]) if piece)

        return cut

    expected = talked(0, whole, pipelining=True, trouble=0.0)
    assert len(expected["outcomes"]) == 12
    for place in range(1, 120):
        assert talked(0, cut_at(place), pipelining=True, trouble=0.0) == expected


def test_a_message_is_handed_over_only_when_invited() -> None:
    """Until the last letter of the answer to DATA has come, nothing of the body is written."""
    notes = Notes()
    talk = begun(1, notes)
    talk.feed(b"250 Ok\r\n250 Ok\r\n354 Go on\r")
    assert not talk.output
    assert not notes.handed
    talk.feed(b"\n")
    assert notes.handed == [1]
    assert list(talk.awaited) == [Step.END]


@pytest.mark.parametrize(("more", "result"), [(0, Result.UNCERTAIN), (1, None)])
def test_what_was_unwritten_tells_whether_the_end_of_data_left(
    more: int, result: Result | None
) -> None:
    talk = begun(2, Notes())
    talk.feed(b"250 Ok\r\n250 Ok\r\n354 Go on\r\n")
    behind = bytes(talk.output[-1])
    assert behind.startswith(b"MAIL")
    back = [parcel.delivery for parcel in talk.lost(len(behind) + more, "gone")]
    assert [outcome.result for outcome in talk.outcomes] == ([result] if result else [])
    assert back == ([2] if result else [1, 2])


def test_who_answers_the_end_of_data_and_nothing_behind_it_has_swallowed_it() -> None:
    talk = begun(2, Notes())
    talk.feed(b"250 Ok\r\n250 Ok\r\n354 Go on\r\n")
    assert not talk.is_stuck_behind_data
    talk.feed(b"250 Ok\r\n")
    assert talk.is_stuck_behind_data
    talk.feed(b"250 Ok\r\n250 Ok\r\n")
    assert not talk.is_stuck_behind_data


@pytest.mark.parametrize(
    "said",
    [
        b"250 Ok\r\n250 Ok\r\n250 Ok\r\n",
        b"250 Ok\r\n250 Ok\r\n354 Go on",
        b"250 Ok\r\n250 Ok\r\n354-Go\r\n",
        b"250 Ok\r\n550 No\r\n354 Go on\r\n",
        b"451 No\r\n250 Ok\r\n354 Go on\r\n",
        b"354 Ok\r\n250 Ok\r\n354 Go on\r\n",
        b"250-Ok\r\n250 Ok\r\n354 Go on\r\n",
        b"250 Ok\r\n250 Ok\r\n354 Go on\r\n250 Ok\r\n",
        b"250 Ok\r\n250 Ok\r\n\r\n",
        b"250 Ok\r\n354 Go on\r\n",
        b"354 Go on\r\n",
        b"",
    ],
)
def test_nothing_else_invites_a_message(said: bytes) -> None:
    assert not invites(said)
    assert invites(b"250 Ok\r\n250 Ok\r\n354 Go on\r\n")
