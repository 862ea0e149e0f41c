"""A throwaway PostgreSQL for one test session: initdb in a temporary folder, Unix socket only.

Durability is off (fsync), everything else as shipped. Tests borrow databases cloned from a template
that was migrated once. PostgreSQL refuses to run as root, so root starts it as another user.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
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
    """A running server. `lend` gives the URL of an empty, migrated database, `give_back` ends it.

    Deleting rows takes a hundredth of the time of cloning a database, so a database that still has
    the template's shape is emptied and lent again.
    """

    folder: Path
    admin: psycopg.Connection
    shape: str = ""
    process: subprocess.Popen[bytes] | None = None
    _free: list[str] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)

    def url(self, name: str) -> str:
        return f"postgresql://postgres@/{name}?host={self.folder}"

    def stop(self, *, hard: bool = False) -> None:
        """End the server at once: politely to its clients, or as a crash would."""
        assert self.process is not None
        self.admin.close()
        self.process.send_signal(signal.SIGQUIT if hard else signal.SIGINT)
        self.process.wait(timeout=30)

    def start(self) -> None:
        """Start the server again; it recovers what it must."""
        self.process = _start(self.folder, _owner(self.folder))
        self.admin = _connect(self.folder, self.process)

    def make_durable(self, url: str) -> None:
        """Let one database's commits outlive a crash of the server, as they do where it matters."""
        name = url.split("?")[0].rsplit("/", 1)[1]
        self.admin.execute(f"ALTER DATABASE {name} SET synchronous_commit = on".encode())

    def lend(self) -> str:
        return self._free.pop() if self._free else self._create(TEMPLATE)

    def give_back(self, url: str) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(_OTHERS)
            fits = _shape(connection) == self.shape
            if fits:
                connection.execute(_EMPTY)
        if fits:
            self._free.append(url)
        else:
            self._drop(url)

    def empty(self) -> str:
        """A database without any table."""
        return self._create("template0")

    def _create(self, template: str) -> str:
        name = f"test_{next(self._numbers)}"
        self.admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        return self.url(name)

    def _drop(self, url: str) -> None:
        name = url.split("?")[0].rsplit("/", 1)[1]
        self.admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())


_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_SHAPE = """
SELECT (SELECT version_num FROM alembic_version)
    || string_agg(relname || attname || atttypid, ',' ORDER BY relname, attnum)
FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
WHERE relnamespace = 'public'::regnamespace
"""
_EMPTY = """
DO $$ DECLARE name text; BEGIN
    SET LOCAL session_replication_role = replica;
    FOR name IN SELECT tablename FROM pg_tables
        WHERE schemaname = 'public' AND tablename <> 'alembic_version'
    LOOP EXECUTE format('DELETE FROM %I', name); END LOOP;
    PERFORM setval(oid::regclass, 1, false) FROM pg_class
        WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace;
END $$
"""


def _shape(connection: psycopg.Connection) -> str:
    """Every table's columns, and the schema's version."""
    try:
        row = connection.execute(_SHAPE).fetchone()
    except psycopg.Error:
        return "another"
    return str(row[0]) if row else "another"


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
        server = Postgres(folder, _connect(folder, process), process=process)
        try:
            _make_template(server)
            yield server
        finally:
            server.stop()


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
    with psycopg.connect(server.url(TEMPLATE)) as connection:
        server.shape = _shape(connection)
