"""The log of a process that runs on: one line an event, as text or as JSON, with the run's id.

Guarantee: unless the operator wants them, no address of a reader stands in a line, whoever wrote it
and whatever error text it quotes; and no line breaks into two.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import uuid
from datetime import UTC, datetime
from typing import Any, Final, TextIO

RUN: Final = uuid.uuid4().hex[:8]  #: this process's own, on every line it writes
_ADDRESS: Final = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})*")
_KNOWN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def configure(
    *, level: str = "info", format: str = "text", addresses: bool = False, to: TextIO | None = None
) -> None:
    """Set up the root logger; everything else follows."""
    handler = logging.StreamHandler(to or sys.stderr)
    kind = JsonLines if format == "json" else TextLines
    handler.setFormatter(kind(addresses=addresses))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for noisy in ("apscheduler", "httpx", "httpcore", "uvicorn"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))


def without_addresses(text: str) -> str:
    """The text with every address replaced by its domain: `…@example.org`."""
    return _ADDRESS.sub(lambda found: "…@" + found.group().rpartition("@")[2], text)


class _Lines(logging.Formatter):
    """What both formats share: the fields of a record, cleaned."""

    def __init__(self, *, addresses: bool) -> None:
        super().__init__()
        self._addresses = addresses

    def clean(self, text: str) -> str:
        return text if self._addresses else without_addresses(text)

    def extras(self, record: logging.LogRecord) -> dict[str, Any]:
        return {name: value for name, value in vars(record).items() if name not in _KNOWN}

    def trace(self, record: logging.LogRecord) -> str:
        return self.formatException(record.exc_info) if record.exc_info else ""


class JsonLines(_Lines):
    """`{"at": …, "level": …, "run": …, "logger": …, "message": …, "action": …, …}`"""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": _instant(record),
            "level": record.levelname.lower(),
            "run": RUN,
            "logger": record.name,
            "message": record.getMessage(),
            **self.extras(record),
        }
        if trace := self.trace(record):
            line["trace"] = trace
        return self.clean(json.dumps(line, ensure_ascii=False, default=str))


class TextLines(_Lines):
    """`2026-11-20T07:00:01Z INFO a1b2c3d4 digest.outbox 12 sent. action=… count=12`"""

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage().replace("\r", "\\r").replace("\n", "\\n")
        extras = "".join(f" {name}={value}" for name, value in self.extras(record).items())
        extras = extras.replace("\r", "\\r").replace("\n", "\\n")
        head = f"{_instant(record)} {record.levelname} {RUN} {record.name}"
        trace = self.trace(record)
        return self.clean(f"{head} {message}{extras}" + (f"\n{trace}" if trace else ""))


def _instant(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
