"""When a source is to be asked next: its own rhythm, and sooner after an answer that was not whole.

Pure. It goes by the stored fetches, so a restart asks nobody twice and two schedulers agree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Final

from digest.model import PastFetch

SOON: Final = timedelta(minutes=10)  #: after a first answer that was stale, partial or none
SETTLED: Final = timedelta(minutes=10)  #: after an announcement's hour, until it is likely out


def next_ask(
    history: Sequence[PastFetch],
    *,
    every: timedelta,
    now: datetime,
    announcement: datetime | None = None,
) -> datetime:
    """When to ask again; `history` newest first, `announcement` the next one that is foreseen.

    After answers that were not whole in a row the pause doubles, up to the usual rhythm. A fetch of
    the future was dated by a clock that has since been set back, and counts for nothing.
    """
    past = [fetch for fetch in history if fetch.at <= now]
    if not past:
        return now
    last = past[0].at
    failed = sum(1 for _ in takewhile(lambda one: not one.verdict.moves_watermark, past))
    pause = every if not failed else min(every, SOON * 2 ** min(failed - 1, 16))
    usual = last + pause
    if announcement is not None and last < announcement:
        return min(usual, max(announcement + SETTLED, last + min(SOON, every)))
    return usual


def is_behind(
    asked: Mapping[str, datetime], rhythms: Mapping[str, timedelta], now: datetime
) -> bool:
    """Whether a source missed a whole round, as after downtime; `asked` tells when each was."""
    return any(
        name not in asked or now - asked[name] > 2 * every for name, every in rhythms.items()
    )
