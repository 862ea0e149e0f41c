"""Reports of mail systems that keep to no standard, by flufl.bounce (the `bounces` extra).

Only whether a delivery failed is asked of it, never for whom.
"""

from __future__ import annotations

from email.message import Message
from importlib import import_module

from digest.delivery.bounce_reports import Dialect


def known_dialects() -> Dialect | None:
    """A judge of unusual reports; None where flufl.bounce is not installed."""
    try:
        all_failures = import_module("flufl.bounce").all_failures
    except ImportError:
        return None

    def judge(mail: Message) -> bool | None:
        temporary, permanent = all_failures(mail)
        if permanent:
            return True
        return False if temporary else None

    return judge
