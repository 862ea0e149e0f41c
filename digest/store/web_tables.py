"""The tables of the doors: who may use the API.

As in `digest.store.tables`, rows hold no policy. UNIQUE(`secret_hash`) makes a secret one token's;
a subscriber's tokens go with them.
"""

import datetime as dt

from sqlmodel import Field, SQLModel

from digest.store.tables import BigKey, UtcDateTime, table

__all__ = ["ApiTokenRow", "table"]


class ApiTokenRow(SQLModel, table=True):
    """One token; of its secret only the SHA-256 is kept, and how it begins."""

    __tablename__ = "api_token"
    __table_args__ = {"sqlite_autoincrement": True}
    id: int | None = Field(default=None, primary_key=True, sa_type=BigKey)
    name: str
    secret_hash: str = Field(unique=True)
    hint: str
    scopes: str  #: apart by spaces, as in RFC 6750 §3
    subscriber_id: int | None = Field(  #: none: the operator's
        default=None, foreign_key="subscriber.id", ondelete="CASCADE", sa_type=BigKey, index=True
    )
    created_at: dt.datetime = Field(sa_type=UtcDateTime)
    expires_at: dt.datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_used_at: dt.datetime | None = Field(default=None, sa_type=UtcDateTime)
    revoked_at: dt.datetime | None = Field(default=None, sa_type=UtcDateTime)
