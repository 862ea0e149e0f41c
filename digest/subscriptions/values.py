"""Records to values and back, purely.

`write` gives every key in one order, so that what is exported, imported and exported again is the
same bytes. `apply` changes only what a record mentions.
"""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

from digest.config import WEEKDAYS
from digest.model import (
    Example,
    Interest,
    InterestId,
    Mutes,
    Schedule,
    Subscriber,
)
from digest.subscriptions.records import InterestRecord, SubscriberRecord

Record = dict[str, Any]

_UNSTORED = InterestId(0)
_SCHEDULE = tuple(field.name for field in fields(Schedule))
_MUTES = tuple(field.name for field in fields(Mutes))


def apply(record: SubscriberRecord, onto: Subscriber) -> Subscriber:
    """`onto` with what the record says; what it does not mention stays, and so do ids."""
    said = {key: getattr(record, key) for key in record.model_fields_set}
    schedule = {key: said.pop(key) for key in _SCHEDULE if key in said}
    mutes = {key: tuple(said.pop(f"muted_{key}")) for key in _MUTES if f"muted_{key}" in said}
    if "interests" in said:
        said["interests"] = _with_ids(said["interests"], onto.interests)
    if onto.id or said.get("created_at") is None:
        said.pop("created_at", None)
    changed = replace(onto.schedule, **schedule), replace(onto.mutes, **mutes)
    return onto._replace(**said | {"schedule": changed[0], "mutes": changed[1]})


def _with_ids(records: list[InterestRecord], stored: tuple[Interest, ...]) -> tuple[Interest, ...]:
    by_name = {interest.name: interest for interest in stored}
    return tuple(_kept(interest(record), by_name.get(record.name)) for record in records)


def _kept(interest: Interest, before: Interest | None) -> Interest:
    """With the id it had, and with the papers its examples were linked to."""
    if before is None:
        return interest
    linked = {replace(example, paper_id=None): example for example in before.examples}
    examples = tuple(linked.get(example, example) for example in interest.examples)
    return interest._replace(id=before.id, examples=examples)


def interest(record: InterestRecord) -> Interest:
    examples = (Example(one.title, one.abstract, one.positive) for one in record.examples)
    return Interest(
        id=_UNSTORED,
        name=record.name,
        query=record.query,
        statement=record.statement,
        examples=tuple(examples),
        authors=tuple(record.authors),
        limit=record.limit,
        daily_volume=record.daily_volume,
        combine=record.combine,
        paused=record.paused,
    )


def write(subscriber: Subscriber) -> Record:
    """The record of a subscriber: the keys of SubscriberRecord, in its order."""
    schedule, mutes = subscriber.schedule, subscriber.mutes
    return {
        "email": subscriber.email,
        "name": subscriber.name,
        "timezone": schedule.timezone,
        "cadence": schedule.cadence.value,
        "hour": schedule.hour,
        "minute": schedule.minute,
        "weekday": WEEKDAYS[schedule.weekday],
        "monthday": schedule.monthday,
        "state": subscriber.state.value,
        "state_reason": subscriber.state_reason,
        "paused_until": _instant(subscriber.paused_until),
        "limit": subscriber.limit,
        "language": subscriber.language,
        "style": subscriber.style,
        "trending": subscriber.trending,
        "revisions": subscriber.revisions,
        "send_empty": subscriber.send_empty,
        "mail": subscriber.mail,
        "muted_authors": list(mutes.authors),
        "muted_words": list(mutes.words),
        "created_at": _instant(subscriber.created_at),
        "confirmed_at": _instant(subscriber.confirmed_at),
        "interests": [write_interest(interest) for interest in subscriber.interests],
    }


def write_interest(interest: Interest) -> Record:
    return {
        "name": interest.name,
        "query": interest.query,
        "statement": interest.statement,
        "examples": [
            {"title": one.title, "abstract": one.abstract, "positive": one.positive}
            for one in interest.examples
        ],
        "authors": list(interest.authors),
        "limit": interest.limit,
        "daily_volume": interest.daily_volume,
        "combine": interest.combine.value,
        "paused": interest.paused,
    }


def _instant(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else None
