"""Composing, batch by batch; the story and what it guarantees stand in `digest.edition`."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import lru_cache, partial
from random import randrange
from typing import NamedTuple

from digest import away, memory
from digest.clock import local_date, period
from digest.edition.hours import Hour, at_hour
from digest.edition.spans import Opening, Span, open_span
from digest.errors import ConfigError
from digest.matching.engine import Matcher
from digest.matching.ranking import Arrangement, Found, arrange
from digest.model import (
    Channel,
    Digest,
    DigestId,
    FetchId,
    Paper,
    PaperId,
    Skip,
    Subscriber,
    SubscriberId,
    Verdict,
)
from digest.store.editions import Claim, Due, EditionStore, Issue, Skipped
from digest.store.papers import PaperStore
from digest.store.readers import Read
from digest.store.subscribers import SubscriberStore
from digest.store.superseding import Superseded

log = logging.getLogger(__name__)

BATCH = 1000  #: subscribers a transaction
HORIZON = 10  #: batches looked at together, to be composed in the order they lie
EVERYBODY = 1_000_000_000
_FAILED = (Skip.FAULT, Skip.PROFILE_BROKEN)
Routes = Callable[[Subscriber], Sequence[tuple[Channel, str]]]


@dataclass(frozen=True, slots=True)
class Composed:
    """What one compose did, in counts."""

    composed: int = 0
    skipped: Counter[Skip] = field(default_factory=Counter)

    def __add__(self, other: Composed) -> Composed:
        return Composed(self.composed + other.composed, self.skipped + other.skipped)


class Draft(NamedTuple):
    """One due subscriber, matched and not yet arranged; `found` None when matching failed.

    `due_at` is the latest hour this digest was due at: after downtime, not the first.
    """

    id: SubscriberId
    subscriber: Subscriber
    due_at: datetime
    local_date: date
    hour: Hour
    span: Span
    found: Sequence[Found] | None


@dataclass(frozen=True, slots=True)
class Composer:
    """Composes what is due from the papers that are stored.

    `late` names sources that should have announced by now and have not: every digest says so.
    `keep` gets what was stored, for who sends it at once.
    """

    store: EditionStore
    papers: PaperStore
    subscribers: SubscriberStore
    matcher: Matcher
    routes: Routes
    late: frozenset[str] = frozenset()
    batch: int = BATCH
    keep: Callable[[Iterable[Read]], None] = lambda written: None

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
        self.subscribers.wake(now)
        sitting = Sitting(self, now, run_id)
        idle = 0
        while idle < 3 and (
            due := self.store.due(due_by or now, limit=HORIZON * self.batch, only=only)
        ):
            for batch in _batches(due, self.batch):
                done, moved = sitting.try_to_compose(batch)
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
        self._notes = tuple(
            replace(note, verdict=Verdict.STALE)
            if note.source in composer.late and note.verdict.moves_watermark
            else note
            for note in composer.papers.latest_verdicts()
        )
        self._span = lru_cache(maxsize=4)(self._open_span)
        self._fetch_before = lru_cache(maxsize=64)(composer.papers.fetch_before)
        self._hour = lru_cache(maxsize=4096)(partial(at_hour, now))
        self._date = lru_cache(maxsize=4096)(local_date)

    def try_to_compose(self, due: Sequence[Due]) -> tuple[Composed, int]:
        """One batch, or nothing of it when papers became one meanwhile: then look again."""
        try:
            return self.compose(due)
        except PapersMerged:
            self._span.cache_clear()
            return Composed(), 0

    def compose(self, due: Sequence[Due]) -> tuple[Composed, int]:
        """One batch: what became of it, and how many subscribers were moved on."""
        waiting = self._to.store.waiting([one.id for one in due])
        drafts = self._draft(due, waiting)
        with self._to.store.claim(due) as claim:
            held = _still_ours(drafts, claim, waiting, self._now)
            dated = claim.dated({draft.id: draft.local_date for draft in held})
            fresh = [draft for draft in held if draft.id not in dated]
            issues, skips = self._decide(fresh, _sent_to(fresh, claim))
            if not claim.all_stand(set[PaperId]().union(*(one.papers for one in issues))):
                raise PapersMerged  # and with it this transaction goes
            queued = claim.queue(issues, run_id=self._run_id)
            claim.skip(skips, run_id=self._run_id, at=self._now)
            claim.welcome_back(_told(fresh, skips))
            claim.postpone((d.id, d.hour.following) for d in held if d.id in dated)
        readers = {draft.id: draft.subscriber for draft in fresh}
        self._to.keep(Read(one, readers[one.subscriber_id].addressee) for one in queued)
        return Composed(len(issues), Counter(skip.reason for skip in skips)), len(held)

    def rehearse(self, due: Sequence[Due]) -> Composed:
        """What `compose` would say of the batch."""
        drafts = self._draft(due, self._to.store.waiting([one.id for one in due]))
        issues, skips = self._decide(drafts, _sent_to(drafts, self._to.store))
        return Composed(len(issues), Counter(skip.reason for skip in skips))

    def preview(self, subscriber: Subscriber) -> tuple[Digest, list[Paper]]:
        """One digest for somebody who need not be due, outside any transaction."""
        due = Due(subscriber.id, self._now)
        span = self._span(self._opening(subscriber, due, None), self._upto)
        draft = next(self._match(span, [(due, subscriber)]))
        sent = self._to.store.sent(span.papers, [subscriber.id])[subscriber.id]
        digest = self._digest(draft, _arrange(draft, sent))
        return digest, [span.papers[paper_id] for paper_id in digest.paper_ids]

    # --- matching, before anything is locked ----------------------------------------------------

    def _draft(self, due: Sequence[Due], waiting: Mapping[SubscriberId, Superseded]) -> list[Draft]:
        """Everybody matched; those with the same window together."""
        times = {one.id: one for one in due}
        groups: dict[Opening, list[tuple[Due, Subscriber]]] = defaultdict(list)
        for reader in self._to.subscribers.profiles(list(times)):
            one, again = times[reader.id], waiting.get(reader.id)
            if again is not None:
                reader = away.still_untold(reader, again.away_since)
            groups[self._opening(reader, one, again)].append((one, reader))
        return [
            draft
            for opening, group in groups.items()
            for draft in self._match(self._span(opening, self._upto), group)
        ]

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
        return Opening(after, subscriber.revisions)

    def _open_span(self, opening: Opening, upto: FetchId) -> Span:
        to = self._to
        return open_span(opening, upto, store=to.store, papers=to.papers, matcher=to.matcher)

    def _match(self, span: Span, group: Sequence[tuple[Due, Subscriber]]) -> Iterator[Draft]:
        subscribers = [subscriber for _, subscriber in group]
        for (due, one), found in zip(group, _found(span, subscribers), strict=True):
            hour, due_at = self._hour(one.schedule), due.next_due_at
            if hour.latest is not None and hour.latest > due_at:
                due_at = hour.latest
            day = self._date(due_at, one.schedule.timezone)
            yield Draft(one.id, one, due_at, day, hour, span, found)

    # --- deciding, with the subscribers locked ----------------------------------------------------

    def _decide(
        self, drafts: Sequence[Draft], sent: Mapping[SubscriberId, Mapping[PaperId, int]]
    ) -> tuple[list[Issue], list[Skipped]]:
        issues: list[Issue] = []
        skips: list[Skipped] = []
        for draft in drafts:
            arrangement = _arrange(draft, sent.get(draft.id, {}))
            reason = _reason_to_skip(draft, arrangement)
            if reason is None:
                issues.append(self._issue(draft, arrangement))
            else:
                skips.append(self._skipped(draft, reason))
        return issues, skips

    def _issue(self, draft: Draft, arrangement: Arrangement) -> Issue:
        digest, span = self._digest(draft, arrangement), draft.span
        return Issue(
            digest,
            digest.paper_ids,
            span.versions,
            span.after,
            span.upto,
            self._to.routes(draft.subscriber),
            draft.hour.following,
        )

    def _digest(self, draft: Draft, arrangement: Arrangement) -> Digest:
        one, since = draft.subscriber, draft.hour.since
        is_back = one.away_since is not None and away.has_missed(one, draft.due_at)
        return Digest(
            DigestId(0),
            draft.id,
            draft.local_date,
            self._now,
            away.told_since(one, self._now) if is_back else since,
            self._now,
            arrangement.sections,
            draft.span.considered,
            arrangement.left_out,
            self._notes,
            is_back,
        )

    def _skipped(self, draft: Draft, reason: Skip) -> Skipped:
        failed = reason in _FAILED
        return Skipped(
            subscriber_id=draft.id,
            local_date=draft.local_date,
            reason=reason,
            next_due_at=draft.hour.following,
            seen_upto=draft.span.after if failed else draft.span.upto,
            detail=", ".join(f"{note.source}: {note.verdict.value}" for note in self._notes),
        )


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
    ours = {sid: superseded for sid, superseded in waiting.items() if sid in claim.held}
    withdrawn = claim.supersede(ours, now)
    return [d for d in drafts if d.id in claim.held and (d.id not in ours or d.id in withdrawn)]


def _told(drafts: Sequence[Draft], skips: Sequence[Skipped]) -> list[SubscriberId]:
    """Who rested and knows now what they missed; after a fault, the next digest tells it."""
    failed = {one.subscriber_id for one in skips if one.reason in _FAILED}
    return [d.id for d in drafts if d.subscriber.away_since and d.id not in failed]


def _sent_to(
    drafts: Sequence[Draft], store: Claim | EditionStore
) -> dict[SubscriberId, dict[PaperId, int]]:
    """What of the windows each was sent before: asked only where that is possible at all."""
    asked: dict[frozenset[PaperId], list[SubscriberId]] = defaultdict(list)
    for draft in drafts:
        first = draft.subscriber.seen_upto is None
        if suspects := draft.span.every if first else draft.span.resighted:
            asked[suspects].append(draft.id)
    found: dict[SubscriberId, dict[PaperId, int]] = {}
    for papers, subscribers in asked.items():
        found |= store.sent(papers, subscribers)
    return found


def _arrange(draft: Draft, sent: Mapping[PaperId, int]) -> Arrangement:
    """The sections: nothing twice, and new versions only of what this subscriber was sent."""
    span = draft.span
    if draft.found is None:
        return Arrangement(())
    closed: Collection[PaperId] = sent
    told: Collection[PaperId] = ()
    if span.revised:
        closed = sent.keys() | span.revised
        told = {pid for pid in span.revised & sent.keys() if span.versions[pid] > sent[pid]}
    return arrange(
        draft.subscriber,
        draft.found,
        copies=span.prepared.copies,
        trending=span.trending,
        sent=closed,
        revised=told,
    )


def _reason_to_skip(draft: Draft, arrangement: Arrangement) -> Skip | None:
    if draft.found is None:
        return Skip.FAULT
    if arrangement.sections:
        return None
    if draft.found and all(one.fault for one in draft.found):
        return Skip.PROFILE_BROKEN
    if draft.subscriber.send_empty:
        return None
    return Skip.NOTHING_MATCHED if draft.span.considered else Skip.NOTHING_NEW
