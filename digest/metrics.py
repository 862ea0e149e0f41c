"""The figures for Prometheus: read from the database when asked for, and how long our steps took.

What the database knows is the same whichever process is asked, so the numbers outlive restarts;
durations are this process's own. No label names a reader. Metric names are a promise to whoever
draws them: they are listed in the documentation and never change their meaning.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    start_http_server,
    write_to_textfile,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from digest.clock import Clock
from digest.errors import StoreError
from digest.model import DeliveryState, SubscriberState, Verdict
from digest.store.database import Database
from digest.store.health import Figures, HealthStore

#: deliveries under the names that an operator looks for
SETTLED: Final = {
    "sent": DeliveryState.DELIVERED,
    "refused": DeliveryState.REFUSED,
    "uncertain": DeliveryState.UNCERTAIN,
    "expired": DeliveryState.EXPIRED,
    "cancelled": DeliveryState.CANCELLED,
    "queued": DeliveryState.QUEUED,
    "sending": DeliveryState.SENDING,
    "deferred": DeliveryState.DEFERRED,
}

_own: Final = CollectorRegistry()
_STEP: Final = Histogram(
    "digest_step_seconds",
    "How long each step of this process took.",
    ["step"],
    buckets=(0.01, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600),
    registry=_own,
)
_FAILED: Final = Gauge(
    "digest_step_last_failure_timestamp_seconds",
    "When a step of this process last failed; 0: it never did.",
    ["step"],
    registry=_own,
)
_CALLS: Final = Counter(
    "digest_webhook_calls",
    "Calls of mail providers' webhooks that this process answered, by status.",
    ["provider", "status"],
    registry=_own,
)


def heard(provider: str, status: int) -> None:
    """Count one call of a provider; "unknown" for one that is none."""
    _CALLS.labels(provider, str(status)).inc()


@contextmanager
def timed(step: str) -> Iterator[None]:
    """Measure a step of our own, and remember when it failed."""
    began = perf_counter()
    try:
        yield
    except Exception:
        _FAILED.labels(step).set_to_current_time()
        raise
    finally:
        _STEP.labels(step).observe(perf_counter() - began)


class Told(Collector):
    """What the database knows, as metrics; `digest_up` is 0 where it does not answer."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        try:
            figures = HealthStore(self._database).figures(self._clock())
        except StoreError:
            yield _gauge("up", "Whether the database answers.", 0)
            return
        yield _gauge("up", "Whether the database answers.", 1)
        yield from _schedule(figures)
        yield from _queue(figures)
        yield from _sources(figures)
        yield from _readers(figures)


def registry(database: Database, clock: Clock) -> CollectorRegistry:
    """All metrics of this process."""
    whole = CollectorRegistry()
    whole.register(Told(database, clock))
    whole.register(_Own())
    return whole


def exposition(database: Database, clock: Clock) -> bytes:
    """The text that Prometheus reads."""
    return generate_latest(registry(database, clock))


def write_textfile(path: Path, database: Database, clock: Clock) -> None:
    """For one-shot runs: the same text in a file, for node_exporter's textfile collector."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_to_textfile(str(path), registry(database, clock))


def listen(host: str, port: int, database: Database, clock: Clock) -> int:
    """Answer `/metrics` in a thread of its own until the process ends; returns the port."""
    server, _thread = start_http_server(port, host, registry(database, clock))
    return int(server.server_port)


class _Own(Collector):
    """The measurements of this process, beside what is read anew."""

    def collect(self) -> Iterator[Metric]:
        yield from _own.collect()


def _gauge(name: str, told: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"digest_{name}", told, value=value)


def _by(name: str, told: str, label: str, values: dict[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"digest_{name}", told, labels=[label])
    for value, number in values.items():
        family.add_metric([value], number)
    return family


def _age(figures: Figures, since: datetime | None) -> float:
    return 0.0 if since is None else max(0.0, (figures.at - since).total_seconds())


def _schedule(figures: Figures) -> Iterator[Metric]:
    yield _gauge("due", "Readers whose digest is due and not composed.", figures.due)
    overdue = _age(figures, figures.due_since)
    yield _gauge("overdue_seconds", "How long the longest of them has been due.", overdue)
    yield _gauge("composed", "Digests composed within a day.", figures.composed)
    last = figures.last_composed_at.timestamp() if figures.last_composed_at else 0
    yield _gauge("last_composed_timestamp_seconds", "When a digest was last composed.", last)
    skipped = {reason: float(count) for reason, count in figures.skipped.items()}
    told = "Due digests that were not made within a day, by reason."
    yield _by("skipped", told, "reason", skipped)


def _queue(figures: Figures) -> Iterator[Metric]:
    counts = {name: float(figures.deliveries.get(of, 0)) for name, of in SETTLED.items()}
    told = "Deliveries now open, or settled within a day, by state."
    yield _by("deliveries", told, "state", counts)
    age = _age(figures, figures.waiting_since)
    yield _gauge("oldest_queued_seconds", "The age of the oldest delivery not yet settled.", age)
    bounced = {kind: float(count) for kind, count in figures.bounced.items()}
    yield _by("bounced", "What came back within a day, by kind.", "kind", bounced)
    suppressed = {reason: float(count) for reason, count in figures.suppressed.items()}
    yield _by("suppressed", "Addresses never written to again.", "reason", suppressed)


def _sources(figures: Figures) -> Iterator[Metric]:
    ages = {
        one.name: _age(figures, one.last_success_at) if one.last_success_at else float("inf")
        for one in figures.sources
    }
    yield _by("source_age_seconds", "Since a source last answered well.", "source", ages)
    failures = {one.name: float(one.failures) for one in figures.sources}
    yield _by("source_failures", "Failures of a source in a row.", "source", failures)
    seconds = {one.name: one.seconds for one in figures.sources}
    yield _by("source_seconds", "How long a source's last answer took.", "source", seconds)
    told = "The verdict on a source's last answer: 1 for the one that holds."
    verdicts = GaugeMetricFamily("digest_source_verdict", told, labels=["source", "verdict"])
    for one in figures.sources:
        for verdict in Verdict:
            verdicts.add_metric([one.name, verdict.value], float(one.verdict is verdict))
    yield verdicts


def _readers(figures: Figures) -> Iterator[Metric]:
    counts = {state.value: float(figures.subscribers.get(state, 0)) for state in SubscriberState}
    yield _by("subscribers", "Readers by state.", "state", counts)
