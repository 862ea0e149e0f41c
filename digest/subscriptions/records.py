"""A subscriber as a record: the plain table that files, commands and exports speak.

The models say what a record may hold; `check` names every fault with its key and the mend. Turning
records into values and back is `digest.subscriptions.values`; nothing here reads the store.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from digest.config.kinds import Line, Name, Section, Weekday, Zone, normal_address
from digest.config.phrases import clause
from digest.errors import InvalidSubscriber, QuerySyntaxError
from digest.matching.query import MAX_LENGTH, parse
from digest.model import (
    Cadence,
    ChannelState,
    Combine,
    InterestId,
    SubscriberState,
)
from digest.phrases import phrase

Record = dict[str, Any]

_UNSTORED_INTEREST = InterestId(0)
_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_TIME = re.compile(r"(\d{1,2})(?::([0-5]\d))?")


def _prose(text: str) -> str:
    """Without what XML 1.0 forbids; pasted abstracts are full of it."""
    return _ILLEGAL.sub("", text).strip()


def _query(text: str) -> str:
    try:
        if text:
            parse(text, exclusions_alone=True)
    except QuerySyntaxError as error:
        raise ValueError(str(error)) from None
    return text


def _example(value: Any) -> Any:
    return {"title": value} if isinstance(value, str) else value


def _list(value: Any) -> Any:
    """A list in a CSV cell is JSON."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value or "[]")
    except (ValueError, RecursionError):
        raise ValueError('must be a list in JSON, such as ["a", "b"]') from None


def _without_nulls(table: Any, nullable: frozenset[str]) -> Any:
    """JSON's null says nothing, but for the keys that can be empty."""
    if not isinstance(table, Mapping):
        return table
    return {key: it for key, it in table.items() if it is not None or key in nullable}


Short = Annotated[Name, Field(max_length=120)]
Shorts = Annotated[list[Short], BeforeValidator(_list), Field(max_length=500)]
Text = Annotated[str, Field(max_length=8000), AfterValidator(_prose)]
Query = Annotated[str, Field(max_length=MAX_LENGTH), AfterValidator(_prose), AfterValidator(_query)]


class ExampleRecord(Section):
    """A paper an interest learns from; a bare text is its title, or an id of a stored paper."""

    title: Annotated[Name, Field(max_length=1000)]
    abstract: Text = ""
    positive: bool = True


class InterestRecord(Section):
    name: Short
    query: Query = ""
    statement: Text = ""
    examples: list[Annotated[ExampleRecord, BeforeValidator(_example)]] = Field(default=[])
    authors: Shorts = Field(default=[])
    limit: Annotated[int, Field(ge=1, le=200)] | None = None
    daily_volume: Annotated[float, Field(gt=0, le=1000)] | None = None
    combine: Combine = Combine.ANY
    paused: bool = False

    @model_validator(mode="before")
    @classmethod
    def _no_nulls(cls, table: Any) -> Any:
        return _without_nulls(table, frozenset({"limit", "daily_volume"}))

    @model_validator(mode="after")
    def _wants_something(self) -> InterestRecord:
        if not (self.query or self.statement or self.examples or self.authors):
            raise ValueError("asks for nothing; give a query, a statement, examples or authors")
        return self

    @model_validator(mode="after")
    def _selects_something(self) -> InterestRecord:
        """Exclusions alone are a useful veto beside something that selects, and nothing alone."""
        if self.query and not (self.statement or self.examples or self.authors):
            try:
                parse(self.query)
            except QuerySyntaxError as error:
                raise ValueError(f"query: {error}") from None
        return self


class SubscriberRecord(Section):
    """Every key but the address may be missing: then the stored or the usual value stays."""

    email: Annotated[str, AfterValidator(normal_address)]
    name: Annotated[Line, Field(max_length=200)] = ""
    timezone: Zone = "UTC"
    cadence: Cadence = Cadence.WEEKDAYS
    hour: Annotated[int, Field(ge=0, le=23)] = 7
    minute: Annotated[int, Field(ge=0, le=59)] = 0
    weekday: Weekday = 0
    monthday: Annotated[int, Field(ge=1, le=31)] = 1
    state: SubscriberState = SubscriberState.ACTIVE
    state_reason: Annotated[Line, Field(max_length=200)] = ""
    paused_until: AwareDatetime | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 12
    language: Annotated[Name, Field(max_length=20)] = "en"
    style: Literal["full", "compact", "titles"] = "full"
    trending: Annotated[int, Field(ge=0, le=50)] = 0
    revisions: bool = False
    send_empty: bool = False
    mail: bool = True
    muted_authors: Shorts = Field(default=[])
    muted_words: Shorts = Field(default=[])
    created_at: AwareDatetime | None = None
    confirmed_at: AwareDatetime | None = None
    interests: Annotated[list[InterestRecord], BeforeValidator(_list), Field(max_length=200)] = (
        Field(default=[])
    )

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, table: Any) -> Any:
        table = _without_nulls(table, frozenset({"paused_until", "confirmed_at"}))
        return _with_time(table)

    @field_validator("interests")
    @classmethod
    def _own_names(cls, interests: list[InterestRecord]) -> list[InterestRecord]:
        counts = Counter(interest.name.casefold() for interest in interests)
        twice = [interest.name for interest in interests if counts[interest.name.casefold()] > 1]
        if twice:
            raise ValueError(
                phrase("each interest needs a name of its own; twice: {name}", name=twice[0])
            )
        return interests


