"""What every command starts from: the configuration, and the application it opens.

The only place of the command line that holds state: the file named with `--config`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # both import the database and the models; `digest --help` needs neither
    from digest.config import Settings
    from digest.store.database import Database
    from digest.subscriptions import Subscriptions
    from digest.wiring import App

config_file: Path | None = None


def calculate_alone() -> None:
    """Arithmetic in one thread, unless the environment says otherwise; before numpy is loaded.

    Several threads for one page's or one interest's small arrays wait for one another longer than
    they work, and they take the processor from what sends beside them.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def settings() -> Settings:
    """The checked configuration; raises ConfigError."""
    from digest.config import load

    return load(config_file)


@contextmanager
def database(checked: Settings | None = None) -> Iterator[Database]:
    """The configured database alone, of the right schema, closed at the end."""
    from digest.store.database import Database
    from digest.store.revisions import require_current

    database = Database((checked or settings()).database.url.get_secret_value())
    try:
        require_current(database)
        yield database
    finally:
        database.dispose()


@contextmanager
def register() -> Iterator[Subscriptions]:
    """The subscribers alone, in half the time that the whole application takes to load."""
    from digest.subscriptions import Subscriptions, Usual

    checked = settings()
    with database(checked) as opened:
        yield Subscriptions(opened, keys=checked.signing_keys(), usual=Usual.of(checked))


@contextmanager
def opened() -> Iterator[App]:
    """The application over the configured database, closed at the end."""
    from digest import memory

    with memory.making_much():  # a tenth of the start went into looking for garbage
        from digest.wiring import open_app

    with open_app(settings()) as app:
        yield app
