"""A round of summaries: the papers of the last days that have none, within budget and deadline.

    missing | extract | keep                                all of them, once they are stored
    missing | reserve tokens | ask, some side by side | proof | keep | correct the reserve

Sentences are chosen when the sources were read; a round is made before digests leave, and gives up
at its deadline: nothing waits for it (guarantee 3). What was made is kept a few papers at a time,
so a kill costs these. One round runs at a time, by a lease; a service that fails is left alone for
longer and longer, and its papers keep the sentence chosen from their abstracts.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

from digest.clock import Clock
from digest.config.summaries import SummariesSection
from digest.errors import StoreBusy
from digest.matching.base import Embedder
from digest.matching.static import static_embedder
from digest.model import Paper, PaperId
from digest.store.budgets import BudgetStore
from digest.store.database import Database
from digest.store.leases import Lease, new_holder
from digest.store.marks import MarkStore
from digest.store.papers import PaperStore
from digest.store.summaries import Made, SummaryStore
from digest.summaries.budget import TokenBudget
from digest.summaries.endpoint import Endpoint, Messages, Refusal, Reply, Trouble, cost
from digest.summaries.extract import MAKER, SHORTEST_ABSTRACT, extract
from digest.summaries.writing import messages, proof

log = logging.getLogger(__name__)

RECENT: Final = timedelta(days=14)  #: papers announced before are left as they are
EXTRACTED: Final = 5000  #: papers a round, at most
STEP: Final = 250  #: papers extracted and stored together
TRIES: Final = 3  #: of one paper in a round
FAILURES: Final = 3  #: in a row, and the service is left alone
FIRST_PAUSE: Final = timedelta(minutes=5)  #: doubling …
LONGEST_PAUSE: Final = timedelta(hours=6)  #: … up to here
PAUSED: Final = "summaries/paused"
_VERSION: Final = 1  #: of the prompt: another one makes summaries anew
_LEAST: Final = 1.0  #: seconds that asking again must at least have

Outcome = Reply | Trouble | Refusal


@dataclass(slots=True)
class Round:
    """What one round did."""

    extracted: int = 0
    written: int = 0
    refused: int = 0  #: answers that could not be shown
    tokens: int = 0
    stopped: str = ""  #: why it ended before everything was made; empty when all is


Work = Callable[[Clock, Round, Lease], None]


def makers(settings: SummariesSection) -> tuple[str, ...]:
    """Who makes summaries here, the best first; what others made is not shown."""
    if settings.kind == "off":
        return ()
    written = f"{settings.kind}/{settings.language}/{_VERSION}"
    return (written, MAKER) if settings.model else (MAKER,)


class Summaries:
    """Makes the summaries of one installation; keeps nothing that matters between two rounds."""

    def __init__(
        self,
        settings: SummariesSection,
        database: Database,
        *,
        stop: threading.Event,
        embedder: Callable[[], Embedder] = static_embedder,
        first_wait: float = 1.0,
    ) -> None:
        """`first_wait`: seconds until a service that failed is asked again, then doubling."""
        self._settings = settings
        self._makers = makers(settings)
        self._database = database
        self._store = SummaryStore(database)
        self._marks = MarkStore(database)
        self._stop = stop
        self._embedder = embedder
        self.first_wait = first_wait

    def choose(self, clock: Clock) -> Round:
        """A sentence of each abstract that has none yet; as `make`, without asking the service."""
        return self._hold(clock, self._makers[-1:], self._extract)

    def settle(self, clock: Clock) -> bool:
        """Choose what is missing; whether no paper can get another summary soon."""
        if self._makers and self._is_missing_any(MAKER, clock):
            self.choose(clock)
            if self._is_missing_any(MAKER, clock):
                return False
        return not self._settings.model

    def make(self, clock: Clock) -> Round:
        """Whatever is missing, until the deadline; nothing while another process does."""
        return self._hold(clock, self._makers, self._make)

    def _hold(self, clock: Clock, makers: Sequence[str], work: Work) -> Round:
        """Do what there is for these makers, under the lease."""
        done = Round()
        if not any(self._is_missing_any(maker, clock) for maker in makers):
            return done
        term = timedelta(seconds=60 + self._settings.timeout_seconds)
        lease = Lease(self._database, "summaries", new_holder(), term)
        try:
            if lease.acquire():
                try:
                    work(clock, done, lease)
                finally:
                    lease.release()
            else:
                done.stopped = "another process makes them"
        except StoreBusy as busy:  # a digest goes without rather than late
            done.stopped = str(busy)
        self._tell(done)
        return done

    def _make(self, clock: Clock, done: Round, lease: Lease) -> None:
        self._extract(clock, done, lease)
        if self._settings.model and not self._stop.is_set():
            _Writing(self, clock, done, lease).write()

    def _extract(self, clock: Clock, done: Round, _lease: Lease) -> None:
        missing = self.missing(MAKER, clock, EXTRACTED)
        for start in range(0, len(missing), STEP):
            if self._stop.is_set():
                return
            papers = self.papers(missing[start : start + STEP])
            made = [Made(*one) for one in zip(papers, self._chosen(papers), strict=True)]
            self._store.keep(MAKER, made, clock(), is_written=False)
            done.extracted += sum(bool(one.text) for one in made)

    def _chosen(self, papers: Sequence[Paper]) -> list[str]:
        return extract(papers, self._embedder()) if papers else []

    def missing(self, maker: str, clock: Clock, limit: int) -> list[PaperId]:
        since = (clock() - RECENT).date()
        return self._store.missing(maker, since=since, shortest=SHORTEST_ABSTRACT, limit=limit)

    def _is_missing_any(self, maker: str, clock: Clock) -> bool:
        since = (clock() - RECENT).date()
        return self._store.is_missing_any(maker, since=since, shortest=SHORTEST_ABSTRACT)

    def papers(self, ids: Sequence[PaperId]) -> list[Paper]:
        """In their order; a paper that has become part of another is that other's business."""
        found = PaperStore(self._database).papers(ids)
        return [found[id] for id in ids if id in found and found[id].id == id]

    def _tell(self, done: Round) -> None:
        if not (done.extracted or done.written or done.refused or done.stopped):
            return
        log.info(
            "Summaries: %d chosen, %d written, %d unusable%s.",
            done.extracted,
            done.written,
            done.refused,
            f"; stopped: {done.stopped}" if done.stopped else "",
            extra={"action": "summaries.made", "tokens": done.tokens},
        )


