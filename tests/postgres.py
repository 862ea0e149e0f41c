"""A throwaway PostgreSQL for one test session: initdb in a temporary folder, Unix socket only.

Durability is off (fsync), everything else as shipped. Tests get databases cloned from a template
that was migrated once. PostgreSQL refuses to run as root, so root starts it as another user.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

from digest.store.database import Database
from digest.store.schema import migrate

TEMPLATE = "digest_template"


@dataclass
class Postgres:
    """A running server; `create` gives the URL of a fresh, migrated database."""

    folder: Path
    admin: psycopg.Connection
    numbers: Iterator[int] = field(default_factory=count)

    def url(self, name: str) -> str:
        return f"postgresql://postgres@/{name}?host={self.folder}"

    def create(self, template: str = TEMPLATE) -> str:
        name = f"test_{next(self.numbers)}"
        self.admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        return self.url(name)

    def drop(self, url: str) -> None:
        name = url.split("?")[0].rsplit("/", 1)[1]
        self.admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())

    def empty(self) -> str:
        """A database without any table."""
        return self.create("template0")


def missing() -> str | None:
    """Why no server can be started here, or None."""
    return None if _binary("initdb") and _binary("postgres") else "PostgreSQL is not installed"


@contextmanager
def running() -> Iterator[Postgres]:
    """Start a server, migrate its template, stop and delete it on leaving."""
    with tempfile.TemporaryDirectory(prefix="digest-pg-") as name:
        folder = Path(name)
        owner = _owner(folder)
        _initdb(folder / "data", owner)
        process = _start(folder, owner)
        try:
            with _connect(folder, process) as admin:
                server = Postgres(folder, admin)
                _make_template(server)
                yield server
        finally:
            process.terminate()
            process.wait(timeout=30)


def _binary(name: str) -> str | None:
    homes = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    path = os.pathsep.join((*map(str, homes), os.environ.get("PATH", "")))
    return shutil.which(name, path=path)


def _owner(folder: Path) -> dict[str, Any]:
    """Popen's user arguments, and `folder` handed to that user."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _initdb(data: Path, owner: dict[str, Any]) -> None:
    command = [_binary("initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8"]
    result = subprocess.run(
        [str(part) for part in (*command, "--locale=C")],
        capture_output=True, text=True, cwd=data.parent, check=False, **owner,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr


def _start(folder: Path, owner: dict[str, Any]) -> subprocess.Popen[bytes]:
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(folder),
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "max_connections": "200",
        "shared_buffers": "64MB",
    }
    options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [str(_binary("postgres")), "-D", str(folder / "data"), *options],
            stdout=log, stderr=log, cwd=folder, **owner,
        )  # fmt: skip


def _connect(folder: Path, process: subprocess.Popen[bytes]) -> psycopg.Connection:
    for _ in range(300):
        try:
            return psycopg.connect(
                host=str(folder), user="postgres", dbname="postgres", autocommit=True
            )
        except psycopg.OperationalError:
            assert process.poll() is None, (folder / "log").read_text()
            time.sleep(0.1)
    raise TimeoutError("PostgreSQL did not start within 30 s")


def _make_template(server: Postgres) -> None:
    server.admin.execute(f"CREATE DATABASE {TEMPLATE}".encode())
    database = Database(server.url(TEMPLATE))
    migrate(database)
    database.dispose()
