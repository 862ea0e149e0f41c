"""A run's report adds up: due is the sum of what became of it, and nothing is left out."""

from __future__ import annotations

from collections import Counter

from digest.day import RunReport
from digest.edition import Composed
from digest.model import DeliveryState, Skip
from digest.outbox.tally import Tally
from tests.fakes import START


def test_due_is_the_sum_of_what_became_of_it() -> None:
    states = Counter({state: number for number, state in enumerate(DeliveryState, 1)})
    skipped = Counter({Skip.PAUSED: 2, Skip.NOTHING_MATCHED: 3})
    digests = Composed(composed=4, skipped=skipped)
    report = RunReport(START, digests=digests, deliveries=Tally(states=states))
    told = report.to_json()
    assert report.due == 9 == told["digests"]["composed"] + sum(told["digests"]["skipped"].values())
    assert report.handled == states.total() == sum(told["deliveries"].values())


def test_a_usual_report_has_the_documented_shape() -> None:
    told = RunReport(START).to_json()["deliveries"]
    assert list(told) == ["delivered", "deferred", "refused", "uncertain"]


def test_a_digest_that_could_not_be_made_is_a_failure() -> None:
    digests = Composed(composed=4, skipped=Counter({Skip.NOTHING_MATCHED: 3}))
    assert not RunReport(START, digests=digests).has_failures
    digests.skipped[Skip.FAULT] += 1
    assert RunReport(START, digests=digests).has_failures