class _Writing:
    """The part of one round that asks the service."""

    def __init__(self, to: Summaries, clock: Clock, done: Round, lease: Lease) -> None:
        self._to = to
        self._settings = to._settings
        self._maker = to._makers[0]
        self._clock = clock
        self._done = done
        self._lease = lease
        self._budget = TokenBudget(BudgetStore(to._database), self._settings.daily_tokens)
        self._end = monotonic() + self._settings.deadline_seconds
        self._rejected: list[Paper] = []  #: by a service that may be wrong in everything

    def write(self) -> None:
        pause = self._to._marks.get(PAUSED)
        if pause and self._clock() < pause.at <= self._clock() + LONGEST_PAUSE:
            self._done.stopped = f"the service is left alone: {pause.detail.get('why', '')}"
            return
        ids = self._to.missing(self._maker, self._clock, self._settings.papers_per_run)
        if not ids:
            return
        secret = self._settings.key.get_secret_value() if self._settings.key else ""
        assert self._settings.url is not None
        endpoint = Endpoint(
            self._settings.url,
            self._settings.model,
            key=secret,
            timeout=self._settings.timeout_seconds,
        )
        try:
            self._write(endpoint, self._to.papers(ids))
        finally:
            endpoint.close()

    def _write(self, endpoint: Endpoint, papers: Sequence[Paper]) -> None:
        waiting = deque((paper, 1) for paper in papers)
        failures = 0
        with ThreadPoolExecutor(self._settings.sessions, "summaries") as pool:
            while waiting and self._may_go_on():
                some = self._reserved(waiting)
                if not some:
                    break
                asked = [messages(paper, self._settings.language) for paper, _ in some]
                outcomes = list(pool.map(lambda m: self._ask(endpoint, m), asked))
                failures = 0 if self._keep(some, asked, outcomes) else failures + 1
                if not self._goes_on_after(outcomes, failures):
                    break
                again = [
                    (paper, tries + 1)
                    for (paper, tries), outcome in zip(some, outcomes, strict=True)
                    if isinstance(outcome, Trouble) and tries < TRIES
                ]
                waiting.extendleft(reversed(again))
        if waiting and not self._done.stopped:
            self._done.stopped = "the deadline"

    def _ask(self, endpoint: Endpoint, question: Messages) -> Outcome:
        left = max(_LEAST, self._end - monotonic())
        return endpoint.ask(question, self._clock(), within=left)

    def _may_go_on(self) -> bool:
        if self._to._stop.is_set() or monotonic() + _LEAST > self._end:
            return False
        self._lease.renew()
        return True

    def _reserved(self, waiting: deque[tuple[Paper, int]]) -> list[tuple[Paper, int]]:
        """The next papers that the budget allows."""
        some: list[tuple[Paper, int]] = []
        while waiting and len(some) < self._settings.sessions:
            paper, _ = waiting[0]
            grant = self._budget.reserve(cost(messages(paper, self._settings.language)))
            if not grant.count:
                if not some:
                    self._done.stopped = f"the day's {self._settings.daily_tokens} tokens are spent"
                break
            some.append(waiting.popleft())
        return some

    def _keep(
        self,
        some: Sequence[tuple[Paper, int]],
        asked: Sequence[Messages],
        outcomes: Sequence[Outcome],
    ) -> bool:
        """Store what can be shown, and that the rest cannot; whether the service works."""
        made: list[Made] = []
        for (paper, _), question, outcome in zip(some, asked, outcomes, strict=True):
            self._count(cost(question), outcome)
            if isinstance(outcome, Reply):
                text = proof(outcome.text, paper, self._settings.language)
                made.append(Made(paper, text))
            elif isinstance(outcome, Refusal) and not outcome.is_general:
                self._rejected.append(paper)
        if not made:
            return False
        # A service that answers others means what it says of these: they are not asked again.
        made += [Made(paper, "") for paper in self._rejected]
        self._rejected.clear()
        self._to._store.keep(self._maker, made, self._clock(), is_written=True)
        self._to._marks.remove(PAUSED)
        self._done.written += sum(bool(one.text) for one in made)
        self._done.refused += sum(not one.text for one in made)
        return True

    def _count(self, reserved: int, outcome: Outcome) -> None:
        """An answer costs what it says, or all that was reserved; a refusal costs nothing."""
        spent = 0
        if isinstance(outcome, Reply):
            spent = reserved if outcome.tokens is None else outcome.tokens
        elif isinstance(outcome, Trouble) and outcome.wait is None:
            spent = reserved  # it may have been answered, and lost on the way
        self._done.tokens += spent
        self._budget.correct(reserved, spent)

    def _goes_on_after(self, outcomes: Sequence[Outcome], failures: int) -> bool:
        """Wait as long as the service asks for, or leave it alone."""
        refusal = next((o for o in outcomes if isinstance(o, Refusal) and o.is_general), None)
        if refusal:
            return self._leave_alone(refusal.why, LONGEST_PAUSE / 6)
        troubles = [one for one in outcomes if isinstance(one, Trouble)]
        if not troubles:
            if failures >= FAILURES:
                whys = [one.why for one in outcomes if isinstance(one, Refusal)]
                return self._leave_alone(whys[0] if whys else "refused", FIRST_PAUSE)
            return True
        asked_for = max((one.wait for one in troubles if one.wait is not None), default=None)
        again = self._to.first_wait * 2.0 ** max(0, failures - 1)
        wait = again if asked_for is None else asked_for
        if failures >= FAILURES or monotonic() + wait + _LEAST > self._end:
            least = timedelta(seconds=asked_for or 0)
            return self._leave_alone(troubles[0].why, max(FIRST_PAUSE, least))
        return not self._to._stop.wait(wait)

    def _leave_alone(self, why: str, least: timedelta) -> bool:
        """Until then nobody asks; twice as long as last time."""
        before, now = self._to._marks.get(PAUSED), self._clock()
        times = int(before.detail.get("times", 0)) + 1 if before else 1
        pause = min(max(least, FIRST_PAUSE * 2 ** min(times - 1, 10)), LONGEST_PAUSE)
        self._to._marks.set(PAUSED, now + pause, why=why, times=times)
        self._done.stopped = why
        log.warning(
            "Summaries: %s failed (%s); it is left alone for %d minutes.",
            self._settings.kind,
            why,
            pause / timedelta(minutes=1),
            extra={"action": "summaries.paused"},
        )
        return False


def paused_until(database: Database, now: datetime) -> tuple[datetime, str] | None:
    """Until when the service is left alone, and why; None while it is not."""
    mark = MarkStore(database).get(PAUSED)
    if mark is None or not now < mark.at <= now + LONGEST_PAUSE:
        return None
    return mark.at, str(mark.detail.get("why", ""))
