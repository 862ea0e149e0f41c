"""Progress bars: on standard error, and only where that is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from digest.day import Watcher
    from digest.ingest import SourceReport

Counted = Callable[[int], None]


def is_shown() -> bool:
    return sys.stderr.isatty()


@contextmanager
def counting(label: str, total: int | None = None) -> Iterator[Counted]:
    """A bar for one thing; the callable adds to what is done."""
    if not is_shown():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(label, total=total)
        yield lambda done: bars.advance(task, done)


@contextmanager
def steps(label: str) -> Iterator[Callable[[int, int], None]]:
    """A bar for something that tells how much is done, and of how much."""
    if not is_shown():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(label, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


@contextmanager
def watching(sources: int) -> Iterator[Watcher]:
    """Bars for the stages of a run over so many sources."""
    from digest.day import Unwatched

    if not is_shown():
        yield Unwatched()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as bars:
        watcher = Bars(bars, sources)
        yield watcher
        watcher.finish()


class Bars:
    """A Watcher: one bar a stage, made when the stage begins."""

    def __init__(self, bars: Progress, sources: int) -> None:
        self._bars = bars
        self._sources = bars.add_task("Sources", total=sources)
        self._stages: dict[str, TaskID] = {}

    def source(self, report: SourceReport) -> None:
        self._bars.console.print(f"  {report.line}", markup=False, highlight=False)
        self._bars.advance(self._sources)

    def composed(self, subscribers: int) -> None:
        self._count("Digests", subscribers)

    def sent(self, deliveries: int) -> None:
        self._count("Deliveries", deliveries)

    def _count(self, stage: str, number: int) -> None:
        if stage not in self._stages:
            self._stages[stage] = self._bars.add_task(stage, total=None)
        self._bars.advance(self._stages[stage], number)

    def finish(self) -> None:
        """What was done is all there was to do."""
        for task in self._bars.tasks:
            if task.id in self._stages.values():
                self._bars.update(task.id, total=task.completed)
