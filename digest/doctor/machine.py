"""The machine: room on its disks, and whether its clock can be right."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final

import httpx
import sqlalchemy as sa

from digest.doctor.case import Case
from digest.doctor.findings import Finding, fault, note, ok
from digest.store.health import HealthStore

LITTLE: Final = 500_000_000  #: bytes
TOO_LITTLE: Final = 50_000_000
SLOW: Final = timedelta(seconds=30)
WRONG: Final = timedelta(minutes=5)


def look_at_disk(case: Case) -> Iterator[Finding]:
    for folder in sorted({_existing(path) for path in _places(case)}):
        yield judge_room(folder, shutil.disk_usage(folder).free)


def judge_room(folder: Path, free: int) -> Finding:
    told = f"{free / 1e6:,.0f} MB are free where {folder} is."
    if free < TOO_LITTLE:
        return fault("disk", told, "Make room: nothing can be stored on a full disk.")
    if free < LITTLE:
        return note("disk", told, "Make room, or let [retention] keep less.")
    return ok("disk", told)


def look_at_clock(case: Case) -> Iterator[Finding]:
    """Against what is stored, and against a server's idea of the time where one can be asked."""
    now = case.clock()
    with case.database() as database:
        latest = HealthStore(database).latest_instant()
        if latest and latest - now > SLOW:
            told = f"Something is stored as of {latest:%Y-%m-%d %H:%M} UTC, which is still to come."
            yield fault("clock", told, "The clock was set back: set it right, by NTP.")
            return
        if not database.is_sqlite:
            with database.read() as connection:
                there = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
            yield judge_clock(case.clock(), there, "the database server")
            return
    yield from _by_web(case)


def _by_web(case: Case) -> Iterator[Finding]:
    try:
        answer = httpx.head(case.site.base_url, timeout=5.0)
        there = parsedate_to_datetime(answer.headers["Date"])
    except (httpx.HTTPError, KeyError, ValueError):
        yield ok("clock", f"It is {case.clock():%Y-%m-%d %H:%M} UTC, and nothing stored is later.")
        return
    yield judge_clock(case.clock(), there, "the proxy")


def judge_clock(here: datetime, there: datetime, who: str) -> Finding:
    off = abs(here - there)
    if off > WRONG:
        told = f"This machine and {who} are {off.total_seconds() / 60:.0f} minutes apart."
        return fault("clock", told, "Set both by NTP: digests would come at wrong hours.")
    if off > SLOW:
        return note("clock", f"This machine and {who} are {off.total_seconds():.0f} s apart.")
    return ok("clock", f"This machine and {who} agree.")


def _places(case: Case) -> Iterator[Path]:
    delivery = case.settings.delivery
    yield delivery.spool
    if delivery.channel == "mailbox":
        yield delivery.mailbox.path
    with case.database() as database:
        name = database.engine.url.database
    if name and database.is_sqlite:
        yield Path(name)


def _existing(path: Path) -> Path:
    parents = (path, *path.absolute().parents)
    return next(one for one in parents if one.is_dir()).absolute()
