"""The section about looks: logo, colours and a line at the foot, each checked for its readers.

A colour must be read: WCAG 2.2 asks for a contrast of 4.5 between text and what it stands on, which
here are the light and the dark sheet of mails and pages.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from digest.config.kinds import Line, Section

ACCENT: Final = "#0f4c81"
ACCENT_DARK: Final = "#8fc1ee"
LIGHT: Final = "#fbfaf7"  #: what light pages and mails stand on; the sheet itself is white
DARK: Final = "#1e1d1b"
LEAST: Final = 4.5
_HEX: Final = re.compile(r"#[0-9a-f]{6}")
_LOGOS: Final = (".png", ".jpg", ".jpeg")


def contrast(one: str, other: str) -> float:
    """The contrast of two colours such as #0f4c81, from 1 to 21 (WCAG 2.2)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _colour(value: str) -> str:
    colour = value.strip().lower()
    if not _HEX.fullmatch(colour):
        raise ValueError(f"must be a colour such as {ACCENT}, not {value!r:.30}")
    return colour


def _read_on(background: str, mend: str) -> AfterValidator:
    def check(value: str) -> str:
        found = contrast(value, background)
        if found < LEAST:
            raise ValueError(
                f"{value} on {background} has a contrast of {found:.1f}, and {LEAST} is the least"
                f" that can be read; take a {mend} one"
            )
        return value

    return AfterValidator(check)


def _logo(value: Path) -> Path:
    if value.suffix.lower() not in _LOGOS:
        raise ValueError("must be a .png or .jpg file: many mail programs show no other")
    return value


Colour = Annotated[str, AfterValidator(_colour)]


class BrandSection(Section):
    """`accent` colours links, `accent_dark` those on dark ground."""

    logo: Annotated[Path, AfterValidator(_logo)] | None = None
    accent: Annotated[Colour, _read_on(LIGHT, "darker")] = ACCENT
    accent_dark: Annotated[Colour, _read_on(DARK, "lighter")] = ACCENT_DARK
    footer: Annotated[Line, Field(max_length=300)] = ""
