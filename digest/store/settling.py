"""Settling: what became of claimed deliveries, committed in the caller's transaction.

Only the newest claim of a row may settle it: what a worker says of an older one changes nothing.
What else a settlement means goes with it, all or nothing: the try in the log, the bounce, the next
part of a digest in parts, the channel that is gone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from digest.model import DeliveryId, DeliveryState, Result, Settlement
from digest.store import bulk
from digest.store.bounces import record
from digest.store.channels import disable_refused
from digest.store.tables import HELD, AttemptRow, DeliveryRow, UtcDateTime, table

_delivery = table(DeliveryRow)
_attempt = table(AttemptRow)
_ACCEPTED, _UNCERTAIN = Result.ACCEPTED, Result.UNCERTAIN
_IS_HELD: Final = sa.text(f"delivery.{HELD}")  # written out, for the partial index

# The hottest statements of all: written out, because the expression language spends more time on a
# row's parameters than SQLite on the row.
_SETTLED: Final = """
    UPDATE delivery SET state = ?, code = ?, reply = ?, doubts = doubts + ?, settled_at = ?,
        attempts = attempts + 1, claimed_by = NULL, claimed_until = NULL
    WHERE claims = ? AND state = 'sending'
"""
_TOGETHER: Final = 32  #: rows of which the same was told: half of what each by itself costs
_SETTLE_SQLITE: Final = f"{_SETTLED} AND id = ?"
_SETTLE_ALIKE_SQLITE: Final = f"{_SETTLED} AND id IN ({', '.join('?' * _TOGETHER)})"
_SETTLE_POSTGRES: Final = """
    UPDATE delivery SET state = told.state, code = told.code, reply = told.reply,
        doubts = doubts + told.doubt, attempts = attempts + 1,
        claimed_by = NULL, claimed_until = NULL, settled_at = told.at
    FROM unnest(%s::text[], %s::int[], %s::text[], %s::int[], %s::timestamptz[],
                %s::int[], %s::bigint[]) AS told (state, code, reply, doubt, at, claim, id)
    WHERE delivery.id = told.id AND delivery.claims = told.claim AND delivery.state = 'sending'
"""
_DEFER: Final = (
    sa.update(_delivery)
    .where(
        _delivery.c.id == sa.bindparam("which"),
        _delivery.c.claims == sa.bindparam("claim"),
        _IS_HELD,
    )
    .values(
        state=DeliveryState.DEFERRED.value,
        next_attempt_at=sa.bindparam("again", type_=UtcDateTime),
        attempts=_delivery.c.attempts + 1,
        doubts=_delivery.c.doubts + sa.bindparam("doubt", type_=sa.Integer),
        code=sa.bindparam("told_code"),
        reply=sa.bindparam("told"),
        claimed_by=None,
        claimed_until=None,
    )
)


_NEXT_PART: Final = (
    sa.update(_delivery)
    .where(
        _delivery.c.id == sa.bindparam("which"),
        _delivery.c.claims == sa.bindparam("claim"),
        _IS_HELD,
    )
    .values(
        state=DeliveryState.QUEUED.value,
        next_attempt_at=sa.bindparam("again", type_=UtcDateTime),
        part=_delivery.c.part + 1,
        attempts=0,
        doubts=0,
        code=sa.bindparam("told_code"),
        reply=sa.bindparam("told"),
        claimed_by=None,
        claimed_until=None,
    )
)


#: What is told of a delivery: state, code, reply, whether it is in doubt, and by which claim.
_Told = tuple[DeliveryState, int | None, str, bool, int]


def settle(connection: sa.Connection, settlements: Sequence[Settlement], now: datetime) -> int:
    """Returns how many were still theirs to settle who say so."""
    final: defaultdict[_Told, list[DeliveryId]] = defaultdict(list)
    others, unwelcome = list[Settlement](), list[Settlement]()
    for one in settlements:
        delivery, outcome, decision, _bounce = one
        result = outcome.result
        if decision.retry_at is None:
            is_doubt = result is _UNCERTAIN
            told = decision.state, outcome.code, outcome.reply, is_doubt, delivery.claim
            final[told].append(delivery.id)
        else:
            others.append(one)
        if result is not _ACCEPTED:
            unwelcome.append(one)
    count = _settle_final(connection, final, now) if final else 0
    again = [one for one in others if one.decision.state is DeliveryState.DEFERRED]
    apart = [one for one in others if one.decision.state is DeliveryState.QUEUED]
    for statement, some in ((_DEFER, again), (_NEXT_PART, apart)):
        if some:
            count += connection.execute(statement, [_again_row(one) for one in some]).rowcount
            connection.execute(sa.insert(_attempt), [_attempt_row(one, now) for one in some])
    record(connection, unwelcome, now)
    disable_refused(connection, unwelcome, now)
    return count


def _settle_final(
    connection: sa.Connection, final: Mapping[_Told, Sequence[DeliveryId]], now: datetime
) -> int:
    at = bulk.stored(connection, now)
    alike = [
        ((str(state), code, reply, int(doubt), at, claim), ids)
        for (state, code, reply, doubt, claim), ids in final.items()
    ]
    if connection.dialect.name == "sqlite":
        return _settle_sqlite(connection, alike)
    columns = zip(*[(*told, id_) for told, ids in alike for id_ in ids], strict=True)
    return connection.exec_driver_sql(_SETTLE_POSTGRES, tuple(map(list, columns))).rowcount


def _settle_sqlite(
    connection: sa.Connection, alike: Sequence[tuple[tuple[Any, ...], Sequence[DeliveryId]]]
) -> int:
    """Those of which the same was told together, which is all the work that equal replies are."""
    alone, together = list[tuple[Any, ...]](), list[tuple[Any, ...]]()
    for told, ids in alike:
        end = len(ids) - len(ids) % _TOGETHER
        together += [(*told, *ids[at : at + _TOGETHER]) for at in range(0, end, _TOGETHER)]
        alone += [(*told, id_) for id_ in ids[end:]]
    changed = 0
    for statement, rows in ((_SETTLE_ALIKE_SQLITE, together), (_SETTLE_SQLITE, alone)):
        if rows:
            changed += connection.exec_driver_sql(statement, rows).rowcount
    return changed


def _again_row(one: Settlement) -> dict[str, Any]:
    return {
        "which": one.delivery.id,
        "claim": one.delivery.claim,
        "again": one.decision.retry_at,
        "doubt": int(one.outcome.result is Result.UNCERTAIN),
        "told_code": one.outcome.code,
        "told": one.outcome.reply,
    }


def _attempt_row(one: Settlement, now: datetime) -> dict[str, Any]:
    return {
        "delivery_id": one.delivery.id,
        "at": now,
        "result": one.outcome.result.value,
        "code": one.outcome.code,
        "reply": one.outcome.reply,
    }
