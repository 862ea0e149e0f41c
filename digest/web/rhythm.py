"""How often, when and in which zone, as the forms have it: typed, faults, the record's keys."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from digest.config import WEEKDAYS
from digest.model import Cadence, Schedule
from digest.rendering.language import Language, message
from digest.web.forms import Fault, Form, as_number
from digest.web.zones import spelled, zone_fault

CADENCES: Final = {
    Cadence.DAILY: message("Every day"),
    Cadence.WEEKDAYS: message("On weekdays"),
    Cadence.WEEKLY: message("Once a week"),
    Cadence.MONTHLY: message("Once a month"),
}
_TIME: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::\d\d)?")


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice of a list, in words."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Rhythm:
    """A schedule as typed."""

    cadence: str
    time: str
    weekday: str
    monthday: str
    timezone: str

    def record(self) -> dict[str, Any]:
        """The keys of a subscriber's record; for a rhythm without faults."""
        hour, _, minute = self.time.partition(":")
        return {
            "cadence": self.cadence,
            "hour": int(hour),
            "minute": int(minute[:2]),
            "weekday": self.weekday,
            "monthday": int(self.monthday),
            "timezone": self.timezone,
        }


def of_schedule(schedule: Schedule) -> Rhythm:
    return Rhythm(
        cadence=schedule.cadence.value,
        time=f"{schedule.hour:02}:{schedule.minute:02}",
        weekday=WEEKDAYS[schedule.weekday],
        monthday=str(schedule.monthday),
        timezone=schedule.timezone,
    )


def typed(form: Form, usual: Rhythm) -> Rhythm:
    """What the form says; fields it has not are as usual."""
    return Rhythm(
        cadence=form.text("cadence", usual.cadence),
        time=form.text("time", usual.time),
        weekday=form.text("weekday", usual.weekday),
        monthday=form.text("monthday", usual.monthday),
        timezone=spelled(form.text("timezone", usual.timezone)),
    )


def faults_of(rhythm: Rhythm, language: Language) -> dict[str, Fault]:
    """What is wrong, by field."""
    found: dict[str, Fault] = {}
    if rhythm.cadence not in set(Cadence):
        found["cadence"] = Fault(language.text("Choose one of these."))
    if not _TIME.fullmatch(rhythm.time):
        found["time"] = Fault(language.text("Write it like 07:30."))
    if rhythm.weekday not in WEEKDAYS:
        found["weekday"] = Fault(language.text("Choose one of these."))
    if not 1 <= (as_number(rhythm.monthday) or 0) <= 31:
        found["monthday"] = Fault(language.text("Give a day from 1 to 31."))
    if fault := zone_fault(rhythm.timezone, language):
        found["timezone"] = fault
    return found


def in_words(schedule: Schedule, language: Language) -> str:
    """ "Every day at 07:00 (Europe/Lisbon)" """
    return language.say(
        "{often} at {time} ({zone})",
        often=language.text(CADENCES[schedule.cadence]),
        time=language.time(schedule.hour, schedule.minute),
        zone=schedule.timezone,
    )


def cadences(language: Language) -> Sequence[Choice]:
    return [Choice(one.value, language.text(label)) for one, label in CADENCES.items()]


def weekdays(language: Language) -> Sequence[Choice]:
    return [Choice(name, language.weekday(number)) for number, name in enumerate(WEEKDAYS)]
