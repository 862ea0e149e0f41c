"""Composing, batch by batch; the story and what it guarantees stand in `digest.edition`."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache, partial
from itertools import compress
from operator import itemgetter
from random import randrange
from typing import Final, TypeVar

from digest import away, memory
from digest.clock import local_date, period
from digest.edition.deciding import Deciding, Draft, Routes, Sent, parted, sent_to, suspected, told
from digest.edition.hours import at_hour
from digest.edition.spans import Opening, Span, open_span
from digest.errors import ConfigError
from digest.matching.engine import Matcher
from digest.matching.ranking import Found
from digest.model import (
    Digest,
    FetchId,
    Paper,
    PaperId,
    Skip,
    SourceNote,
    Subscriber,
    SubscriberId,
    Verdict,
)
from digest.store.editions import Claim, Due, EditionStore, Issue, Skipped
from digest.store.papers import PaperStore
from digest.store.queueing import Booker
from digest.store.readers import Read
from digest.store.subscribers import SubscriberStore
from digest.store.superseding import Superseded

log = logging.getLogger(__name__)

BATCH = 500  #: subscribers a transaction
HORIZON = 20  #: batches looked at together, to be composed in the order they lie
READ_AT_ONCE = 125  #: profiles
DECIDED_AT_ONCE = 8  #: subscribers: fewer would each time find the processor's cache cold
EVERYBODY = 1_000_000_000
_NOTHING: Final[Mapping[PaperId, int]] = {}
_draft: Final = partial(tuple.__new__, Draft)  # `_make` without counting
_id: Final = itemgetter(Draft._fields.index("id"))
_dated: Final = itemgetter(*map(Draft._fields.index, ("id", "local_date")))
_opening: Final = partial(tuple.__new__, Opening)
T = TypeVar("T")
Lending = Generator[None, None, T]  #: gives control back now and then, never in a transaction
Decision = Issue | Skipped


@dataclass(frozen=True, slots=True)
class Composed:
    """What one compose did, in counts."""

    composed: int = 0
    skipped: Counter[Skip] = field(default_factory=Counter)

    def __add__(self, other: Composed) -> Composed:
        return Composed(self.composed + other.composed, self.skipped + other.skipped)


@dataclass(frozen=True, slots=True)
class Composer:
    """Composes what is due from the papers that are stored.

    `late` names sources that should have announced by now and have not: every digest says so.
    `keep` gets what was stored, for who sends it at once; `booker` is who does.
    """

    store: EditionStore
    papers: PaperStore
    subscribers: SubscriberStore
    matcher: Matcher
    routes: Routes
    late: frozenset[str] = frozenset()
    batch: int = BATCH
    keep: Callable[[Iterable[Read]], None] = lambda written: None
    booker: Booker | None = None

    @memory.making_much()
    def compose(
        self,
        now: datetime,
        *,
        run_id: int | None = None,
        only: SubscriberId | None = None,
        due_by: datetime | None = None,
    ) -> Composed:
        """Make a digest, or store why not, for everyone due at `now` (due by then already)."""
        batches = self.batches(now, run_id=run_id, only=only, due_by=due_by)
        return sum((done for done, _moved in batches), Composed())

    def batches(
        self,
        now: datetime,
        *,
        run_id: int | None = None,
        only: SubscriberId | None = None,
        due_by: datetime | None = None,
    ) -> Iterator[tuple[Composed, int]]:
        """`compose` batch by batch: what became of each, and how many subscribers were moved on.

        What a batch made is committed when it is given out.
        """
        steps = self.steps(now, run_id=run_id, only=only, due_by=due_by)
        return (done for done in steps if done is not None)

    def steps(
        self,
        now: datetime,
        *,
        run_id: int | None = None,
        only: SubscriberId | None = None,
        due_by: datetime | None = None,
    ) -> Iterator[tuple[Composed, int] | None]:
        """`batches` bit by bit: None where a batch is not done yet.

        Whoever has something better to do may do it in between: no transaction is open then, and
        what is not committed is only thought, not stored. Most bits take some tenths of a
        millisecond, reading and storing a batch some tens. Opening a window and matching a batch
        are one bit each: the more interests nobody had before, the longer, up to a second.
        """
        self.subscribers.wake(now)
        sitting = Sitting(self, now, run_id)
        idle = 0
        while idle < 3 and (
            due := self.store.due(due_by or now, limit=HORIZON * self.batch, only=only)
        ):
            for batch in _batches(due, self.batch):
                done, moved = yield from sitting.try_to_compose(batch)
                idle = 0 if moved else idle + 1  # other composers hold these
                yield done, moved
                if moved < len(batch):
                    break  # somebody is at work here: look again who is left
        self.store.forget_written()

    def rehearse(self, now: datetime, *, only: SubscriberId | None = None) -> Composed:
        """What `compose` would do with what is stored, storing nothing."""
        sitting = Sitting(self, now, None)
        due = self.store.due(now, limit=EVERYBODY, only=only)
        return sum(map(sitting.rehearse, _batches(due, self.batch)), Composed())

    def preview(self, subscriber: Subscriber, now: datetime) -> tuple[Digest, list[Paper]]:
        """The digest `subscriber` would get at `now`, and its papers; stores nothing."""
        return Sitting(self, now, None).preview(subscriber)


class PapersMerged(Exception):
    """A paper of a digest became part of another one while the digest was composed."""


class Sitting:
    """One compose: everything that is the same for all who are due at `now`."""

    def __init__(self, composer: Composer, now: datetime, run_id: int | None) -> None:
        self._to = composer
        self._now = now
        self._run_id = run_id
        self._upto = composer.papers.latest_fetch()
        self._span = lru_cache(maxsize=4)(self._open_span)
        self._fetch_before = lru_cache(maxsize=64)(composer.papers.fetch_before)
        self._hour = lru_cache(maxsize=4096)(partial(at_hour, now))
        self._date = lru_cache(maxsize=4096)(local_date)
        self._deciding = Deciding(now, self._notes(), composer.routes)

    def try_to_compose(self, due: Sequence[Due]) -> Lending[tuple[Composed, int]]:
        """One batch, or nothing of it when papers became one meanwhile: then look again."""
        try:
            return (yield from self.compose(due))
        except PapersMerged:
            self._span.cache_clear()
            return Composed(), 0

    def compose(self, due: Sequence[Due]) -> Lending[tuple[Composed, int]]:
        """One batch: what became of it, and how many subscribers were moved on."""
        waiting = self._to.store.waiting([one.id for one in due])
        drafts = yield from self._draft(due, waiting)
        suspects = suspected(drafts)
        sent = sent_to(suspects, self._to.store)
        decided = yield from self._decide(drafts, sent)
        with self._to.store.claim(due, booker=self._to.booker) as claim:
            held = _still_ours(drafts, claim, waiting, self._now)
            dated = claim.dated(dict(map(_dated, held)))
            fresh = [draft for draft in held if draft.id not in dated] if dated else held
            issues, skips = self._confirm(fresh, decided, sent, sent_to(suspects, claim))
            if not claim.all_stand(set[PaperId]().union(*(one.papers for one in issues))):
                raise PapersMerged  # and with it this transaction goes
            queued = claim.queue(issues, run_id=self._run_id)
            claim.skip(skips, run_id=self._run_id, at=self._now)
            claim.welcome_back(told(fresh, skips))
            claim.postpone((d.id, d.hour.following) for d in held if d.id in dated)
        self._to.keep(queued)
        return Composed(len(issues), Counter(skip.reason for skip in skips)), len(held)

    def rehearse(self, due: Sequence[Due]) -> Composed:
        """What `compose` would say of the batch."""
        drafts = _in_one_go(self._draft(due, self._to.store.waiting([one.id for one in due])))
        sent = sent_to(suspected(drafts), self._to.store)
        issues, skips = parted(_in_one_go(self._decide(drafts, sent)).values())
        return Composed(len(issues), Counter(skip.reason for skip in skips))

    def preview(self, subscriber: Subscriber) -> tuple[Digest, list[Paper]]:
        """One digest for somebody who need not be due, outside any transaction."""
        due = Due(subscriber.id, self._now)
        span = self._span(self._opening(subscriber, due, None), self._upto)
        draft = next(self._match(span, [(due, subscriber)]))
        sent = self._to.store.sent(span.papers, [subscriber.id])[subscriber.id]
        digest = self._deciding.digest(draft, sent)
        return digest, [span.papers[paper_id] for paper_id in digest.paper_ids]

    def _notes(self) -> tuple[SourceNote, ...]:
        late = self._to.late
        return tuple(
            replace(note, verdict=Verdict.STALE)
            if note.source in late and note.verdict.moves_watermark
            else note
            for note in self._to.papers.latest_verdicts()
        )

    # --- matching, before anything is locked ----------------------------------------------------

    def _draft(
        self, due: Sequence[Due], waiting: Mapping[SubscriberId, Superseded]
    ) -> Lending[list[Draft]]:
        """Everybody matched; those with the same window together."""
        times = {one.id: one for one in due}
        groups: dict[Opening, list[tuple[Due, Subscriber]]] = defaultdict(list)
        for some in _slices([one.id for one in due], READ_AT_ONCE):
            for reader in self._to.subscribers.profiles(some):
                one, again = times[reader.id], waiting.get(reader.id)
                if again is not None:
                    reader = away.still_untold(reader, again.away_since)
                groups[self._opening(reader, one, again)].append((one, reader))
            yield
        drafts: list[Draft] = []
        for opening, group in groups.items():
            drafts += self._match(self._span(opening, self._upto), group)
            yield
        return drafts

    def _opening(self, subscriber: Subscriber, due: Due, superseded: Superseded | None) -> Opening:
        """After the last digest's window; a first digest reaches back one cadence's span."""
        if superseded is not None:
            after = superseded.fetch_after
        elif subscriber.seen_upto is not None:
            after = subscriber.seen_upto
        else:
            after = self._fetch_before(due.next_due_at - period(subscriber.schedule))
        if subscriber.away_since is not None:
            after = max(after, self._fetch_before(self._now - away.MOST))
        return _opening((after, subscriber.revisions))

    def _open_span(self, opening: Opening, upto: FetchId) -> Span:
        to = self._to
        return open_span(opening, upto, store=to.store, papers=to.papers, matcher=to.matcher)

    def _match(self, span: Span, group: Sequence[tuple[Due, Subscriber]]) -> Iterator[Draft]:
        subscribers = [subscriber for _, subscriber in group]
        for ((id, due_at), one), found in zip(group, _found(span, subscribers), strict=True):
            latest, *_ = hour = self._hour(one.schedule)
            if latest is not None and latest > due_at:
                due_at = latest
            day = self._date(due_at, one.schedule.timezone)
            yield _draft((id, one, due_at, day, hour, span, found))

    # --- deciding, before they are locked and once they are ----------------------------------

    def _decide(self, drafts: Sequence[Draft], sent: Sent) -> Lending[dict[SubscriberId, Decision]]:
        decide, decided = self._deciding.decide, dict[SubscriberId, Decision]()
        for some in _slices(drafts, DECIDED_AT_ONCE):
            for draft in some:
                decided[draft.id] = decide(draft, sent.get(draft.id, _NOTHING))
            yield
        return decided

    def _confirm(
        self,
        drafts: Sequence[Draft],
        decided: Mapping[SubscriberId, Decision],
        before: Sent,
        sent: Sent,
    ) -> tuple[list[Issue], list[Skipped]]:
        """The decisions on `drafts`, made anew where it is not as `before` what they were sent.

        A digest withdrawn just now or papers that became one can have changed that; another
        composer would have moved the subscriber on.
        """
        if sent == before:  # as a rule
            return parted(map(decided.__getitem__, map(_id, drafts)))
        return parted(
            decided[one.id]
            if sent.get(one.id, _NOTHING) == before.get(one.id, _NOTHING)
            else self._deciding.decide(one, sent.get(one.id, _NOTHING))
            for one in drafts
        )


def _slices(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _in_one_go(work: Lending[T]) -> T:
    """What `work` comes to, without a pause."""
    try:
        while True:
            next(work)
    except StopIteration as end:
        result: T = end.value
        return result


def _batches(due: Sequence[Due], size: int) -> list[Sequence[Due]]:
    """Neighbours in the tables together: their rows stand on the same pages.

    Several composers begin at different places, so that they seldom want the same.
    """
    ordered = sorted(due)  # by their ids
    begins = range(0, len(ordered), size)
    batches: list[Sequence[Due]] = [ordered[at : at + size] for at in begins]
    turn = randrange(len(batches)) if batches else 0
    return batches[turn:] + batches[:turn]


def _found(span: Span, subscribers: Sequence[Subscriber]) -> list[Sequence[Found] | None]:
    """What each subscriber's interests found; None for one whose profile makes matching fail.

    Raises ConfigError when the model is away: that is nobody's own, and they stay due.
    """
    try:
        return list(span.prepared.search(subscribers))
    except ConfigError:
        raise
    except Exception:  # one profile must not cost the others their digest: find it, go on
        if len(subscribers) == 1:
            log.exception("Matching failed.", extra={"action": "match_failed"})
            return [None]
    return [found for one in subscribers for found in _found(span, [one])]


def _still_ours(
    drafts: Sequence[Draft],
    claim: Claim,
    waiting: Mapping[SubscriberId, Superseded],
    now: datetime,
) -> list[Draft]:
    """The drafts whose subscriber we hold and whose undelivered digest, if any, is withdrawn.

    A digest that has left since we looked changes the window; its subscriber is due once more.
    """
    held = claim.held
    ours = {sid: superseded for sid, superseded in waiting.items() if sid in held}
    gone = ours.keys() - claim.supersede(ours, now)
    return list(compress(drafts, map((held - gone).__contains__, map(_id, drafts))))
