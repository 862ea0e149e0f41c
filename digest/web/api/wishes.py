"""What a body may say of a subscriber and their interests: the types; the rules are the records'.

A body is checked twice. These models say which keys there are and of which JSON type, which is what
the contract documents; `digest.subscriptions.records` then judges the values, as it does for pages,
commands and imports. An unknown key is a fault.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
)

from digest.config import WEEKDAYS
from digest.errors import QuerySyntaxError
from digest.matching.query import parse
from digest.model import Cadence, Combine
from digest.web.api.problems import wrong_query


class Body(BaseModel):
    """A JSON object without unknown keys; text is text and numbers are numbers."""

    model_config = ConfigDict(extra="forbid")


def text_only(value: Any) -> Any:
    """JSON's numbers are no times."""
    if value is not None and not isinstance(value, str):
        raise ValueError("must be a string such as 2026-12-01")
    return value


Day = Annotated[date, BeforeValidator(text_only)]
Text = Annotated[StrictStr, Field(max_length=8000)]
Short = Annotated[StrictStr, Field(min_length=1, max_length=120)]
Shorts = Annotated[list[Short], Field(max_length=500)]
Query = Annotated[
    StrictStr,
    Field(
        max_length=4000,
        description='In the query language: words, "phrases", `wild*`, AND OR NOT, fields.',
        examples=['"language model*" AND NOT survey'],
    ),
]
Reason = Annotated[
    StrictStr,
    Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+$"),
]
Email = Annotated[
    StrictStr,
    Field(
        min_length=3,
        max_length=254,
        examples=["ada@example.org"],
        json_schema_extra={"format": "email"},
    ),
]
Weekday = Annotated[Literal[WEEKDAYS], Field(description="For `weekly`.")]  # type: ignore[valid-type]  # mypy does not read a tuple as a list of literals


class Example(Body):
    """A paper an interest learns from: wanted more of (`positive`) or less."""

    title: Annotated[StrictStr, Field(min_length=1, max_length=1000)]
    abstract: Text = ""
    positive: StrictBool = True


_EXAMPLE: Final[dict[str, JsonValue]] = {
    "name": "Reading long documents",
    "statement": "how language models read and remember long documents",
    "query": "NOT survey",
    "daily_volume": 3,
}


class InterestWish(Body):
    """One named thing a subscriber wants: keywords, a statement, examples, authors, any mix."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})
    name: Short
    query: Query = ""
    statement: Annotated[Text, Field(description="In plain words.")] = ""
    examples: Annotated[list[Example], Field(max_length=200)] = []
    authors: Annotated[Shorts, Field(description="Followed authors.")] = []
    limit: Annotated[
        Annotated[StrictInt, Field(ge=1, le=200)] | None,
        Field(description="Papers a digest from this interest; null: no limit of its own."),
    ] = None
    daily_volume: Annotated[
        Annotated[StrictFloat, Field(gt=0, le=1000)] | None,
        Field(description="About so many papers a day; null: as the site usually has it."),
    ] = None
    combine: Annotated[
        Combine, Field(description="Whether query and likeness suffice alone (any) or not (all).")
    ] = Combine.ANY
    paused: StrictBool = False

    def record(self) -> dict[str, Any]:
        """Everything it says, as `digest.subscriptions` takes it; raises Trouble for the query."""
        selects = bool(self.statement.strip() or self.examples or self.authors)
        check_query(self.query, selects=selects)
        return self.model_dump(mode="json")


class InterestChanges(Body):
    """What of an interest is to be different; what is not named stays."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"daily_volume": 5}, {"paused": True}]}
    )
    name: Short = ""
    query: Query = ""
    statement: Text = ""
    examples: Annotated[list[Example], Field(max_length=200)] = []
    authors: Shorts = []
    limit: Annotated[StrictInt, Field(ge=1, le=200)] | None = None
    daily_volume: Annotated[StrictFloat, Field(gt=0, le=1000)] | None = None
    combine: Combine = Combine.ANY
    paused: StrictBool = False

    def record(self) -> dict[str, Any]:
        check_query(self.query, selects=True)
        return self.model_dump(mode="json", exclude_unset=True)


class ProfileChanges(Body):
    """What of a profile is to be different; what is not named stays."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"cadence": "weekly", "weekday": "friday", "hour": 6}]},
    )
    name: Annotated[StrictStr, Field(max_length=200)] = ""
    timezone: Annotated[StrictStr, Field(max_length=60, examples=["Europe/Lisbon"])] = "UTC"
    cadence: Cadence = Cadence.WEEKDAYS
    hour: Annotated[StrictInt, Field(ge=0, le=23)] = 7
    minute: Annotated[StrictInt, Field(ge=0, le=59)] = 0
    weekday: Weekday = "monday"
    monthday: Annotated[StrictInt, Field(ge=1, le=31, description="For `monthly`.")] = 1
    limit: Annotated[StrictInt, Field(ge=1, le=200, description="Papers a digest.")] = 12
    language: Annotated[StrictStr, Field(max_length=20, description="Of the frame.")] = "en"
    style: Literal["full", "compact", "titles"] = "full"
    trending: Annotated[StrictInt, Field(ge=0, le=50, description="Papers in that section.")] = 0
    revisions: Annotated[StrictBool, Field(description="New versions of papers, too.")] = False
    send_empty: Annotated[StrictBool, Field(description="A line when nothing is new.")] = False
    mail: Annotated[StrictBool, Field(description="False: by their channels alone.")] = True
    muted_authors: Shorts = []
    muted_words: Shorts = []

    def record(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_unset=True)


class Joining(ProfileChanges):
    """Somebody to be asked whether they want digests, and which."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"email": "ada@example.org", "interests": [_EXAMPLE]}]},
    )
    email: Email
    interests: Annotated[list[InterestWish], Field(max_length=200)] = []

    def record(self) -> dict[str, Any]:
        for place, one in enumerate(self.interests):
            selects = bool(one.statement.strip() or one.examples or one.authors)
            check_query(one.query, selects=selects, pointer=f"/interests/{place}/query")
        return self.model_dump(mode="json", exclude_unset=True)


def check_query(query: str, *, selects: bool, pointer: str = "/query") -> None:
    """Raise Trouble that names column and mend; exclusions alone are fine beside what selects."""
    if query.strip():
        try:
            parse(query, exclusions_alone=selects)
        except QuerySyntaxError as error:
            raise wrong_query(error, pointer=pointer) from error
