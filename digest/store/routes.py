"""How each account fares, remembered for all processes; `digest.delivery.pausing` is the policy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final

import sqlalchemy as sa

from digest.model import RouteHealth
from digest.store.database import Database, insert_into
from digest.store.post_tables import RouteRow
from digest.store.tables import table

_route: Final = table(RouteRow)


class RouteStore:
    """The accounts that were ever used."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def health(self, name: str) -> RouteHealth:
        with self._database.read() as connection:
            row = connection.execute(sa.select(_route).where(_route.c.name == name)).one_or_none()
        return RouteHealth(name) if row is None else _value(row)

    def listed(self) -> list[RouteHealth]:
        with self._database.read() as connection:
            return [_value(row) for row in connection.execute(sa.select(_route).order_by("name"))]

    def change(
        self, name: str, change: Callable[[RouteHealth], RouteHealth]
    ) -> tuple[RouteHealth, RouteHealth]:
        """Apply a pure change; the health before and after it, of one transaction."""
        with self._database.write() as connection:
            fresh = {"name": name, "failures": 0, "fault": ""}
            connection.execute(
                insert_into(connection, _route).values(fresh).on_conflict_do_nothing()
            )
            held = sa.select(_route).where(_route.c.name == name).with_for_update()
            before = _value(connection.execute(held).one())
            after = change(before)
            connection.execute(sa.update(_route).where(_route.c.name == name).values(asdict(after)))
        return before, after


def _value(row: sa.Row[Any]) -> RouteHealth:
    return RouteHealth(**row._asdict())
