"""The tables about the post: what came back, how the ways out are, and what they may still send.

As in `digest.store.tables`, rows hold no policy. UNIQUE(`key`) of `bounce` makes an event that is
told twice (a webhook repeated, a mailbox read again after a kill) count once, and `judged` is the
queue of events that the policy has not seen yet: a kill between the two loses nothing.
"""

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from digest.store.tables import BigKey, UtcDateTime, table

__all__ = ["BounceRow", "BudgetRow", "RouteRow", "table"]

# A literal, as in `tables`: the index holds only what waits.
UNJUDGED = "judged = false"


class BounceRow(SQLModel, table=True):
    """One event that came back for one delivery: a bounce, a delay, a complaint."""

    __tablename__ = "bounce"
    __table_args__ = (
        sa.Index(
            "ix_bounce_unjudged",
            "subscriber_id",
            sqlite_where=sa.text(UNJUDGED),
            postgresql_where=sa.text(UNJUDGED),
        ),
        {"sqlite_autoincrement": True},
    )
    id: int | None = Field(default=None, primary_key=True, sa_type=BigKey)
    key: str = Field(unique=True)  #: names the event, whoever tells it
    subscriber_id: int = Field(
        foreign_key="subscriber.id", ondelete="CASCADE", sa_type=BigKey, index=True
    )
    delivery_id: int = Field(sa_type=BigKey)  #: may have been purged since
    at: dt.datetime = Field(sa_type=UtcDateTime, index=True)
    kind: str
    origin: str  #: smtp, mailbox, or the provider's name
    status: str = ""  #: RFC 3463, or the reply code
    detail: str = ""
    judged: bool = False


class RouteRow(SQLModel, table=True):
    """One account or other way out: since when it is used, and how it fares."""

    __tablename__ = "route"
    name: str = Field(primary_key=True)
    first_used_at: dt.datetime | None = Field(default=None, sa_type=UtcDateTime)  #: warm-up
    failures: int = 0  #: in a row
    failing_since: dt.datetime | None = Field(default=None, sa_type=UtcDateTime)
    paused_at: dt.datetime | None = Field(default=None, sa_type=UtcDateTime)
    probe_at: dt.datetime | None = Field(default=None, sa_type=UtcDateTime)  #: next try by itself
    fault: str = ""


class BudgetRow(SQLModel, table=True):
    """What was sent under one key of late, in cells of time (see `digest.delivery.rates`)."""

    __tablename__ = "budget"
    key: str = Field(primary_key=True)  #: names no address in clear
    cells: dict[str, Any] = Field(default_factory=dict, sa_type=sa.JSON)
    at: dt.datetime = Field(sa_type=UtcDateTime, index=True)
