"""What one due subscriber gets: a digest with these sections, or the reason why there is none.

A decision follows from a draft (what matching found in the window) and from what of the window its
subscriber was sent before, and from nothing else: made before anybody is locked, it holds as long
as what was sent is the same once they are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Final, NamedTuple

from digest import away
from digest.edition.hours import Hour
from digest.edition.spans import Span
from digest.matching.ranking import Arrangement, Found, arrange
from digest.model import (
    Channel,
    Digest,
    DigestId,
    PaperId,
    Skip,
    SourceNote,
    Subscriber,
    SubscriberId,
)
from digest.store.editions import Claim, EditionStore, Issue, Skipped

_digest: Final = partial(tuple.__new__, Digest)  # `_make` without counting
_issue: Final = partial(tuple.__new__, Issue)
_NONE: Final = DigestId(0)
_NOTHING: Final = Arrangement(())
_FAILED: Final = (Skip.FAULT, Skip.PROFILE_BROKEN)
Routes = Callable[[Subscriber], Sequence[tuple[Channel, str]]]
Suspects = Mapping[frozenset[PaperId], Sequence[SubscriberId]]
Sent = Mapping[SubscriberId, Mapping[PaperId, int]]  #: papers with the newest version sent


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
class Deciding:
    """Decides for all who are due at `now`; `notes` is how the sources did."""

    now: datetime
    notes: tuple[SourceNote, ...]
    routes: Routes

    def decide(self, draft: Draft, sent: Mapping[PaperId, int]) -> Issue | Skipped:
        """What becomes of a draft whose subscriber was sent `sent` of its window."""
        arranged, hour, span = _arrange(draft, sent), draft.hour, draft.span
        if not arranged.sections:
            reason = _reason_to_skip(draft)
            if reason is not None:
                return self._skipped(draft, reason)
        digest, one = self._digest(draft, arranged), draft.subscriber
        papers, versions, after, upto = arranged.papers, span.versions, span.after, span.upto
        to, routes, next_due = one.addressee, self.routes(one), hour.following
        return _issue((digest, papers, versions, after, upto, to, routes, next_due))

    def digest(self, draft: Draft, sent: Mapping[PaperId, int]) -> Digest:
        """The digest, be it empty."""
        return self._digest(draft, _arrange(draft, sent))

    def _digest(self, draft: Draft, arranged: Arrangement) -> Digest:
        id, one, due_at, day, hour, span, _ = draft
        sections, left_out, _ = arranged
        since, is_back = hour.since, False
        if one.away_since is not None and away.has_missed(one, due_at):
            since, is_back = away.told_since(one, self.now), True
        now, considered = self.now, span.considered
        return _digest(
            (_NONE, id, day, now, since, now, sections, considered, left_out, self.notes, is_back)
        )

    def _skipped(self, draft: Draft, reason: Skip) -> Skipped:
        failed = reason in _FAILED
        return Skipped(
            subscriber_id=draft.id,
            local_date=draft.local_date,
            reason=reason,
            next_due_at=draft.hour.following,
            seen_upto=draft.span.after if failed else draft.span.upto,
            detail=", ".join(f"{note.source}: {note.verdict.value}" for note in self.notes),
        )


def suspected(drafts: Sequence[Draft]) -> Suspects:
    """What of the windows whom may have been sent before; nothing, as a rule."""
    asked: dict[frozenset[PaperId], list[SubscriberId]] = defaultdict(list)
    for draft in drafts:
        first = draft.subscriber.seen_upto is None
        if suspects := draft.span.every if first else draft.span.resighted:
            asked[suspects].append(draft.id)
    return asked


def sent_to(suspects: Suspects, store: Claim | EditionStore) -> Sent:
    """What each was sent before indeed."""
    found: dict[SubscriberId, Mapping[PaperId, int]] = {}
    for papers, subscribers in suspects.items():
        found |= store.sent(papers, subscribers)
    return found


def parted(decisions: Iterable[Issue | Skipped]) -> tuple[list[Issue], list[Skipped]]:
    """Who gets a digest, and who gets none."""
    all_ = list(decisions)
    skips = [one for one in all_ if isinstance(one, Skipped)]
    return [one for one in all_ if isinstance(one, Issue)], skips


def told(drafts: Sequence[Draft], skips: Sequence[Skipped]) -> list[SubscriberId]:
    """Who rested and knows now what they missed; after a fault, the next digest tells it."""
    failed = {one.subscriber_id for one in skips if one.reason in _FAILED}
    return [d.id for d in drafts if d.subscriber.away_since and d.id not in failed]


def _arrange(draft: Draft, sent: Mapping[PaperId, int]) -> Arrangement:
    """The sections: nothing twice, and new versions only of what this subscriber was sent."""
    _, subscriber, _, _, _, span, found = draft
    if found is None:
        return _NOTHING
    closed: Collection[PaperId] = sent
    told: Collection[PaperId] = ()
    if span.revised:
        closed = sent.keys() | span.revised
        told = {pid for pid in span.revised & sent.keys() if span.versions[pid] > sent[pid]}
    return arrange(
        subscriber,
        found,
        copies=span.prepared.copies,
        trending=span.trending,
        sent=closed,
        revised=told,
    )


def _reason_to_skip(draft: Draft) -> Skip | None:
    """Why nobody is sent what nothing was found for, if it is not sent."""
    if draft.found is None:
        return Skip.FAULT
    if draft.found and all(one.fault for one in draft.found):
        return Skip.PROFILE_BROKEN
    if draft.subscriber.send_empty:
        return None
    return Skip.NOTHING_MATCHED if draft.span.considered else Skip.NOTHING_NEW
