"""Stored JSON: how a Digest becomes a small document and comes back, and nothing of SQL."""

from __future__ import annotations

import json
from typing import Any


def dump_json(value: Any) -> str:
    """JSON without spaces and without escapes: what every JSON column is written with."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
