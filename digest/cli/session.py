"""What every command starts from: the configuration, and the application it opens.

The only place of the command line that holds state: the file named with `--config`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # both import the database and the models; `digest --help` needs neither
    from digest.config import Settings
    from digest.wiring import App

config_file: Path | None = None


def settings() -> Settings:
    """The checked configuration; raises ConfigError."""
    from digest.config import load

    return load(config_file)


@contextmanager
def opened() -> Iterator[App]:
    """The application over the configured database, closed at the end."""
    from digest.wiring import open_app

    with open_app(settings()) as app:
        yield app
