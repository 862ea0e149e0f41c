from __future__ import annotations

import sqlalchemy as sa

from digest.store.database import Database


def test_reads_what_was_written(database: Database) -> None:
    with database.write() as connection:
        connection.execute(sa.text("CREATE TABLE t (n INTEGER)"))
        connection.execute(sa.text("INSERT INTO t VALUES (7)"))
    with database.read() as connection:
        assert connection.scalar(sa.text("SELECT n FROM t")) == 7