class ChannelRecord(Section):
    """A channel as files carry it: its address and key are secrets, and so is the file."""

    kind: Short
    address: Annotated[Name, Field(max_length=4000)]
    label: Annotated[Line, Field(max_length=60)] = ""
    secret: Annotated[Line, Field(max_length=200)] = ""
    state: ChannelState = ChannelState.ACTIVE
    reason: Annotated[Line, Field(max_length=500)] = ""


class ChannelsRecord(Section):
    """The key of a record that only files have: beside a subscriber's own, there are secrets."""

    channels: Annotated[list[ChannelRecord], BeforeValidator(_list), Field(max_length=10)]


def _with_time(table: Any) -> Any:
    """`hour` may be written 7, "7" or "07:30"."""
    hour = table.get("hour") if isinstance(table, Mapping) else None
    found = _TIME.fullmatch(hour.strip()) if isinstance(hour, str) else None
    if not found:
        return table
    minute = {"minute": int(found[2])} if found[2] else {}
    return {**table, "hour": int(found[1]), **minute}


def check(record: Mapping[str, Any]) -> SubscriberRecord:
    """The record with every key checked; raises InvalidSubscriber naming each fault."""
    try:
        return SubscriberRecord.model_validate(dict(record))
    except ValidationError as error:
        raise _invalid(error, record) from None


def check_channels(channels: Any) -> list[ChannelRecord]:
    """A record's channels, but for what their kinds say; raises InvalidSubscriber."""
    table = {"channels": channels}
    try:
        return ChannelsRecord.model_validate(table).channels
    except ValidationError as error:
        raise _invalid(error, table) from None


def check_interest(record: Mapping[str, Any]) -> InterestRecord:
    """One interest's record; raises InvalidSubscriber naming each fault."""
    try:
        return InterestRecord.model_validate(dict(record))
    except ValidationError as error:
        raise _invalid(error, record) from None


# --- faults -------------------------------------------------------------------------------------


def _invalid(error: ValidationError, record: Mapping[str, Any]) -> InvalidSubscriber:
    found = error.errors()
    lines = [f"{_key(fault['loc'], record)}: {_what(fault)}" for fault in found]
    faults = [(_pointer(fault["loc"]), _what(fault)) for fault in found]
    message = "; ".join(line.rstrip(".") for line in lines) + "."
    return InvalidSubscriber(message, faults=faults, told=faults[0][1])


def _pointer(location: tuple[int | str, ...]) -> str:
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in location)


def _key(location: tuple[int | str, ...], record: Any) -> str:
    """`interests (Lamps).query`: elements of a list by their name, else by their number."""
    key, place = "", record
    for part in location:
        place = _inside(place, part)
        if isinstance(part, str):
            key += f".{part}" if key else part
            continue
        name = place.get("name") if isinstance(place, Mapping) else None
        key += f" ({name})" if isinstance(name, str) and name.isprintable() else f" no. {part + 1}"
    return key or "the record"


def _inside(place: Any, part: int | str) -> Any:
    try:
        return place[part]
    except (KeyError, IndexError, TypeError):
        return None


def _what(fault: ErrorDetails) -> str:
    match fault["type"]:
        case "missing":
            return "is missing"
        case "extra_forbidden":
            known = _MODELS.get(str(fault["loc"][0]) if len(fault["loc"]) > 1 else "", _TOP)
            near = get_close_matches(str(fault["loc"][-1]), known.model_fields, n=1)
            mend = f"did you mean {near[0]}?" if near else f"known: {', '.join(known.model_fields)}"
            return f"is unknown; {mend}"
        case "model_type" | "dict_type":
            return "must be a table of keys and values"
    return clause(fault)


_TOP: type[Section] = SubscriberRecord
_MODELS: dict[str, type[Section]] = {"interests": InterestRecord, "channels": ChannelRecord}
