"""Explaining: why a paper was in somebody's digest, or why it was not.

    announced when? | subscriber | sent, or in which window? | each interest's decision, with each
    part of its score | trending | near-copies and caps

It asks the same stores and the same matcher that make digests, changes nothing, and answers in
plain lines that walk the decision from the window to the caps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from digest.matching.engine import Explanation, Matcher
from digest.matching.ranking import LIKE, SURE, trending
from digest.matching.scoring import Floats
from digest.matching.twins import find_twins
from digest.model import Combine, Interest, Paper, Subscriber, SubscriberState
from digest.rendering.language import speak
from digest.rendering.reasons import why
from digest.store.covering import Announced, Covering, CoveringStore
from digest.store.papers import PaperStore

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


@runtime_checkable
class Parted(Protocol):
    """A scorer whose score has parts that can be told, in spreads above the usual."""

    def breakdown(self, interest: Interest, ready: Any) -> Mapping[str, Floats]: ...


@dataclass(frozen=True, slots=True)
class Decision:
    """One interest's decision, and the parts of its score."""

    made: Explanation
    parts: Mapping[str, float]

    @property
    def matched(self) -> bool:
        return self.made.matched and not self.made.interest.paused


def explain(
    subscriber: Subscriber,
    paper: Paper,
    *,
    store: CoveringStore,
    papers: PaperStore,
    matcher: Matcher,
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
        *_trending(subscriber, paper, covering, papers),
        *_copies(paper, covering, decisions, papers),
        *_caps(covering, decisions, subscriber),
    ]
    return Answer(covering.sent, _headline(covering, decisions, subscriber), tuple(steps))


def _decisions(subscriber: Subscriber, paper: Paper, matcher: Matcher) -> list[Decision]:
    prepared = matcher.prepare([paper])
    return [
        Decision(
            prepared.explain(interest, 0, mutes=subscriber.mutes),
            _parts(interest, paper, matcher),
        )
        for interest in subscriber.interests
    ]


def _parts(interest: Interest, paper: Paper, matcher: Matcher) -> dict[str, float]:
    scorer = matcher.scorer
    if not isinstance(scorer, Parted):
        return {}
    parts = scorer.breakdown(interest, scorer.prepare([paper]))
    return {name: round(float(values[0]), 1) for name, values in parts.items()}


def _headline(covering: Covering, decisions: list[Decision], subscriber: Subscriber) -> str:
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
        if covering.section:
            yield f"It was listed there under “{covering.section}”."
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


def _decision(one: Decision) -> Iterator[str]:
    name = f"“{one.made.interest.name}”"
    if one.made.interest.paused:
        yield f"{name}: paused."
        return
    yield f"{name}: {'matches' if one.matched else 'does not match'}."
    lines = (*_keywords(one.made), *_likeness(one.made, one.parts), *_rest(one.made))
    yield from (f"    {line}" for line in lines)


def _keywords(one: Explanation) -> Iterator[str]:
    if one.fault:
        yield f"Its query cannot be read: {one.fault}"
    if one.known:
        yield "It is one of this interest's own examples, and nobody is sent those."
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


def _likeness(one: Explanation, parts: Mapping[str, float]) -> Iterator[str]:
    told = ", ".join(f"{name} {value:+.1f}" for name, value in parts.items())
    if one.share is None:
        if parts:
            yield f"Likeness to what was disliked, in spreads above the usual: {told}."
        return
    if parts:
        yield f"Likeness by part, in spreads above the usual: {told}."
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


def _rest(one: Explanation) -> Iterator[str]:
    if one.true is not None and one.share is not None and one.interest.combine is Combine.ALL:
        yield "This interest asks for both query and likeness."
    if one.reasons.followed:
        yield f"Followed: {', '.join(one.reasons.followed)}."
    if sentence := why(one.reasons, breadth=1, language=speak("en")):
        yield "Why: " + "".join(span.text for span in sentence)


def _trending(
    subscriber: Subscriber, paper: Paper, covering: Covering, papers: PaperStore
) -> Iterator[str]:
    """Where the paper stood among its window's most voted, for those who get these."""
    most = subscriber.trending if subscriber.interests else subscriber.limit
    if covering.local_date is None or not most:
        return
    window = papers.window(covering.after, covering.upto)
    new = [one for one in window.papers if one.id not in window.revised]
    order = [match.paper_id for match in trending(new)]
    if paper.id in order:
        votes = "no votes" if not paper.votes else f"{paper.votes} votes"
        yield (
            f"Trending: place {order.index(paper.id) + 1} of {len(order)} in that window, with"
            f" {votes} and {len(paper.sources)} of the sources; at most {most} are listed."
        )


def _copies(
    paper: Paper, covering: Covering, decisions: list[Decision], papers: PaperStore
) -> Iterator[str]:
    """Whether a paper of nearly the same title had its place."""
    if covering.sent or not any(one.matched for one in decisions):
        return
    listed = list(papers.papers(covering.listed).values())
    twins = find_twins([paper, *listed])
    same = [one.title for one in listed if twins.get(one.id, 0) == twins.get(paper.id)]
    if paper.id in twins and same:
        yield f"Of papers with nearly the same title one is listed: “{same[0]}”."


def _caps(covering: Covering, decisions: list[Decision], subscriber: Subscriber) -> Iterator[str]:
    if covering.sent or covering.local_date is None:
        return
    matched = [one.made.interest for one in decisions if one.matched]
    if matched:
        yield (
            f"That digest held {_papers(covering.papers)}; the limit is {subscriber.limit},"
            f" and {covering.left_out} more had matched."
        )
    for interest in matched:
        if interest.limit is not None:
            yield f"“{interest.name}” gives at most {_papers(interest.limit)} to a digest."


def _papers(number: int) -> str:
    return "1 paper" if number == 1 else f"{number} papers"
