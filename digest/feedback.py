"""Feedback: a subscriber's word on a paper becomes what their interest learns from.

    who brought it? | example, liked or not | stored together with the word, in one transaction

A liked paper becomes an example of the interest that brought it, a disliked one a counter-example
of every interest that asked for it; the newest word on a paper counts, and it can be taken back.
Mutes are `digest.subscriptions`'. It matches nothing and sends nothing: the next digest shows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from digest.clock import Clock
from digest.errors import UnknownPaper, UnknownSubscriber, UsageError
from digest.model import Example, Interest, Paper, PaperId, Subscriber
from digest.store import opinions, subscribers
from digest.store.database import Database
from digest.store.opinions import Opinion
from digest.store.papers import current_ids
from digest.subscriptions.addresses import masked, normalise

MOST = 200  #: examples an interest learns from; the oldest of a kind make room


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of a word: the names of the interests that learnt from it, maybe none."""

    interests: tuple[str, ...] = ()


class Feedback:
    """Hears what subscribers say of papers. Addresses are normalised first."""

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def hear(self, email: str, paper: Paper, *, liked: bool, interest: str | None = None) -> Heard:
        """Keep the word, and teach the interests that brought the paper, or the one named.

        A paper that was in none of their digests teaches their only interest, if they have just
        one; else the word alone is kept. Raises UnknownSubscriber, UnknownPaper, and UsageError
        for an interest they do not have.
        """
        with self._database.write() as connection:
            stored = _locked(connection, email)
            paper_id = _still_there(connection, paper)
            taught = _asked_for(connection, stored, paper_id, liked=liked, interest=interest)
            example = Example(paper.title, paper.abstract, liked, paper_id)
            wanted = [
                _taught(one, example) if one in taught else _untaught(one, example)
                for one in stored.interests
            ]
            subscribers.update(connection, stored, stored._replace(interests=tuple(wanted)))
            verdict = "up" if liked else "down"
            subscribers.put_feedback(
                connection, stored.id, paper_id, verdict=verdict, at=self._clock()
            )
        return Heard(tuple(one.name for one in taught))

    def take_back(self, email: str, paper: Paper) -> Heard:
        """As if nothing had been said of the paper. Idempotent."""
        with self._database.write() as connection:
            stored = _locked(connection, email)
            said = opinions.opinion(connection, stored.id, paper.id)
            if said is None:
                return Heard()
            example = Example(paper.title, paper.abstract, said.liked, paper.id)
            wanted = tuple(_untaught(one, example) for one in stored.interests)
            subscribers.update(connection, stored, stored._replace(interests=wanted))
            opinions.forget_opinion(connection, stored.id, paper.id)
        pairs = zip(stored.interests, wanted, strict=True)
        return Heard(tuple(before.name for before, after in pairs if before != after))

    def history(self, email: str) -> list[Opinion]:
        """What somebody said of papers, newest first."""
        address = normalise(email)
        with self._database.read() as connection:
            stored = _known(subscribers.find(connection, address), address)
            return opinions.opinions(connection, stored.id)


def _locked(connection: Connection, email: str) -> Subscriber:
    address = normalise(email)
    return _known(subscribers.lock(connection, address), address)


def _known(found: Subscriber | None, address: str) -> Subscriber:
    if found is None:
        mend = "`digest subscribers list` shows who is."
        raise UnknownSubscriber(f"Nobody is subscribed as {masked(address)}.", mend=mend)
    return found


def _still_there(connection: Connection, paper: Paper) -> PaperId:
    now = current_ids(connection, [paper.id])
    if paper.id not in now:
        raise UnknownPaper("The paper is no longer stored.", mend="There is nothing to do.")
    return now[paper.id]


def _asked_for(
    connection: Connection,
    subscriber: Subscriber,
    paper: PaperId,
    *,
    liked: bool,
    interest: str | None,
) -> Sequence[Interest]:
    """The interests that a word on the paper concerns."""
    if interest is not None:
        return [_named(subscriber, interest)]
    place = opinions.placed(connection, subscriber.id, paper)
    if place is None:
        return subscriber.interests if len(subscriber.interests) == 1 else ()
    section, item = place
    main = [one for one in subscriber.interests if one.id == section.interest_id]
    others = [one for one in subscriber.interests if one.name in item.also and one not in main]
    return main if liked else main + others


def _named(subscriber: Subscriber, name: str) -> Interest:
    for one in subscriber.interests:
        if one.name.casefold() == name.strip().casefold():
            return one
    names = ", ".join(one.name for one in subscriber.interests) or "none"
    raise UsageError(f"There is no interest {name!r}.", mend=f"There are: {names}.")


def _taught(interest: Interest, example: Example) -> Interest:
    """With the example as its newest, in the place of any of the same paper."""
    others = _others(interest, example)
    same = [one for one in others if one.positive is example.positive]
    gone = same[: max(0, len(others) + 1 - MOST)]
    kept = [one for one in others if not any(one is it for it in gone)]
    return interest._replace(examples=(*kept, example))


def _untaught(interest: Interest, example: Example) -> Interest:
    """Without what was learnt from the paper."""
    others = _others(interest, example)
    return interest if len(others) == len(interest.examples) else interest._replace(examples=others)


def _others(interest: Interest, example: Example) -> tuple[Example, ...]:
    return tuple(one for one in interest.examples if one.paper_id != example.paper_id)
