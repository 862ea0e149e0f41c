"""Charts as inline SVG: places and heights computed here, drawn by `charts.html.j2`. Pure.

Widths are percentages and heights pixels, so a chart fills its column and its words keep their
size on a phone. Colours are classes of the stylesheet; no script, no inline style. Every chart has
a title, a sentence that says what it shows, and its numbers as a table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil, log10
from typing import Final

HEIGHT: Final = 132  #: pixels of the tallest bar
TOP: Final = 10  #: pixels above it
FOOT: Final = 24  #: pixels below, for the days
_GAP: Final = 0.16  #: of a bar's place, left free
_CAPACITY: Final = 5  #: labels under a chart, at most
_STRIP: Final = 20  #: pixels


@dataclass(frozen=True, slots=True)
class Series:
    """One colour of a chart; `kind` names a class of the stylesheet."""

    kind: str
    label: str


@dataclass(frozen=True, slots=True)
class Part:
    """One coloured part of a bar; `x` and `width` in percent, `y` and `height` in pixels."""

    kind: str
    x: float
    width: float
    y: float
    height: float
    label: str


@dataclass(frozen=True, slots=True)
class Word:
    """One label: at the foot `x` percent, at the side `y` pixels."""

    text: str
    x: float = 0.0
    y: float = 0.0
    anchor: str = "middle"


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything the template draws."""

    name: str  #: unique on its page
    title: str
    says: str
    height: int
    foot: int  #: pixels from the top to the ground line
    parts: tuple[Part, ...]
    grid: tuple[Word, ...]
    feet: tuple[Word, ...]
    legend: tuple[Series, ...]
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    is_empty: bool


Counts = Mapping[str, int]


def stacked(
    name: str,
    title: str,
    columns: Sequence[tuple[str, Counts]],
    series: Sequence[Series],
    *,
    each: str = "day",
) -> Chart:
    """Bars of several parts, one for each of `columns`: its label, and its numbers by kind."""
    shown = [one for one in series if any(counts.get(one.kind) for _, counts in columns)]
    sums = [sum(counts.get(one.kind, 0) for one in shown) for _, counts in columns]
    top = _ceiling(max(sums, default=0))
    return Chart(
        name=name,
        title=title,
        says=_says(columns, shown, sums, each),
        height=TOP + HEIGHT + FOOT,
        foot=TOP + HEIGHT,
        parts=tuple(_bars(columns, shown, top)),
        grid=tuple(
            Word(_short(value), y=round(TOP + HEIGHT * (1 - value / top), 1))
            for value in dict.fromkeys((top, top // 2))
            if value
        ),
        feet=tuple(_feet([label for label, _ in columns])),
        legend=tuple(shown or series[:1]),
        heads=(each.capitalize(), *(one.label for one in shown)),
        rows=tuple(
            (label, *(f"{counts.get(one.kind, 0):,}" for one in shown)) for label, counts in columns
        ),
        is_empty=not any(sums),
    )


def strip(
    name: str, title: str, cells: Sequence[tuple[str, str, str]], *, each: str = "day"
) -> Chart:
    """One row of cells: each a label, a kind, and what it says; a kind "" is an empty cell."""
    place = 100 / max(1, len(cells))
    inner = place * (1 - _GAP)
    parts = (
        Part(
            kind=kind or "none",
            x=round(n * place, 3),
            width=round(inner, 3),
            y=0,
            height=_STRIP,
            label=f"{label}: {said or 'not asked'}",
        )
        for n, (label, kind, said) in enumerate(cells)
    )
    told = [(label, said) for label, kind, said in cells if kind]
    last = f"The last {each} with one, {told[-1][0]}: {told[-1][1]}." if told else "There is none."
    return Chart(
        name=name,
        title=title,
        says=f"{len(told)} of {len(cells)} {each}s have a verdict. {last}",
        height=_STRIP,
        foot=_STRIP,
        parts=tuple(parts),
        grid=(),
        feet=(),
        legend=(),
        heads=(each.capitalize(), "Verdict"),
        rows=tuple(told),
        is_empty=not told,
    )


def days_until(last: date, count: int) -> list[date]:
    """The `count` days up to `last`, oldest first."""
    return [last - timedelta(days=back) for back in range(count - 1, -1, -1)]


def by_day(days: Iterable[date], counts: Callable[[date], Counts]) -> list[tuple[str, Counts]]:
    """Columns for `stacked`."""
    return [(f"{day.day} {day:%b}", counts(day)) for day in days]


def _bars(
    columns: Sequence[tuple[str, Counts]], series: Sequence[Series], top: int
) -> Iterable[Part]:
    place = 100 / max(1, len(columns))
    for n, (label, counts) in enumerate(columns):
        y = float(TOP + HEIGHT)
        for one in series:
            value = counts.get(one.kind, 0)
            if not value:
                continue
            height = max(1.5, HEIGHT * value / top)  # what is there is seen
            y -= height
            yield Part(
                kind=one.kind,
                x=round((n + _GAP / 2) * place, 3),
                width=round(place * (1 - _GAP), 3),
                y=round(y, 1),
                height=round(height, 1),
                label=f"{label}: {value:,} {one.label}",
            )


def _feet(labels: Sequence[str]) -> Iterable[Word]:
    """So many labels that they stand apart, the last among them."""
    step = max(1, ceil(len(labels) / _CAPACITY))
    place = 100 / max(1, len(labels))
    for n in range(len(labels) - 1, -1, -step):
        anchor = "end" if n == len(labels) - 1 and n else "middle"
        x = 100.0 if anchor == "end" else (n + 0.5) * place
        if x - place / 2 < 2 and n == 0:
            anchor, x = "start", 0.0
        yield Word(labels[n], x=round(x, 2), anchor=anchor)


def _says(
    columns: Sequence[tuple[str, Counts]],
    series: Sequence[Series],
    sums: Sequence[int],
    each: str,
) -> str:
    if not any(sums):
        return f"Nothing in {len(columns)} {each}s."
    most = max(range(len(sums)), key=lambda n: sums[n])
    totals = ", ".join(
        f"{sum(counts.get(one.kind, 0) for _, counts in columns):,} {one.label}" for one in series
    )
    return f"In {len(columns)} {each}s: {totals}. Most on {columns[most][0]}: {sums[most]:,}."


def _ceiling(value: int) -> int:
    """The next round number, whose half is one, too."""
    if value <= 2:
        return 2
    unit: int = 10 ** int(log10(value))
    for factor in (1, 2, 4, 6, 8, 10):
        if value <= factor * unit and (factor * unit) % 2 == 0:
            return factor * unit
    return 10 * unit


def _short(value: int) -> str:
    """ "12k" for 12,000."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return str(value)
