"""Time zones as a form offers them: the places of the world, "UTC", and no other names."""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from zoneinfo import available_timezones

from digest.clock import zone
from digest.errors import UsageError
from digest.rendering.language import Language
from digest.web.forms import Fault

#: What the others of the database begin with are old spellings and fixed offsets.
_EARTH: Final = "Africa America Antarctica Arctic Asia Atlantic Australia Europe Indian Pacific"


@lru_cache(maxsize=1)
def offered() -> tuple[str, ...]:
    """Some four hundred names, by continent."""
    continents = frozenset(_EARTH.split())
    places = sorted(it for it in available_timezones() if it.partition("/")[0] in continents)
    return ("UTC", *places)


def spelled(typed: str) -> str:
    """The name as the world writes it, whatever its case and with spaces for underscores."""
    wanted = typed.strip().replace(" ", "_").casefold()
    return next((name for name in offered() if name.casefold() == wanted), typed.strip())


def zone_fault(name: str, language: Language) -> Fault | None:
    """What is wrong with a zone, and the nearest names."""
    try:
        zone(name)
    except UsageError as error:
        return Fault.of(error, language)
    return None
