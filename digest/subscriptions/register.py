"""The register of subscribers: who gets a digest, when, and what they want of it.

Guarantees kept here: 1 (what was asked is committed before it is reported) and 6 (unsubscribing,
pausing and removal act at once: what is queued is cancelled in the same transaction). Every change
of schedule or state plans the next digest anew (`planning`). It never sends, and it never decides
what matches.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from digest.clock import Clock, next_due, system_clock
from digest.config import Settings
from digest.errors import InvalidSubscriber, UnknownSubscriber, UsageError
from digest.model import (
    Interest,
    Mutes,
    PaperId,
    Schedule,
    Subscriber,
    SubscriberId,
    SubscriberState,
)
from digest.phrases import phrase
from digest.store import errands
from digest.store import subscribers as store
from digest.store.database import Database
from digest.subscriptions.addresses import masked, normalise
from digest.subscriptions.channels import Check
from digest.subscriptions.examples import resolved
from digest.subscriptions.formats import Line
from digest.subscriptions.planning import first_hour, planned
from digest.subscriptions.records import check, check_interest
from digest.subscriptions.suppression import Suppressions
from digest.subscriptions.transfer import (
    Importer,
    ImportReport,
    Progress,
    exported,
    no_channels,
)
from digest.subscriptions.values import apply, interest, write_interest

Change = Callable[[Subscriber], Subscriber]

#: keys of a record that `edit` leaves to the verbs made for them
_VERBS = ("email", "state", "state_reason", "paused_until", "created_at", "confirmed_at")


@dataclass(frozen=True, slots=True)
class Usual:
    """What a new subscriber gets unless they say otherwise."""

    schedule: Schedule = field(default_factory=Schedule)
    limit: int = 12
    trending: int = 0
    language: str = "en"

    @classmethod
    def of(cls, settings: Settings) -> Usual:
        """As the configuration has it under [digest] and [site]."""
        wanted = settings.digest
        return cls(
            schedule=wanted.schedule(),
            limit=wanted.limit,
            trending=wanted.trending,
            language=settings.site.languages[0],
        )


class Subscriptions:
    """Every way in which a subscriber, or the operator for them, changes what is stored.

    Addresses are normalised first. UnknownSubscriber and InvalidSubscriber never hold a full one.
    """

    def __init__(
        self,
        database: Database,
        *,
        keys: Sequence[str],
        usual: Usual | None = None,
        clock: Clock = system_clock,
    ) -> None:
        """`keys` are the site's secret keys, newest first; suppressions are hashed with them."""
        self._database = database
        self._suppressions = Suppressions(keys)
        self._usual = usual or Usual()
        self._clock = clock

    # --- asking ---

    def subscriber(self, email: str) -> Subscriber:
        """Raises UnknownSubscriber."""
        address = normalise(email)
        with self._database.read() as connection:
            return _known(store.find(connection, address), address)

    def profiles(self, ids: Sequence[SubscriberId]) -> list[Subscriber]:
        """Subscribers with everything they want, in the order of `ids`."""
        with self._database.read() as connection:
            return store.read_profiles(connection, ids)

    def ids(self, states: Collection[SubscriberState] = ()) -> list[SubscriberId]:
        """Everyone, or those in `states`, in the order of their addresses."""
        with self._database.read() as connection:
            return store.all_ids(connection, states)

    def next_due(self) -> datetime | None:
        """When the next digest is due; None without an active subscriber."""
        with self._database.read() as connection:
            return store.next_due(connection)

    # --- coming, changing, going ---

    def add(self, record: Mapping[str, Any]) -> Subscriber:
        """A new subscriber from a record (see `records`); what it leaves out is as usual."""
        checked = check(record)
        now = self._clock()
        with self._database.write() as connection:
            self._suppressions.refuse(connection, checked.email, now)
            if stored := store.find(connection, checked.email):
                raise InvalidSubscriber(
                    f"{masked(stored.email)} is subscribed already ({stored.state.value}).",
                    mend="Change them with `digest subscribers edit`.",
                )
            wanted = planned(None, apply(checked, self.blank(checked.email)), now)
            store.insert(connection, resolved(connection, [wanted]))
            return _known(store.find(connection, checked.email), checked.email)

    def edit(self, email: str, changes: Mapping[str, Any]) -> Subscriber:
        """Change the keys of a record that are named; the state has verbs of its own."""
        if refused := [key for key in _VERBS if key in changes]:
            raise InvalidSubscriber(f"{refused[0]}: this is not changed by editing.")
        checked = check({"email": email, **changes})
        return self._change(checked.email, lambda before: apply(checked, before))

    def pause(self, email: str, until: date | None = None) -> Subscriber:
        """No digests, for good or until a date (in their zone) on whose first hour they resume."""

        def paused(before: Subscriber) -> Subscriber:
            _refuse(before, (SubscriberState.UNSUBSCRIBED, SubscriberState.SUSPENDED), "pause")
            end = first_hour(until, before.schedule.timezone) if until else None
            if end and end <= self._clock():
                raise InvalidSubscriber("until: the date is past.", mend="Give a later one.")
            away = before.away_since or self._clock()
            return before._replace(state=SubscriberState.PAUSED, paused_until=end, away_since=away)

        return self._change(email, paused, stop="paused")

    def resume(self, email: str, *, they_asked: bool = False) -> Subscriber:
        """Digests again. Who unsubscribed comes back only by their own wish (`they_asked`)."""

        def resumed(before: Subscriber) -> Subscriber:
            if not they_asked:
                _refuse(before, (SubscriberState.UNSUBSCRIBED,), "resume")
            now = self._clock()
            return before._replace(
                state=SubscriberState.ACTIVE,
                state_reason="",
                paused_until=None,
                away_since=before.away_since if before.state is SubscriberState.PAUSED else None,
                confirmed_at=before.confirmed_at or now,
            )

        with self._database.read() as connection:
            self._suppressions.refuse(connection, normalise(email), self._clock())
        return self._change(email, resumed)

    def unsubscribe(self, email: str, *, reason: str = "") -> Subscriber:
        """No digests, at once; what they wanted is kept in case they come back. Idempotent."""

        def gone(before: Subscriber) -> Subscriber:
            if before.state is SubscriberState.UNSUBSCRIBED:
                return before
            return _stopped(before, SubscriberState.UNSUBSCRIBED, reason)

        return self._change(email, gone, stop="unsubscribed")

    def suspend(self, email: str, *, reason: str) -> Subscriber:
        """No digests until the operator resumes: bounces, complaints, doubts."""
        held = SubscriberState.SUSPENDED
        return self._change(email, lambda it: _stopped(it, held, reason), stop="suspended")

    def remove(self, email: str) -> None:
        """Forget someone: all that is left is a salted hash that keeps them from being added."""
        address, now = normalise(email), self._clock()
        with self._database.write() as connection:
            stored = _known(store.lock(connection, address), address)
            store.delete(connection, stored.id)
            errands.forget(connection, address)
            self._suppressions.put(connection, address, reason="removed", at=now)

    def suppress(self, email: str, *, reason: str) -> None:
        """Never write to this address again, subscribed or not."""
        address, now = normalise(email), self._clock()
        with self._database.write() as connection:
            if stored := store.lock(connection, address):
                held = _stopped(stored, SubscriberState.SUSPENDED, reason)
                store.update(connection, stored, planned(stored, held, now))
                store.stop_mail(connection, stored.id, now=now, why="suppressed")
            self._suppressions.put(connection, address, reason=reason, at=now)

    def lift(self, email: str) -> bool:
        """Take a suppression back; whether there was one. Who was suspended stays so."""
        with self._database.write() as connection:
            return self._suppressions.lift(connection, normalise(email))

    def is_suppressed(self, email: str) -> bool:
        with self._database.read() as connection:
            addresses = [normalise(email)]
            return bool(self._suppressions.among(connection, addresses, self._clock()))

    def wake(self) -> int:
        """Set those active whose pause is over; returns how many."""
        with self._database.write() as connection:
            return store.wake(connection, self._clock())

    def rehearse(self, now: datetime) -> int:
        """Plan those who came after `now` as if they had been here the day before.

        For trials that replay past days (`digest run --now`): only subscribers who have had no
        digest yet are touched. Returns how many.
        """
        with self._database.write() as connection:
            early = store.read_profiles(connection, store.unserved(connection, after=now))
            for before in early:
                due = next_due(now - timedelta(days=1), before.schedule)
                store.update(connection, before, before._replace(next_due_at=due))
        return len(early)

    # --- what they want ---

    def add_interest(self, email: str, record: Mapping[str, Any]) -> Interest:
        fresh = interest(check_interest(record))

        def added(before: Subscriber) -> Subscriber:
            _refuse_name(before.interests, fresh.name)
            return before._replace(interests=(*before.interests, fresh))

        return _named(self._change(email, added), fresh.name)

    def edit_interest(self, email: str, name: str, changes: Mapping[str, Any]) -> Interest:
        """Change the keys of the interest's record that are named; its name may be one."""
        new_name = str(changes.get("name", name))

        def edited(before: Subscriber) -> Subscriber:
            old = _named(before, name)
            others = [one for one in before.interests if one.id != old.id]
            _refuse_name(others, new_name)
            fresh = interest(check_interest(write_interest(old) | dict(changes)))
            changed = fresh._replace(id=old.id)
            return before._replace(
                interests=tuple(changed if one.id == old.id else one for one in before.interests),
            )

        return _named(self._change(email, edited), new_name)

    def remove_interest(self, email: str, name: str) -> None:
        def without(before: Subscriber) -> Subscriber:
            gone = _named(before, name)
            return before._replace(
                interests=tuple(one for one in before.interests if one.id != gone.id)
            )

        self._change(email, without)

    def feedback(self, email: str, paper: PaperId, *, liked: bool) -> None:
        """Thumbs up or down; the newest word on a paper counts."""
        address = normalise(email)
        with self._database.write() as connection:
            stored = _known(store.find(connection, address), address)
            verdict = "up" if liked else "down"
            store.put_feedback(connection, stored.id, paper, verdict=verdict, at=self._clock())

    def mute(self, email: str, *, authors: Sequence[str] = (), words: Sequence[str] = ()) -> Mutes:
        """Never again papers by these authors or with these words; returns all that is muted."""

        def muted(before: Subscriber) -> Subscriber:
            mutes = before.mutes
            both = Mutes(_union(mutes.authors, authors), _union(mutes.words, words))
            return before._replace(mutes=both)

        return self._change(email, muted).mutes

    def unmute(
        self, email: str, *, authors: Sequence[str] = (), words: Sequence[str] = ()
    ) -> Mutes:
        """Papers by these authors or with these words again; returns all that is muted still."""

        def unmuted(before: Subscriber) -> Subscriber:
            mutes = before.mutes
            left = Mutes(_without(mutes.authors, authors), _without(mutes.words, words))
            return before._replace(mutes=left)

        return self._change(email, unmuted).mutes

    # --- many at once ---

    def load(
        self,
        lines: Iterable[Line],
        *,
        strict: bool = False,
        progress: Progress = lambda done: None,
        check: Check = no_channels,
    ) -> ImportReport:
        """Import records (see `transfer` and `formats`); idempotent by address."""
        importer = Importer(
            self._database, self._suppressions, blank=self.blank, clock=self._clock, check=check
        )
        return importer.store(lines, strict=strict, progress=progress)

    def records(self, states: Sequence[SubscriberState] = ()) -> Iterator[Mapping[str, Any]]:
        """Everyone's record, for export."""
        return exported(self._database, states)

    # --- inside ---

    def blank(self, address: str) -> Subscriber:
        """Someone new who has not said anything yet."""
        usual = self._usual
        return Subscriber(
            id=SubscriberId(0),
            email=address,
            schedule=usual.schedule,
            created_at=self._clock(),
            limit=usual.limit,
            trending=usual.trending,
            language=usual.language,
        )

    def _change(self, email: str, change: Change, *, stop: str = "") -> Subscriber:
        """Apply a pure change; with `stop`, cancel what is queued, giving that as the reason."""
        address, now = normalise(email), self._clock()
        with self._database.write() as connection:
            stored = _known(store.lock(connection, address), address)
            wanted = resolved(connection, [planned(stored, change(stored), now)])[0]
            store.update(connection, stored, wanted)
            if stop:
                store.stop_mail(connection, stored.id, now=now, why=stop)
            return _known(store.find(connection, address), address)


