"""A subscriber's interests: listed, made, changed, let go, and tried on the last weeks."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from digest import model
from digest.backtest import MOST_DAYS, Beyond
from digest.clock import local_date
from digest.errors import UsageError
from digest.model import InterestId
from digest.subscriptions.joining import MOST
from digest.subscriptions.records import check_interest
from digest.subscriptions.values import interest as of_record
from digest.subscriptions.values import write_interest
from digest.web.allowances import TRIALS
from digest.web.api.door import Caller, Owner, OwnerActing
from digest.web.api.paging import Page, page
from digest.web.api.problems import Kind, Trouble
from digest.web.api.wishes import InterestChanges, InterestWish
from digest.web.limiting import admit

router = APIRouter(prefix="/me", tags=["Interests"])

_LARGEST: Final = 2**62
Number = Annotated[int, Path(ge=1, le=_LARGEST, description="The interest's `id`.")]
Span = Annotated[int, Query(ge=1, le=MOST_DAYS, description="How many days back.")]


class Interest(InterestWish):
    """One named thing a subscriber wants."""

    id: int

    @classmethod
    def of(cls, interest: model.Interest) -> Interest:
        return cls(id=interest.id, **write_interest(interest))


class Pick(BaseModel):
    """One paper of a trial."""

    id: int
    key: str
    title: str
    link: str | None
    score: float
    percentile: float | None = Field(description="Its share of the stream; null: not compared.")


class Near(Pick):
    """A paper near the threshold of likeness."""

    inside: bool


class DayTried(BaseModel):
    date: dt.date
    announced: int
    matched: int
    sent: list[Pick]


class Volume(BaseModel):
    """Which `daily_volume` would have given so many papers a day, or why none would."""

    papers_a_day: float
    threshold: float | None
    daily_volume: float | None
    beyond: Beyond | None


class Trial(BaseModel):
    """What an interest would have sent on the last days."""

    interest: str
    since: dt.date
    until: dt.date
    limit: int
    threshold: float | None
    papers_a_day: float
    matched: int
    sent: int
    fault: str | None
    days: list[DayTried]
    borderline: list[Near]
    volumes: list[Volume]


@router.get("/interests", summary="Your interests")
def list_interests(caller: Owner) -> Page[Interest]:
    """All of them, in the order of the digest; there are at most 200."""
    return page(caller, [Interest.of(one) for one in caller.subscriber.interests], None)


@router.post("/interests", summary="Add an interest", status_code=201)
def add_interest(caller: OwnerActing, body: InterestWish) -> Interest:
    """It counts from the next digest on. Each has a name of its own."""
    subscriber = caller.subscriber
    if len(subscriber.interests) >= MOST:
        raise Trouble(Kind.CONFLICT, f"There are {MOST} interests already, as many as can be.")
    added = caller.visit.rooms.subscriptions.add_interest(subscriber.email, body.record())
    site = caller.visit.rooms.site
    caller.response.headers["Location"] = f"{site.base_url}/api/v1/me/interests/{added.id}"
    return Interest.of(added)


@router.get("/interests/{number}", summary="One interest")
def show_interest(caller: Owner, number: Number) -> Interest:
    """With its examples, those learnt from feedback among them."""
    return Interest.of(own_interest(caller, number))


@router.put("/interests/{number}", summary="Replace an interest")
def replace_interest(caller: OwnerActing, number: Number, body: InterestWish) -> Interest:
    """All of it: what the body leaves out is as a new interest has it."""
    return _edit(caller, number, body.record())


@router.patch("/interests/{number}", summary="Change an interest")
def change_interest(caller: OwnerActing, number: Number, body: InterestChanges) -> Interest:
    """What is not named stays."""
    return _edit(caller, number, body.record())


@router.delete("/interests/{number}", summary="Let an interest go", status_code=204)
def remove_interest(caller: OwnerActing, number: Number) -> None:
    """It is gone afterwards, also where it was gone before."""
    subscriber = caller.subscriber
    names = [one.name for one in subscriber.interests if one.id == InterestId(number)]
    if names:
        caller.visit.rooms.subscriptions.remove_interest(subscriber.email, names[0])


@router.post("/backtest", summary="Try an interest before it is saved")
def try_wish(caller: Owner, body: InterestWish, days: Span = 14) -> Trial:
    """What it would have sent on the last days, and what only nearly. Nothing is stored."""
    return _try(caller, of_record(check_interest(body.record())), days)


@router.post("/interests/{number}/backtest", summary="Try an interest that is saved")
def try_interest(caller: Owner, number: Number, days: Span = 14) -> Trial:
    """What it would have sent on the last days, and what only nearly. Nothing is stored."""
    return _try(caller, own_interest(caller, number), days)


def own_interest(caller: Caller, number: int) -> model.Interest:
    """The subscriber's interest of this id; a 404 where it is not theirs."""
    for one in caller.subscriber.interests:
        if one.id == InterestId(number):
            return one
    raise Trouble(Kind.NOT_FOUND, "There is no such interest.")


def _edit(caller: Caller, number: int, record: dict[str, Any]) -> Interest:
    stored, subscriptions = own_interest(caller, number), caller.visit.rooms.subscriptions
    return Interest.of(subscriptions.edit_interest(caller.subscriber.email, stored.name, record))


def _try(caller: Caller, interest: model.Interest, days: int) -> Trial:
    by_one, over_all = TRIALS
    admit(caller.visit, "trial", caller.name, by_one)
    admit(caller.visit, "trial", "", over_all)
    subscriber = caller.subscriber
    try:
        tried = caller.visit.rooms.backtester.run(
            interest,
            until=local_date(caller.visit.rooms.clock(), "UTC"),
            days=days,
            mutes=subscriber.mutes,
            limit=subscriber.limit,
        )
    except UsageError as error:
        raise Trouble(Kind.CONFLICT, error.message) from error
    return Trial.model_validate(tried.to_json())
