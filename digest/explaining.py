"""Explaining: why a paper was in somebody's digest, or why it was not.

    found? | announced when? | sent? | in which window? | subscriber | each interest's decision

It asks the same store and the same matcher that make digests, changes nothing, and answers in
plain lines that walk the decision from the window to the caps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from digest.matching.engine import Explanation, Matcher
from digest.matching.ranking import LIKE, SURE
from digest.model import Combine, Paper, Subscriber, SubscriberState
from digest.rendering.language import speak
from digest.rendering.reasons import why
from digest.store.covering import Announced, Covering, CoveringStore

_STATES = {
    SubscriberState.PENDING: "has not confirmed the address yet",
    SubscriberState.PAUSED: "is paused",
    SubscriberState.SUSPENDED: "is suspended",
    SubscriberState.UNSUBSCRIBED: "has unsubscribed",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """The headline, then the steps that led there."""

    sent: bool
    headline: str
    steps: tuple[str, ...]

    def __iter__(self) -> Iterator[str]:
        yield self.headline
        yield from self.steps


def explain(
    subscriber: Subscriber, paper: Paper, *, store: CoveringStore, matcher: Matcher
) -> Answer:
    """Walk the decision for one paper and one subscriber."""
    announced = store.announced(paper.id)
    covering = store.covering(subscriber.id, paper.id, announced)
    decisions = _decisions(subscriber, paper, matcher)
    steps = [
        *_announcements(announced),
        *_state(subscriber),
        *_window(subscriber, covering, announced),
        *(line for decision in decisions for line in _decision(decision)),
        *_caps(covering, decisions, subscriber),
    ]
    return Answer(covering.sent, _headline(covering, decisions, subscriber), tuple(steps))


def _decisions(subscriber: Subscriber, paper: Paper, matcher: Matcher) -> list[Explanation]:
    prepared = matcher.prepare([paper])
    return [
        prepared.explain(interest, 0, mutes=subscriber.mutes) for interest in subscriber.interests
    ]


def _headline(covering: Covering, decisions: list[Explanation], subscriber: Subscriber) -> str:
    if covering.sent:
        return f"Sent in the digest of {covering.local_date}."
    if covering.local_date is None:
        return "Not sent yet: no digest has covered it so far."
    if not subscriber.interests:
        return f"Not sent on {covering.local_date}: other papers had more votes or sightings."
    if any(one.matched for one in decisions):
        return f"Not sent on {covering.local_date}: it matched, and other papers took the places."
    return f"Not sent on {covering.local_date}: it matched none of the interests."


def _announcements(announced: list[Announced]) -> Iterator[str]:
    for one in announced:
        yield f"{one.source} announced it ({one.announcement}) on {one.announced_at:%Y-%m-%d}."


def _state(subscriber: Subscriber) -> Iterator[str]:
    if words := _STATES.get(subscriber.state):
        yield f"The subscriber {words} and gets no digests."


def _window(
    subscriber: Subscriber, covering: Covering, announced: list[Announced]
) -> Iterator[str]:
    if covering.local_date is not None:
        yield f"It fell into the window of the digest of {covering.local_date}."
    elif covering.skipped is not None:
        yield f"Its window brought no digest ({covering.skipped})."
    elif announced and subscriber.seen_upto is not None:
        newest = max(one.fetch_id for one in announced)
        waits = newest > subscriber.seen_upto
        yield (
            "It is in the window of the next digest."
            if waits
            else "It was stored before this subscriber's first window began."
        )


def _decision(one: Explanation) -> Iterator[str]:
    name = f"“{one.interest.name}”"
    if one.interest.paused:
        yield f"{name}: paused."
        return
    yield f"{name}: {'matches' if one.matched else 'does not match'}."
    yield from (f"    {line}" for line in _facts(one))


def _facts(one: Explanation) -> Iterator[str]:
    if one.fault:
        yield f"Its query cannot be read: {one.fault}"
    if one.muted:
        yield f"Muted: {', '.join(one.muted)}."
    if one.excluded:
        yield f"Excluded by the query: {', '.join(one.excluded)}."
    if one.true is not None:
        yield f"The keyword query is {'true' if one.true else 'false'}."
    if one.present:
        yield f"Found: {', '.join(one.present)}."
    if one.missing:
        yield f"Not found: {', '.join(one.missing)}."
    if one.share is not None:
        verdict = "near enough" if one.within else "too far"
        yield (
            f"Likeness: top {one.share:.1%} of the recent stream; the threshold is"
            f" {one.threshold:.1%}: {verdict}."
        )
    if one.within and one.level is not None and (one.share or 0.0) > SURE:
        verdict = "enough" if one.near else "not enough"
        yield (
            f"Beyond the top {SURE:.0%} a paper must be like the interest in itself:"
            f" {one.level:.1f} spreads above the usual, {LIKE} are wanted: {verdict}."
        )
    if one.true is not None and one.share is not None and one.interest.combine is Combine.ALL:
        yield "This interest asks for both query and likeness."
    if one.reasons.followed:
        yield f"Followed: {', '.join(one.reasons.followed)}."
    if sentence := why(one.reasons, breadth=1, language=speak("en")):
        yield "Why: " + "".join(span.text for span in sentence)


def _caps(
    covering: Covering, decisions: list[Explanation], subscriber: Subscriber
) -> Iterator[str]:
    if covering.sent or covering.local_date is None:
        return
    if any(one.matched for one in decisions):
        yield (
            f"That digest held {_papers(covering.papers)}; the limit is {subscriber.limit},"
            f" and {covering.left_out} more had matched."
        )


def _papers(number: int) -> str:
    return "1 paper" if number == 1 else f"{number} papers"
