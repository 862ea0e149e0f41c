"""docs/reference/metrics.md: every figure that Prometheus is given, read from an empty database."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

from prometheus_client.core import Metric

from digest.clock import system_clock
from digest.metrics import registry, timed
from digest.store.database import Database
from digest.store.schema import migrate

_HEAD: Final = """# Figures

`digest serve` gives these to Prometheus at `/metrics` on `monitoring.metrics_host` and
`monitoring.metrics_port`; `digest run` writes them to `monitoring.textfile`. Alert rules and a
dashboard are in `deploy/prometheus` and `deploy/grafana`.

Figures of the database are the same whichever process is asked. Those named `digest_step_…` are the
process's own. No label names a reader. A figure never changes its meaning.

| figure | labels | meaning |
|---|---|---|
"""
_LABELS: Final = {
    "digest_skipped": "reason",
    "digest_deliveries": "state",
    "digest_bounced": "kind",
    "digest_suppressed": "reason",
    "digest_source_age_seconds": "source",
    "digest_source_failures": "source",
    "digest_source_seconds": "source",
    "digest_source_verdict": "source, verdict",
    "digest_subscribers": "state",
    "digest_step_seconds": "step",
    "digest_step_last_failure_timestamp_seconds": "step",
    "digest_webhook_calls_total": "provider, status",
}


def page() -> str:
    """The whole page as Markdown."""
    rows = {
        name: f"| `{name}` | {_LABELS.get(name, '')} | {one.documentation} |"
        for one in _told()
        for name in [_given_name(one)]
    }
    return _HEAD + "\n".join(rows.values()) + "\n"


def _given_name(one: Metric) -> str:
    """What Prometheus calls it: a counter's name ends so."""
    return f"{one.name}_total" if one.type == "counter" else one.name


def _told() -> list[Metric]:
    with timed("a step"):
        pass
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'digest.db'}")
        try:
            migrate(database)
            return list(registry(database, system_clock).collect())
        finally:
            database.dispose()
