"""What a look finds: one thing, a verdict, and the mend. And how looks are taken, one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from digest.errors import DigestError


class Verdict(StrEnum):
    OK = "ok"
    NOTE = "note"  #: works, and you may want to know
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    about: str
    verdict: Verdict
    told: str
    mend: str = ""


Subject = TypeVar("Subject")
Look = Callable[[Subject], Iterable[Finding]]


def ok(about: str, told: str) -> Finding:
    return Finding(about, Verdict.OK, told)


def note(about: str, told: str, mend: str = "") -> Finding:
    return Finding(about, Verdict.NOTE, told, mend)


def fault(about: str, told: str, mend: str = "") -> Finding:
    return Finding(about, Verdict.FAULT, told, mend)


def examine(looks: Mapping[str, Look[Subject]], subject: Subject) -> Iterator[Finding]:
    """Take every look; one that fails is a finding and stops no other."""
    for about, look in looks.items():
        yield from seen(about, look, subject)


def seen(about: str, look: Look[Subject], subject: Subject) -> Iterator[Finding]:
    """Take one look; what it finds before it fails stands."""
    try:
        yield from look(subject)
    except DigestError as error:
        yield fault(about, error.message, error.mend)
    except Exception as error:  # a look must not end the examination
        yield fault(about, f"It could not be looked at: {type(error).__name__}: {error}.")


def is_well(findings: Iterable[Finding]) -> bool:
    return all(one.verdict is not Verdict.FAULT for one in findings)
