"""One subscriber: what they want, what they got and what came back, and what to do about it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from starlette.exceptions import HTTPException
from starlette.responses import Response

from digest.bounces.policy import THRESHOLD, judge
from digest.config import WEEKDAYS
from digest.errors import DigestError
from digest.explaining import Answer
from digest.model import (
    Cadence,
    DeliveryId,
    DeliveryState,
    Schedule,
    Subscriber,
    SubscriberId,
    SubscriberState,
)
from digest.store.deliveries import Seen, listed
from digest.store.delivery_log import Entry, recipient_log
from digest.web.desk.door import ROOT, Order, Seat, Sitting
from digest.web.desk.telling import BOUNCE_SERIES, READER_KIND, SKIPS, STATE_KIND

router = APIRouter()

_LARGEST: Final = 2**62
_TURNS: Final = 20
_DELIVERIES: Final = 20
_TRIES: Final = 200  #: lines of the log that are read
_BOUNCES: Final = 30
_WISHES: Final = 10
_REASON: Final = "by the operator"

Number = Annotated[int, Path(ge=1, le=_LARGEST)]


@dataclass(frozen=True, slots=True)
class Post:
    """One delivery and everything said of it, oldest first."""

    delivery: Seen
    tries: tuple[Entry, ...]


@router.get(f"{ROOT}/readers/{{number}}")
def show(seat: Sitting, number: Number) -> Response:
    """Everything about one subscriber."""
    return _page(seat, _known(seat, number))


@router.get(f"{ROOT}/readers/{{number}}/explain")
def explain(
    seat: Sitting, number: Number, paper: Annotated[str, Query(max_length=500)] = ""
) -> Response:
    """Why they got a paper, or why not."""
    subscriber = _known(seat, number)
    asked, answer, fault = paper.strip(), None, ""
    if asked:
        try:
            answer = seat.desk.explain(subscriber.email, asked)
        except DigestError as error:
            fault = str(error)
    return _page(seat, subscriber, asked=asked, answer=answer, fault=fault)


@router.post(f"{ROOT}/readers/{{number}}/suspend")
def suspend(seat: Sitting, form: Order, number: Number) -> Response:
    """No digests until the operator resumes."""
    subscriber = _known(seat, number)
    reason = form.text("reason")[:200] or _REASON
    seat.visit.rooms.subscriptions.suspend(subscriber.email, reason=reason)
    return _done(seat, subscriber, "suspended")


@router.post(f"{ROOT}/readers/{{number}}/resume")
def resume(seat: Sitting, form: Order, number: Number) -> Response:
    """Digests again; who unsubscribed, only at their own wish."""
    subscriber = _known(seat, number)
    try:
        seat.visit.rooms.subscriptions.resume(subscriber.email, they_asked="they_asked" in form)
    except DigestError as error:
        return _page(seat, subscriber, wrong=str(error))
    return _done(seat, subscriber, "resumed")


@router.post(f"{ROOT}/readers/{{number}}/link")
def send_link(seat: Sitting, form: Order, number: Number) -> Response:
    """Mail them the link to their preferences."""
    subscriber = _known(seat, number)
    rooms = seat.visit.rooms
    rooms.changing.send_link(subscriber.email, language=subscriber.language)
    return _done(seat, subscriber, "link")


@router.post(f"{ROOT}/readers/{{number}}/suppress")
def suppress(seat: Sitting, form: Order, number: Number) -> Response:
    """Never write to their address again."""
    subscriber = _known(seat, number)
    seat.visit.rooms.subscriptions.suppress(subscriber.email, reason=_REASON)
    return _done(seat, subscriber, "suppressed")


@router.post(f"{ROOT}/readers/{{number}}/lift")
def lift(seat: Sitting, form: Order, number: Number) -> Response:
    """Take that back; who was suspended stays so."""
    subscriber = _known(seat, number)
    was_held = seat.visit.rooms.subscriptions.lift(subscriber.email)
    return _done(seat, subscriber, "lifted" if was_held else "not-lifted")


def _done(seat: Seat, subscriber: Subscriber, said: str) -> Response:
    seat.note(said, subscriber=int(subscriber.id))
    return seat.back(f"/readers/{subscriber.id}", said)


def _known(seat: Seat, number: int) -> Subscriber:
    found = seat.visit.rooms.subscribers.profiles([SubscriberId(number)])
    if not found:
        raise HTTPException(404)
    return found[0]


def _page(
    seat: Seat,
    subscriber: Subscriber,
    *,
    asked: str = "",
    answer: Answer | None = None,
    fault: str = "",
    wrong: str = "",
) -> Response:
    desk, rooms = seat.desk, seat.visit.rooms
    _, events = desk.bounces.history(subscriber.id)
    return seat.page(
        "web/desk/person.html.j2",
        here="readers",
        title=subscriber.email,
        status=400 if fault or wrong else 200,
        subscriber=subscriber,
        kind=READER_KIND[subscriber.state],
        rhythm=rhythm(subscriber.schedule),
        may_suspend=subscriber.state is not SubscriberState.SUSPENDED,
        may_resume=subscriber.state is not SubscriberState.ACTIVE,
        has_left=subscriber.state is SubscriberState.UNSUBSCRIBED,
        suppression=desk.suppression(subscriber.email),
        turns=desk.directory.turns(subscriber.id, limit=_TURNS),
        skips=SKIPS,
        posts=_posts(seat, subscriber),
        kinds=STATE_KIND,
        verdict=judge([one for _, one in events], rooms.clock()),
        threshold=THRESHOLD,
        bounces=sorted((one for _, one in events), key=lambda one: one.at, reverse=True)[:_BOUNCES],
        bounce_kinds=BOUNCE_SERIES,
        wishes=desk.directory.wishes(address=subscriber.email, limit=_WISHES),
        asked=asked,
        answer=answer,
        fault=fault,
        wrong=wrong,
    )


def _posts(seat: Seat, subscriber: Subscriber) -> list[Post]:
    """Their newest deliveries, each with every try."""
    database = seat.desk.database
    lines: dict[DeliveryId, list[Entry]] = defaultdict(list)
    for entry in recipient_log(database, subscriber.email, limit=_TRIES):
        lines[entry.delivery_id].insert(0, entry)
    found = listed(database, states=tuple(DeliveryState), email=subscriber.email, limit=_DELIVERIES)
    return [Post(one, tuple(lines.get(one.id, ()))) for one in found]


def rhythm(schedule: Schedule) -> str:
    """ "weekly, on tuesday at 07:30, Europe/Lisbon" """
    on = {
        Cadence.WEEKLY: f", on {WEEKDAYS[schedule.weekday]}",
        Cadence.MONTHLY: f", on day {schedule.monthday}",
    }.get(schedule.cadence, "")
    time = f"{schedule.hour:02}:{schedule.minute:02}"
    return f"{schedule.cadence.value}{on} at {time}, {schedule.timezone}"
