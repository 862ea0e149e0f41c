"""What was delivered and what was not: by day, by domain, by answer; each with its whole story."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from starlette.exceptions import HTTPException
from starlette.responses import Response

from digest.errors import InvalidSubscriber
from digest.model import Channel, DeliveryId, DeliveryState
from digest.store.days import Answer
from digest.store.deliveries import LOOKED, Seen, listed, seen
from digest.store.delivery_log import delivery_log
from digest.store.delivery_orders import CANCELLED, RETRIED, cancel, retry
from digest.subscriptions import normalise
from digest.web.desk.door import ROOT, Order, Seat, Sitting
from digest.web.desk.lists import ROWS, Listed, Open
from digest.web.desk.lists import listed as paged
from digest.web.desk.overview import deliveries_chart
from digest.web.desk.telling import BOUNCE_SERIES, STATE_KIND

router = APIRouter()

_LARGEST: Final = 2**62
_DOMAINS: Final = 12
_ANSWERS: Final = 12
_MOST: Final = 200  #: deliveries at once
#: The states in which a delivery takes some order.
ORDERED: Final = frozenset((*RETRIED, *CANCELLED))
Before = Annotated[int | None, Query(ge=1, le=_LARGEST)]
Text = Annotated[str, Query(max_length=254)]


@dataclass(frozen=True, slots=True)
class Share:
    """One line of a table with a bar: `percent` of the largest, `part` of it in its own colour."""

    label: str
    count: int
    percent: float
    part: float
    good: float  #: percent of these that were delivered
    kind: str = "delivered"
    rest: str = "refused"
    url: str = ""


@router.get(f"{ROOT}/deliveries")
def show(
    seat: Sitting,
    state: Annotated[DeliveryState | None, Open] = None,
    channel: Annotated[Channel | None, Open] = None,
    domain: Text = "",
    email: Text = "",
    before: Before = None,
) -> Response:
    """Charts, and the deliveries that were asked for, newest first."""
    now, desk = seat.visit.rooms.clock(), seat.desk
    states = (state,) if state else tuple(DeliveryState)
    address, fault = _address(email)
    found = listed(
        desk.database,
        states=states,
        email=address,
        channel=channel.value if channel else "",
        domain=domain.strip().lower(),
        before=DeliveryId(before) if before else None,
        limit=ROWS + 1,
    )
    rows = [] if fault else found
    answers = desk.days.answers(now) if before is None else []
    typed = {
        "state": state.value if state else "",
        "channel": channel.value if channel else "",
        "domain": domain.strip(),
        "email": email.strip(),
    }
    return seat.page(
        "web/desk/deliveries.html.j2",
        here="deliveries",
        title="Deliveries",
        status=400 if fault else 200,
        charts=[deliveries_chart(seat, now)] if before is None else [],
        domains=_domains(answers, seat),
        answers=_answers(answers),
        sample=sum(one.count for one in answers),
        looked=LOOKED,
        typed=typed,
        fault=fault,
        states=list(DeliveryState),
        channels=list(Channel),
        kinds=STATE_KIND,
        orders=orders_for({one.state for one in rows}),
        ticks=ORDERED,
        found=_paged(rows, seat, typed),
    )


@router.get(f"{ROOT}/deliveries/{{number}}")
def show_one(seat: Sitting, number: Annotated[int, Path(ge=1, le=_LARGEST)]) -> Response:
    """Every try of one delivery, what was answered, and what came back."""
    database = seat.desk.database
    delivery = seen(database, DeliveryId(number))
    if delivery is None:
        raise HTTPException(404)
    return seat.page(
        "web/desk/delivery.html.j2",
        here="deliveries",
        title=f"Delivery {number}",
        delivery=delivery,
        log=delivery_log(database, delivery.id),
        kinds=STATE_KIND,
        bounce_kinds=BOUNCE_SERIES,
        orders=orders_for((delivery.state,)),
    )


@router.post(f"{ROOT}/deliveries/orders")
def order(seat: Sitting, form: Order) -> Response:
    """Try these again now, or do not send them."""
    ids = [DeliveryId(one) for one in form.numbers("delivery")[:_MOST]]
    verb = form.text("do")
    if verb not in ("retry", "cancel"):
        raise HTTPException(400)
    act, said = (retry, "retried") if verb == "retry" else (cancel, "cancelled")
    now = seat.visit.rooms.clock()
    changed = act(seat.desk.database, ids=ids, now=now) if ids else 0
    seat.note(f"deliveries_{said}", count=changed, deliveries=ids)
    place = "/outbox" if form.text("from") == "outbox" else "/deliveries"
    if len(ids) == 1 and form.text("from") == "delivery":
        place = f"/deliveries/{ids[0]}"
    return seat.back(place, said if changed else "nothing")


def orders_for(states: Collection[DeliveryState]) -> tuple[str, ...]:
    """Which orders some delivery in these states takes."""
    return tuple(
        verb
        for verb, admitted in (("retry", RETRIED), ("cancel", CANCELLED))
        if any(state in admitted for state in states)
    )


def _paged(rows: Sequence[Seen], seat: Seat, typed: dict[str, str]) -> Listed[Seen]:
    query: dict[str, str | None] = {**typed}
    return paged(rows, lambda last: seat.path("/deliveries", **query, before=str(last.id)))


def _address(typed: str) -> tuple[str | None, str]:
    """The address as it is stored, or what is wrong with it."""
    if not typed.strip():
        return None, ""
    try:
        return normalise(typed.strip()), ""
    except InvalidSubscriber as error:
        return None, str(error)


def _domains(answers: Sequence[Answer], seat: Seat) -> list[Share]:
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for one in answers:
        counts[one.domain][0] += one.count
        counts[one.domain][1] += one.count * (one.state is DeliveryState.DELIVERED)
    top = sorted(counts.items(), key=lambda it: (-it[1][0], it[0]))[:_DOMAINS]
    return [
        _share(domain, whole, good, top[0][1][0], seat.path("/deliveries", domain=domain))
        for domain, (whole, good) in top
    ]


def _answers(answers: Sequence[Answer]) -> list[Share]:
    counts: dict[tuple[DeliveryState, int | None], int] = defaultdict(int)
    for one in answers:
        counts[one.state, one.code] += one.count
    top = sorted(counts.items(), key=lambda it: -it[1])[:_ANSWERS]
    return [
        replace(
            _share(f"{state.value}, {code}" if code else state.value, n, n, top[0][1]),
            kind=STATE_KIND[state],
        )
        for (state, code), n in top
    ]


def _share(label: str, count: int, good: int, most: int, url: str = "") -> Share:
    return Share(
        label=label,
        count=count,
        percent=round(100 * count / most, 2),
        part=round(100 * good / most, 2),
        good=round(100 * good / count, 1),
        url=url,
    )
