"""Reports of mail systems that keep to no standard, by flufl.bounce (the `bounces` extra).

Only whether a delivery failed is asked of it, never for whom.
"""

from __future__ import annotations

from email.message import Message
from importlib import import_module
from importlib.util import find_spec

from digest.delivery.bounce_reports import Dialect


def known_dialects() -> Dialect | None:
    """A judge of unusual reports, loaded with the first; None where flufl.bounce is missing."""
    try:
        is_there = find_spec("flufl.bounce") is not None
    except ImportError:  # of what it lies in
        is_there = False
    if not is_there:
        return None

    def judge(mail: Message) -> bool | None:
        temporary, permanent = import_module("flufl.bounce").all_failures(mail)
        if permanent:
            return True
        return False if temporary else None

    return judge