def _known(found: Subscriber | None, address: str) -> Subscriber:
    if found is None:
        raise UnknownSubscriber(
            f"Nobody is subscribed as {masked(address)}.",
            mend="`digest subscribers list` shows who is.",
        )
    return found


def _stopped(before: Subscriber, state: SubscriberState, reason: str) -> Subscriber:
    return before._replace(state=state, state_reason=reason, paused_until=None, away_since=None)


def _refuse(before: Subscriber, states: Collection[SubscriberState], verb: str) -> None:
    if before.state in states:
        raise UsageError(
            f"{masked(before.email)} is {before.state.value}; that does not go with {verb}.",
            mend="If they asked for it themselves, resume them with --they-asked.",
        )


def _named(subscriber: Subscriber, name: str) -> Interest:
    for one in subscriber.interests:
        if one.name.casefold() == name.strip().casefold():
            return one
    names = ", ".join(one.name for one in subscriber.interests) or "none"
    raise UsageError(f"There is no interest {name!r}.", mend=f"There are: {names}.")


def _refuse_name(interests: Iterable[Interest], name: str) -> None:
    if any(one.name.casefold() == name.strip().casefold() for one in interests):
        raise InvalidSubscriber(
            f"name: there is an interest {name!r} already.",
            told=phrase("There is an interest called {name} already.", name=name),
        )


def _union(old: Sequence[str], new: Sequence[str]) -> tuple[str, ...]:
    """Without repeating what differs in case only."""
    seen = {one.casefold() for one in old}
    return (*old, *(it for one in new if (it := one.strip()) and it.casefold() not in seen))


def _without(old: Sequence[str], gone: Sequence[str]) -> tuple[str, ...]:
    """But what differs from one of `gone` in case only, or not at all."""
    left = {one.strip().casefold() for one in gone}
    return tuple(one for one in old if one.casefold() not in left)
