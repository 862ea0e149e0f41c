"""The table of lines: what many digests say of one paper in the same words, stored once.

As in `digest.store.tables`, rows hold no policy.
"""

import datetime as dt

from sqlmodel import Field, SQLModel

from digest.store.tables import BigKey, UtcDateTime, table

__all__ = ["LineRow", "table"]


class LineRow(SQLModel, table=True):
    """A line that digests composed at one instant share, and name by its number.

    It is nobody's own (see `digest.store.documents`), so it points at nobody; it is kept as long
    as a digest of its instant.
    """

    __tablename__ = "digest_line"
    __table_args__ = ({"sqlite_autoincrement": True},)  # what a document names is never another
    id: int | None = Field(default=None, primary_key=True, sa_type=BigKey)
    at: dt.datetime = Field(sa_type=UtcDateTime, index=True)  #: `composed_at` of those digests
    text: str
