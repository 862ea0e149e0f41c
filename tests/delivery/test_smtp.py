"""The smtp channel against a real server: every fault is made on the wire."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from digest.delivery.account import Account, Security, Timeouts
from digest.delivery.lull import Lull
from digest.delivery.smtp import SmtpSender
from digest.errors import ClaimLost, DeliveryFault
from digest.model import Message, Outcome, Result
from tests.delivery.letters import Notes, letter
from tests.smtpd import Act, Drip, Drop, Late, Silence, Smtpd

QUICK = Timeouts(connect=2, reply=0.6, end_of_data=0.6, grace=0.6)
PIPELINED = ("PIPELINING", "SIZE 10000000", "8BITMIME", "SMTPUTF8")
LOCKSTEP = ("SIZE 10000000", "8BITMIME", "SMTPUTF8")


@pytest.fixture
def server() -> Iterator[Smtpd]:
    with Smtpd() as server:
        yield server


@pytest.fixture(params=[PIPELINED, LOCKSTEP], ids=["pipelined", "lockstep"])
def either(request: pytest.FixtureRequest) -> Iterator[Smtpd]:
    """A server with and one without PIPELINING."""
    with Smtpd(offers=request.param) as server:
        yield server


def account(server: Smtpd, **fields: Any) -> Account:
    defaults = Account(
        host="127.0.0.1",
        port=server.port,
        security=Security.NONE,
        sessions=1,
        timeouts=QUICK,
    )
    return replace(defaults, **fields)


def send(
    server: Smtpd, messages: Iterable[Message], notes: Notes | None = None, **fields: Any
) -> dict[int, Outcome]:
    """Send all; the outcomes by delivery."""
    with SmtpSender(account(server, **fields)) as sender:
        outcomes = list(sender.send(messages, notes or Notes()))
    assert len({outcome.delivery_id for outcome in outcomes}) == len(outcomes)
    return {outcome.delivery_id: outcome for outcome in outcomes}


def results(outcomes: dict[int, Outcome]) -> dict[int, str]:
    return {number: outcome.result.value for number, outcome in outcomes.items()}


def test_all_accepted_over_one_session_in_order(either: Smtpd) -> None:
    outcomes = send(either, (letter(n) for n in range(1, 21)))
    assert results(outcomes) == dict.fromkeys(range(1, 21), "accepted")
    assert either.recipients == [f"reader{n}@example.org" for n in range(1, 21)]
    assert either.sessions == 1
    assert either.breaches == []
    assert outcomes[1].code == 250
    assert outcomes[1].reply == "2.0.0 accepted"


def test_the_bytes_arrive_as_they_were(either: Smtpd) -> None:
    body = b".\r\n..\r\n.hidden\r\n\r\n.\r\nend\r\n.\r\n" + b"x" * 70000 + b"\r\n"
    messages = [letter(1, body), letter(2, b""), letter(3)._replace(payload=b".\r\n\r\n.\r\n")]
    send(either, messages)
    assert [mail.data for mail in either.accepted] == [one.payload for one in messages]
    assert either.breaches == []


def test_one_round_trip_a_message(server: Smtpd) -> None:
    before = 3  # EHLO, the first envelope, QUIT
    send(server, (letter(n) for n in range(1, 31)))
    assert server.reads <= before + 30


def test_the_witness_knows_before_and_after(either: Smtpd) -> None:
    notes = Notes()
    either.on("RCPT", "550 5.1.1 no such user", match="reader2@")
    send(either, [letter(1), letter(2), letter(3)], notes)
    assert notes.handed == [1, 3]
    assert [(one.delivery_id, one.result.value) for one in notes.told] == [
        (1, "accepted"),
        (2, "refused"),
        (3, "accepted"),
    ]


RECIPIENT_FAULTS: list[tuple[str, str, Act, str, bool]] = [
    ("unknown", "RCPT", "550 5.1.1 no such user", "refused", True),
    ("unknown-bare", "RCPT", "550 no such user", "refused", True),
    ("mailbox-full", "RCPT", "452 4.2.2 mailbox full", "deferred", False),
    ("greylisted", "RCPT", "451 4.7.1 greylisted", "deferred", False),
    ("policy", "RCPT", "550 5.7.1 blocked, see https://example.net", "refused", False),
    ("data-says-no", "DATA", "554 5.7.1 no", "refused", False),
    ("data-says-later", "DATA", "451 4.3.0 later", "deferred", False),
    ("content-refused", "END", "554 5.6.0 spam", "refused", False),
    ("content-later", "END", "451 4.3.0 later", "deferred", False),
    ("unknown-at-end", "END", "550 5.1.1 no such user", "refused", True),
    ("multi-line", "RCPT", "550-5.1.1 no\r\n550 5.1.1 such user", "refused", True),
]


@pytest.mark.parametrize(
    ("verb", "act", "result", "blamed"),
    [case[1:] for case in RECIPIENT_FAULTS],
    ids=[case[0] for case in RECIPIENT_FAULTS],
)
def test_a_refusal_concerns_its_own_message_only(
    either: Smtpd, verb: str, act: str, result: str, blamed: bool
) -> None:
    either.on(verb, act, match="reader2@")
    outcomes = send(either, [letter(1), letter(2), letter(3)])
    assert results(outcomes) == {1: "accepted", 2: result, 3: "accepted"}
    assert outcomes[2].code == int(act[:3])
    assert outcomes[2].reply.startswith(act[4:9])
    assert outcomes[2].recipient_fault is blamed
    assert either.recipients == ["reader1@example.org", "reader3@example.org"]
    assert either.sessions == 1
    assert either.breaches == []


def test_data_accepted_without_recipient_is_ended_by_a_lone_dot(server: Smtpd) -> None:
    server.on("RCPT", "550 5.1.1 no such user", match="reader1@")
    server.on("DATA", "354 go on", times=1)
    outcomes = send(server, [letter(1), letter(2)])
    assert results(outcomes) == {1: "refused", 2: "accepted"}
    assert [mail.data for mail in server.accepted] == [letter(2).payload]
    assert server.sessions == 1


def test_all_refused(either: Smtpd) -> None:
    either.on("RCPT", "550 5.1.1 no such user")
    outcomes = send(either, (letter(n) for n in range(1, 6)))
    assert set(results(outcomes).values()) == {"refused"}
    assert either.breaches == []


LOST_BEFORE: list[tuple[str, str, Act]] = [
    ("at-mail", "MAIL", Drop()),
    ("at-rcpt", "RCPT", Drop()),
    ("at-data", "DATA", Drop()),
    ("reset-at-data", "DATA", Drop(reset=True)),
    ("421-at-mail", "MAIL", "421 4.3.2 shutting down"),
    ("421-at-rcpt", "RCPT", "421 4.3.2 shutting down"),
    ("421-at-data", "DATA", "421 4.3.2 shutting down"),
    ("nonsense", "RCPT", "hello?"),
    ("out-of-step", "DATA", "250 what data?"),
    ("silence", "RCPT", Silence()),
    ("drip", "RCPT", Drip("250 2.1.5 ok", pause=0.2)),
]


@pytest.mark.parametrize(
    ("verb", "act"), [case[1:] for case in LOST_BEFORE], ids=[case[0] for case in LOST_BEFORE]
)
def test_lost_before_the_data_is_sent_again_at_once(either: Smtpd, verb: str, act: Act) -> None:
    either.on(verb, act, times=1, skip=1)
    outcomes = send(either, (letter(n) for n in range(1, 5)))
    assert results(outcomes) == dict.fromkeys(range(1, 5), "accepted")
    assert sorted(either.recipients) == sorted(f"reader{n}@example.org" for n in range(1, 5))
    assert either.sessions == 2


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
def test_a_message_that_always_kills_the_connection_is_deferred_alone(
    either: Smtpd, verb: str
) -> None:
    match = "reader2@" if verb != "MAIL" else "<two@"
    either.on(verb, Drop(), match=match)
    messages = [letter(1), letter(2, envelope_from="two@example.org"), letter(3)]
    outcomes = send(either, messages)
    assert results(outcomes) == {1: "accepted", 2: "deferred", 3: "accepted"}


LOST_AFTER: list[tuple[str, Act, int]] = [
    ("closed", Drop(), 0),
    ("closed-after-accepting", Drop(accept=True), 1),
    ("reset", Drop(reset=True), 0),
    ("silence", Silence(accept=True), 1),
    ("drip", Drip("250 2.0.0 accepted", pause=0.2), 0),
    ("nonsense", "well…", 0),
    ("wrong-class", "354 go on", 0),
]


@pytest.mark.parametrize(
    ("act", "copies"), [case[1:] for case in LOST_AFTER], ids=[case[0] for case in LOST_AFTER]
)
def test_lost_after_end_of_data_is_uncertain_and_nothing_else_is(
    either: Smtpd, act: Act, copies: int
) -> None:
    either.on("END", act, match="reader2@")
    outcomes = send(either, (letter(n) for n in range(1, 5)))
    assert results(outcomes) == {1: "accepted", 2: "uncertain", 3: "accepted", 4: "accepted"}
    assert either.recipients.count("reader2@example.org") == copies
    assert either.recipients.count("reader3@example.org") == 1


def test_421_to_end_of_data_is_an_answer(either: Smtpd) -> None:
    either.on("END", "421 4.7.0 too much mail", match="reader2@")
    outcomes = send(either, (letter(n) for n in range(1, 5)))
    assert results(outcomes) == {1: "accepted", 2: "deferred", 3: "accepted", 4: "accepted"}


def test_a_server_that_stops_offering_pipelining(server: Smtpd) -> None:
    def messages() -> Iterator[Message]:
        yield letter(1)
        yield letter(2)
        server.offers = LOCKSTEP
        yield from (letter(n) for n in range(3, 7))

    server.on("END", Drop(), match="reader2@")
    outcomes = send(server, messages())
    assert results(outcomes) == {1: "accepted", 2: "uncertain"} | dict.fromkeys(
        range(3, 7), "accepted"
    )
    assert server.breaches == []


def test_a_server_that_swallows_what_comes_behind_the_data(server: Smtpd) -> None:
    server.on("MAIL", Silence(), match="<three@")
    messages = [letter(n) for n in (1, 2)] + [letter(3, envelope_from="three@example.org")]
    messages += [letter(n) for n in (4, 5)]
    send(server, messages)
    assert "reader5@example.org" in server.recipients


def test_a_server_that_always_hangs_up_is_given_up(either: Smtpd) -> None:
    either.on("MAIL", Drop())
    seen: list[Outcome] = []
    with SmtpSender(account(either)) as sender, pytest.raises(DeliveryFault, match="hanging up"):
        seen.extend(sender.send((letter(n) for n in range(1, 100)), Notes()))
    assert {one.result for one in seen} <= {Result.DEFERRED}
    assert either.sessions <= 5


def test_a_refused_sender_stops_the_channel_and_refuses_no_reader(either: Smtpd) -> None:
    either.on("MAIL", "553 5.7.1 not your address")
    seen: list[Outcome] = []
    with SmtpSender(account(either)) as sender, pytest.raises(DeliveryFault, match="sender"):
        seen.extend(sender.send((letter(n) for n in range(1, 100)), Notes()))
    assert {one.result for one in seen} == {Result.DEFERRED}
    assert len(seen) <= 4


@pytest.mark.parametrize(
    ("act", "match"),
    [
        ("554 5.7.1 go away", "554 5.7.1 go away"),
        ("421 4.7.0 too many connections", "421"),
        (Drop(), "closed the connection"),
        (Silence(), "timed out"),
        (Drip("220 test.example ESMTP", pause=0.1), "timed out"),
        ("nonsense", "cannot be reached|answered"),
    ],
    ids=["554", "421", "drop", "silence", "drip", "nonsense"],
)
def test_no_greeting_no_channel(server: Smtpd, act: Act, match: str) -> None:
    server.on("CONNECT", act)
    with SmtpSender(account(server)) as sender, pytest.raises(DeliveryFault, match=match):
        list(sender.send([letter(1)], Notes()))


def test_no_server_no_channel(server: Smtpd) -> None:
    nowhere = account(server)
    server.__exit__(None, None, None)
    with SmtpSender(nowhere) as sender, pytest.raises(DeliveryFault, match="cannot be reached"):
        list(sender.send([letter(1)], Notes()))


def test_messages_that_cannot_go_on_the_wire(either: Smtpd) -> None:
    messages = [
        letter(1, address="a@example.org>\r\nRCPT TO:<b@example.org"),
        letter(2, address="no address"),
        letter(3, b"bare\nline feed\r\n"),
        letter(4, b"no end of line"),
        letter(5, envelope_from="x@example.org> SIZE=1"),
        letter(6, b"x" * 100 + b"\r\n"),
        letter(7),
    ]
    either.offers = ("PIPELINING", "SIZE 200")
    outcomes = send(either, messages)
    assert results(outcomes) == dict.fromkeys(range(1, 7), "refused") | {7: "accepted"}
    assert [number for number, one in outcomes.items() if one.recipient_fault] == [1, 2]
    assert either.recipients == ["reader7@example.org"]


def test_eight_bit_and_international_mail(server: Smtpd) -> None:
    eight_bit = letter(1, "héllo\r\n".encode())
    to_idn_domain = letter(2, address="ada@bücher.example")
    to_utf8_local = letter(3, address="jürgen@example.org")
    outcomes = send(server, [eight_bit, to_idn_domain, to_utf8_local])
    assert set(results(outcomes).values()) == {"accepted"}
    assert server.recipients[1] == "ada@xn--bcher-kva.example"
    parameters = [mail.parameters for mail in server.accepted]
    assert [("8BITMIME" in one, "SMTPUTF8" in one) for one in parameters] == [
        (True, False),
        (True, True),  # the To header holds the address as the reader writes it
        (True, True),
    ]


def test_eight_bit_mail_is_not_forced_on_a_server_without(either: Smtpd) -> None:
    either.offers = ("PIPELINING",)
    outcomes = send(either, [letter(1, "héllo\r\n".encode()), letter(2)])
    assert results(outcomes) == {1: "refused", 2: "accepted"}


def test_messages_per_session(either: Smtpd) -> None:
    outcomes = send(either, (letter(n) for n in range(1, 8)), messages_per_session=3)
    assert set(results(outcomes).values()) == {"accepted"}
    assert either.sessions == 3


def test_sessions_are_kept_between_batches(either: Smtpd) -> None:
    with SmtpSender(account(either)) as sender:
        list(sender.send([letter(1)], Notes()))
        list(sender.send([letter(2)], Notes()))
    assert either.sessions == 1


def test_a_kept_session_that_died_costs_nothing(either: Smtpd) -> None:
    with SmtpSender(account(either)) as sender:
        list(sender.send([letter(1)], Notes()))
        either.hang_up()
        time.sleep(0.05)
        outcomes = list(sender.send([letter(2)], Notes()))
    assert [one.result for one in outcomes] == [Result.ACCEPTED]


def test_several_sessions_share_the_work(either: Smtpd) -> None:
    either.delay = 0.002
    outcomes = send(either, (letter(n) for n in range(1, 121)), sessions=4)
    assert set(results(outcomes).values()) == {"accepted"}
    assert sorted(either.recipients) == sorted(f"reader{n}@example.org" for n in range(1, 121))
    assert len({mail.session for mail in either.accepted}) >= 3
    assert either.breaches == []


def test_a_server_that_limits_connections(server: Smtpd) -> None:
    server.on("CONNECT", "421 4.7.0 one is enough", skip=1)
    outcomes = send(server, (letter(n) for n in range(1, 41)), sessions=4)
    assert set(results(outcomes).values()) == {"accepted"}


def test_a_stop_finishes_what_is_in_hand(either: Smtpd) -> None:
    stop = threading.Event()
    asked = []

    def messages() -> Iterator[Message]:
        for number in range(1, 100):
            asked.append(number)
            if number == 5:
                stop.set()
            yield letter(number)

    with SmtpSender(account(either), stop=stop) as sender:
        outcomes = list(sender.send(messages(), Notes()))
    assert {one.result for one in outcomes} == {Result.ACCEPTED}
    assert len(outcomes) == len(either.accepted)
    assert asked[-1] <= 6


def test_a_stop_waits_no_longer_than_the_grace(server: Smtpd) -> None:
    stop = threading.Event()
    server.on("END", Silence())
    patient = account(server, timeouts=replace(QUICK, end_of_data=60))
    threading.Timer(0.2, stop.set).start()
    began = time.monotonic()
    with SmtpSender(patient, stop=stop) as sender:
        outcomes = list(sender.send([letter(1), letter(2)], Notes()))
    assert [one.result for one in outcomes] == [Result.UNCERTAIN]
    assert time.monotonic() - began < 3


def test_where_it_only_waits_it_does_something_else(either: Smtpd) -> None:
    either.on("END", Late("250 2.0.0 accepted", after=0.02, accept=True))
    lull, bits = Lull(), []
    work = iter(range(50))

    def bit() -> bool:
        bits.append(len(either.accepted))
        return next(work, None) is not None

    with SmtpSender(account(either), lull=lull) as sender, lull.filled_by(bit):
        outcomes = list(sender.send((letter(n) for n in range(1, 11)), Notes()))
        assert len(outcomes) == len(either.accepted) == 10
    assert bits[0] < 10
    assert 50 < len(bits) < 150  # where there is no more work, it waits for the next answer


def test_work_without_end_keeps_nobody_waiting(either: Smtpd) -> None:
    """Answers are read, a deadline and a stop are kept."""
    stop, lull = threading.Event(), Lull()
    either.on("END", Late("250 2.0.0 accepted", after=0.01, accept=True))
    either.on("END", Silence(), skip=5)
    patient = account(either, timeouts=replace(QUICK, end_of_data=0.3))
    began = time.monotonic()
    with SmtpSender(patient, stop=stop, lull=lull) as sender, lull.filled_by(lambda: True):
        messages = (letter(n) for n in range(1, 7))
        seen = [one.result.value for one in sender.send(messages, Notes())]
        assert seen == ["accepted"] * 5 + ["uncertain"]
        threading.Timer(0.1, stop.set).start()
        slow = replace(patient, timeouts=replace(QUICK, end_of_data=60))
        sender.account = slow
        assert [one.result for one in sender.send([letter(7)], Notes())] == [Result.UNCERTAIN]
    assert time.monotonic() - began < 5


def test_a_lull_is_its_threads_own() -> None:
    lull, told = Lull(), list[bool]()
    with lull.filled_by(lambda: True):
        other = threading.Thread(target=lambda: told.append(lull()))
        other.start()
        other.join()
        assert lull()
    assert told == [False]
    assert not lull()


def test_a_lost_claim_sends_nothing_more_but_reads_what_is_out(server: Smtpd) -> None:
    server.on("END", Late("250 2.0.0 accepted", after=0.1, accept=True))
    seen: list[Outcome] = []
    with SmtpSender(account(server)) as sender, pytest.raises(ClaimLost):
        seen.extend(sender.send((letter(n) for n in range(1, 10)), Notes(lost_after=3)))
    assert [one.delivery_id for one in seen] == [1, 2, 3]
    assert len(server.accepted) == 3


def test_a_fault_of_the_source_comes_after_the_answers(server: Smtpd) -> None:
    def messages() -> Iterator[Message]:
        yield letter(1)
        yield letter(2)
        raise DeliveryFault("no more")

    seen: list[Outcome] = []
    with SmtpSender(account(server)) as sender, pytest.raises(DeliveryFault, match="no more"):
        seen.extend(sender.send(messages(), Notes()))
    assert {one.delivery_id for one in seen} <= {1, 2}
    assert len(seen) == len(server.accepted)
