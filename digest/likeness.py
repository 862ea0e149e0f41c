"""How this installation measures likeness: the models it was configured with, and what they keep.

It picks and constructs, as `digest.wiring` does for everything else. The background is the papers
of the weeks before this week's Monday, so that it is the same from Monday to Sunday and what was
measured against it can be kept; a young installation takes what there is. Vectors are stored slice
by slice: embedding everything anew can be interrupted at any instant and goes on where it stopped.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property, partial
from threading import Event
from typing import Any

from digest.config.sections import MatchingSection
from digest.errors import ConfigError, StoreBusy
from digest.matching.background import ENOUGH, Background
from digest.matching.base import Embedder
from digest.matching.bert import installed_minilm
from digest.matching.embeddings import Endpoint, open_embedder
from digest.matching.engine import Matcher
from digest.matching.hybrid import HybridScorer
from digest.matching.lexical import LexicalScorer
from digest.matching.scoring import Scorer
from digest.matching.second import SecondStage
from digest.matching.vectors import ensure
from digest.model import Links, Paper, PaperId, PaperIds, Subscriber
from digest.store.calibrations import CalibrationRecords
from digest.store.database import Database
from digest.store.marks import MarkStore
from digest.store.papers import PaperStore
from digest.store.stream import Announced, StreamStore
from digest.store.subscribers import SubscriberStore
from digest.store.vectors import StoredVectors

log = logging.getLogger(__name__)

BACKGROUND = 5000  #: papers that scores are measured against, at most
STEP = 256  #: papers read and embedded together
MEASURED = "interests/measured"  #: the mark of the week, and the last interest measured in it
OWNERS = 500  #: subscribers whose interests are measured together
Progress = Callable[[int], None]


@dataclass(frozen=True)
class Likeness:
    """Embedder, second stage and background, made when first asked for."""

    settings: MatchingSection
    database: Database

    @cached_property
    def vectors(self) -> StoredVectors:
        return StoredVectors(self.database)

    @cached_property
    def embedder(self) -> Embedder | None:
        """The configured embedder, None to go by the words alone; ConfigError with the mend."""
        choice = self.settings.embedder
        return None if choice == "lexical" else open_embedder(choice, endpoint=self._endpoint)

    @cached_property
    def second(self) -> Embedder | None:
        """The transformer that looks again, None without one; ConfigError with the mend."""
        choice = self.settings.second_stage
        if choice == "auto":
            choice = "minilm" if installed_minilm() else "off"
        if choice == "off" or choice == self.settings.embedder:
            return None
        return open_embedder(choice, endpoint=self._endpoint, key="matching.second_stage")

    @property
    def _endpoint(self) -> Endpoint | None:
        said = self.settings.endpoint
        if said.url is None:
            return None
        return Endpoint(
            said.url,
            key=said.key.get_secret_value() if said.key else "",
            statements_leave=said.statements_leave,
            batch=said.batch,
            seconds=said.timeout_seconds,
        )

    def matcher(self, at: datetime) -> Matcher:
        """Matches against the background of the weeks before `at`."""
        days = timedelta(days=self.settings.background_days)
        return Matcher(
            self.scorer(self.background(at.date())),
            papers_a_day=self._stream.papers_a_day(at.date() - days),
            default_volume=self.settings.daily_volume,
        )

    def background(self, today: date) -> list[Announced]:
        """The papers that are usual here, oldest first; read when they are measured with."""
        monday = today - timedelta(days=today.weekday())
        since = monday - timedelta(days=self.settings.background_days)
        usual = self._stream.recent(since, before=monday, most=BACKGROUND)
        if len(usual) < ENOUGH:
            usual = self._stream.recent(since, most=BACKGROUND)
        return usual

    def _read(self, names: Sequence[Announced]) -> list[Paper]:
        """Those papers; one that was purged since then says nothing, and the rest stay in place."""
        found = PaperStore(self.database).papers([one.id for one in names], summed_up=False)
        return [found.get(one.id) or _purged(one) for one in names]

    def measure_ahead(self, now: datetime, stop: Event) -> None:
        """Measure what matching needs of the usual papers and what interests' scores mean.

        All once a week, and new interests whenever there are any; one that was changed is measured
        when it is matched.
        """
        if self.embedder is None:
            return
        today, marks = now.date(), MarkStore(self.database)
        week = f"{today - timedelta(days=today.weekday())} {self.embedder.id}"
        mark = marks.get(MEASURED)
        last = mark.detail["upto"] if mark and mark.detail.get("week") == week else -1
        subscribers = SubscriberStore(self.database)
        owners, newest = subscribers.with_interests(after=last)
        if not owners and last >= 0:
            return
        scorer = self._hybrid(self.background(today), self.embedder)
        for start in range(0, len(owners) or 1, OWNERS):
            if stop.is_set():
                return
            some = subscribers.profiles(owners[start : start + OWNERS])
            _try_to_measure(scorer, some)
        marks.set(MEASURED, now, week=week, upto=max(newest, 0))

    def scorer(self, background: Sequence[Announced]) -> Scorer[Any]:
        embedder = self.embedder
        if embedder is None:
            return LexicalScorer(self._read(background))
        return self._hybrid(background, embedder, second=self.second)

    def _hybrid(
        self, background: Sequence[Announced], embedder: Embedder, *, second: Embedder | None = None
    ) -> HybridScorer:
        read = partial(self._read, background)
        usual = Background.named(background, read, embedder, store=self.vectors)
        return HybridScorer(
            embedder,
            usual,
            store=self.vectors,
            calibrations=CalibrationRecords(self.database),
            second=SecondStage(second, usual, store=self.vectors) if second else None,
        )

    @property
    def _stream(self) -> StreamStore:
        return StreamStore(self.database)

    # --- vectors of everything ------------------------------------------------------------------

    def missing(self, *, since: date = date.min) -> list[PaperId]:
        """Papers announced from `since` on without vectors, newest first."""
        return self.vectors.missing(self.embedder.id, since=since) if self.embedder else []

    def fresh(self, today: date) -> list[PaperId]:
        """The papers without vectors that composing may ask for."""
        return self.missing(since=today - timedelta(days=self.settings.background_days))

    def embed(self, papers: list[PaperId], *, progress: Progress) -> None:
        """Compute and keep the papers' vectors; what was kept stays when it is interrupted."""
        for start in range(0, len(papers), STEP):
            assert self.embedder is not None
            some = PaperStore(self.database).papers(papers[start : start + STEP])
            ensure(self.embedder, list(some.values()), self.vectors, report=progress)

    def models(self) -> list[str]:
        """The ids of the models in use."""
        return [one.id for one in (self.embedder, self.second) if one is not None]


def _purged(one: Announced) -> Paper:
    return Paper(one.id, one.key, "", "", (), (), PaperIds(), Links(), date.min)


def _try_to_measure(scorer: HybridScorer, subscribers: Sequence[Subscriber]) -> None:
    """One strange interest must not cost an ingest: composing finds whose it is, and says so."""
    try:
        scorer.measure([it for one in subscribers for it in one.interests if not it.paused])
    except (ConfigError, StoreBusy):  # nobody's own: what is measured waits for the next time
        raise
    except Exception:
        log.exception("Measuring interests failed.", extra={"action": "measure_failed"})
