"""Accounts in order, on the wire: nobody twice, nobody missed, allowances kept, health minded."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from digest.delivery.account import Account, Security, Timeouts
from digest.delivery.failover import FailoverSender, Way
from digest.delivery.pausing import FAULTS, PROBE, SPAN, after_fault, may_try, recovered
from digest.delivery.rates import Grant
from digest.delivery.rationing import RationedSender
from digest.delivery.smtp import SmtpSender
from digest.errors import DeliveryFault, RateReached
from digest.model import Outcome, Result, RouteHealth
from tests.delivery.letters import Notes, letter
from tests.fakes import START
from tests.smtpd import Drop, Smtpd


@dataclass
class Mind:
    """A Health that takes notes."""

    closed: bool = False
    faults: list[str] = field(default_factory=list)
    successes: int = 0

    def refusal(self) -> DeliveryFault | None:
        return DeliveryFault("left alone") if self.closed else None

    def failed(self, fault: DeliveryFault) -> None:
        self.faults.append(str(fault))

    def worked(self) -> None:
        self.successes += 1


@dataclass
class Purse:
    """An Allowance of so many, ever."""

    left: int
    wait: float = 60.0
    asked: int = 0

    def take(self, want: int) -> Grant:
        self.asked += 1
        count = min(want, self.left)
        self.left -= count
        return Grant(count, 0.0 if count == want else self.wait)

    def give_back(self, count: int) -> None:
        self.left += count


@pytest.fixture
def servers() -> Iterator[tuple[Smtpd, Smtpd]]:
    with Smtpd() as first, Smtpd() as second:
        yield first, second


def sender_to(server: Smtpd) -> SmtpSender:
    quick = Timeouts(connect=2, reply=3, end_of_data=3, grace=1)
    return SmtpSender(Account("127.0.0.1", server.port, Security.NONE, sessions=1, timeouts=quick))


def ways(*servers: Smtpd) -> list[Way]:
    return [Way(f"account {n}", sender_to(one), Mind()) for n, one in enumerate(servers, 1)]


def mind(way: Way) -> Mind:
    assert isinstance(way.health, Mind)
    return way.health


def test_the_first_that_works_sends_all(servers: tuple[Smtpd, Smtpd]) -> None:
    both = ways(*servers)
    with FailoverSender(both) as sender:
        outcomes = list(sender.send(map(letter, range(1, 6)), Notes()))
    assert {one.result for one in outcomes} == {Result.ACCEPTED}
    assert (len(servers[0].accepted), len(servers[1].accepted)) == (5, 0)
    assert (mind(both[0]).successes, mind(both[1]).successes) == (1, 0)


def test_what_the_first_did_not_send_goes_to_the_second(servers: tuple[Smtpd, Smtpd]) -> None:
    first, second = servers
    first.on("MAIL", "550 5.7.1 not you", skip=3)
    both = ways(first, second)
    with FailoverSender(both) as sender:
        outcomes = list(sender.send(map(letter, range(1, 21)), Notes()))
    results = {one.delivery_id: one.result for one in outcomes}
    assert len(outcomes) == len(results) == 20, "one outcome each"
    accepted = first.recipients + second.recipients
    assert len(accepted) == len(set(accepted)), "nobody twice"
    assert len(first.recipients) == 3
    assert len(second.recipients) >= 12
    assert mind(both[0]).faults


def test_a_host_that_is_away_is_passed_over(servers: tuple[Smtpd, Smtpd]) -> None:
    first, second = servers
    first.on("CONNECT", Drop())
    with FailoverSender(ways(first, second)) as sender:
        outcomes = list(sender.send(map(letter, range(1, 4)), Notes()))
    assert [one.result for one in outcomes] == [Result.ACCEPTED] * 3
    assert len(second.accepted) == 3


def test_an_account_left_alone_is_not_even_asked(servers: tuple[Smtpd, Smtpd]) -> None:
    both = ways(*servers)
    mind(both[0]).closed = True
    with FailoverSender(both) as sender:
        list(sender.send([letter()], Notes()))
    assert servers[0].sessions == 0
    assert len(servers[1].accepted) == 1


def test_when_none_works_the_first_fault_is_told(servers: tuple[Smtpd, Smtpd]) -> None:
    for server in servers:
        server.on("EHLO", "554 5.7.1 go away")
        server.on("HELO", "554 5.7.1 go away")
    both = ways(*servers)
    with FailoverSender(both) as sender, pytest.raises(DeliveryFault):
        list(sender.send([letter()], Notes()))
    assert all(mind(way).faults for way in both)


def test_an_account_that_may_send_no_more_gives_way(servers: tuple[Smtpd, Smtpd]) -> None:
    both = ways(*servers)
    purse = Purse(4)
    rationed = RationedSender(both[0].sender, purse, name="first", stop=threading.Event())
    both[0] = Way("account 1", rationed, both[0].health)
    with FailoverSender(both) as sender:
        outcomes = list(sender.send(map(letter, range(1, 11)), Notes()))
    assert len(outcomes) == 10
    assert (len(servers[0].accepted), len(servers[1].accepted)) == (4, 6)
    assert not mind(both[0]).faults, "that is no fault"


def test_an_allowance_is_taken_in_batches_and_what_is_left_given_back(
    servers: tuple[Smtpd, Smtpd],
) -> None:
    purse = Purse(1000)
    rationed = RationedSender(sender_to(servers[0]), purse, name="it", stop=threading.Event())
    with rationed:
        list(rationed.send(map(letter, range(1, 31)), Notes()))
    assert purse.asked == 1
    assert purse.left == 970


def test_a_short_wait_is_slept_and_a_long_one_told(servers: tuple[Smtpd, Smtpd]) -> None:
    class Drip(Purse):
        def take(self, want: int) -> Grant:
            self.asked += 1
            if self.asked > 8:
                return Grant(0, 90.0)
            return Grant(1) if self.asked % 2 else Grant(0, 0.01)

    rationed = RationedSender(sender_to(servers[0]), Drip(0), name="it", stop=threading.Event())
    seen: list[Outcome] = []
    with rationed, pytest.raises(RateReached) as told:
        seen.extend(rationed.send(map(letter, range(1, 31)), Notes()))
    assert told.value.wait == 90.0
    assert len(servers[0].accepted) == 4, "what was admitted was finished first"


# --- health -------------------------------------------------------------------------------------


def test_an_account_pauses_itself_after_faults_over_some_time() -> None:
    health = RouteHealth("one")
    for number in range(FAULTS):
        health = after_fault(health, "no route", START + timedelta(seconds=number))
    assert health.paused_at is None, "many at once are one misfortune"
    later = START + SPAN
    health = after_fault(health, "no route", later)
    assert health.paused_at == later
    assert not may_try(health, later + PROBE / 2)
    assert may_try(health, later + PROBE)
    again = after_fault(health, "no route", later + PROBE)
    assert again.paused_at == later, "paused once"
    assert not may_try(again, later + PROBE)
    assert may_try(recovered(again), later + PROBE)
    assert recovered(again).failures == 0
