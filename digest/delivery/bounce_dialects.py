"""Reports of mail systems that keep to no standard, by flufl.bounce (the `bounces` extra).

Only whether a delivery failed is asked of it, never for whom.
"""

from __future__ import annotations

from collections.abc import Callable
from email.message import Message
from functools import cache
from importlib import import_module
from typing import Any


def unusual(mail: Message) -> bool | None:
    """Whether a report tells of a failure for good; None where it does not say.

    None as well where flufl.bounce is missing or does not load, which it does with the first mail:
    its patterns take longer than a run without any should.
    """
    scan = _scan()
    if scan is None:
        return None
    temporary, permanent = scan(mail)
    if permanent:
        return True
    return False if temporary else None


@cache
def _scan() -> Callable[[Message], Any] | None:
    try:
        found: Callable[[Message], Any] = import_module("flufl.bounce").all_failures
    except ImportError:
        return None
    return found
