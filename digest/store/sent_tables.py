"""The tables of what was sent: to whom which papers, and which papers to anybody at all.

As in `digest.store.tables`, rows hold no policy.
"""

from sqlmodel import Field, SQLModel

from digest.store.tables import BigKey, table

__all__ = ["SentPaperRow", "SentRow", "table"]


class SentRow(SQLModel, table=True):
    """What one digest told its subscriber of: never again, but as a revision.

    It outlives the digest, for ever, and goes with the subscriber. That a paper is in one row of a
    subscriber's only is kept by who writes it (see `digest.store.sent`).
    """

    __tablename__ = "sent"
    __table_args__ = ({"sqlite_with_rowid": False},)
    subscriber_id: int = Field(
        primary_key=True, foreign_key="subscriber.id", ondelete="CASCADE", sa_type=BigKey
    )
    fetch_upto: int = Field(primary_key=True, sa_type=BigKey)  #: no paper of it was brought later
    digest_id: int = Field(primary_key=True, sa_type=BigKey)  #: dangles once that is purged
    papers: str  #: see `digest.store.packing`


class SentPaperRow(SQLModel, table=True):
    """A paper that somebody was sent, be it once: it keeps its row and its keys."""

    __tablename__ = "sent_paper"
    paper_id: int = Field(
        primary_key=True, sa_type=BigKey, sa_column_kwargs={"autoincrement": False}
    )
