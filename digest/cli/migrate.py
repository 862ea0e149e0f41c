"""`digest migrate`: bring the database's tables up to this program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from digest.cli import session
from digest.cli.say import JsonOption, say, say_json

if TYPE_CHECKING:
    from digest.config import Settings


@dataclass(frozen=True, slots=True)
class Migrated:
    place: str
    before: str | None
    now: str


def migrate(json: JsonOption = False) -> None:
    """Bring the database up to this version of the program; does nothing if it is."""
    done = migrated(session.settings())
    if json:
        say_json({"database": done.place, "before": done.before, "now": done.now})
    elif done.before == done.now:
        say(f"{done.place} is up to date ({done.now}).")
    else:
        say(f"{done.place}: {done.before or 'empty'} -> {done.now}.")


def migrated(settings: Settings) -> Migrated:
    """Migrate the configured database; raises SchemaError if it is newer than the program."""
    from digest.store.database import Database
    from digest.store.schema import migrate as bring_up

    database = Database(settings.database.url.get_secret_value())
    try:
        found = bring_up(database)
    finally:
        database.dispose()
    return Migrated(database.place, found.current, found.head)
