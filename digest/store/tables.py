"""The SQLModel tables, one class a table; what they keep and which constraint keeps it.

Guarantee 2 (nobody twice, nobody missed) rests on UNIQUE(subscriber_id, local_date) of `digest` and
UNIQUE(digest_id, channel, address) of `delivery`; guarantee 4 (a paper once) on `paper_alias.key`
and on what `digest.store.sent` says; recovery on `delivery.claimed_until`. Rows hold no policy;
values are checked where they enter (`digest.subscriptions`, `digest.sources`). Queries name their
joins.
"""

import datetime as dt
from typing import Any, Literal, cast

import sqlalchemy as sa
from sqlalchemy import types
from sqlmodel import Field, SQLModel

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(types.TypeDecorator[dt.datetime]):
    """Aware UTC datetimes on every engine; refuses naive values, converts every other zone."""

    impl = types.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(
        self, value: dt.datetime | None, dialect: sa.Dialect
    ) -> dt.datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r} must not reach the database")
        value = value.astimezone(dt.UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(
        self, value: dt.datetime | None, dialect: sa.Dialect
    ) -> dt.datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


# 64-bit keys on PostgreSQL; SQLite's rowid alias needs INTEGER.
BigKey = cast(Any, sa.BigInteger().with_variant(sa.Integer(), "sqlite"))

OnDelete = Literal["CASCADE", "SET NULL", "RESTRICT"]


def _id() -> Any:
    return Field(default=None, primary_key=True, sa_type=BigKey)


def _ref(target: str, *, ondelete: OnDelete = "CASCADE", **options: Any) -> Any:
    return Field(foreign_key=target, ondelete=ondelete, sa_type=BigKey, **options)


def _when(**options: Any) -> Any:
    return Field(sa_type=UtcDateTime, **options)


def _json(**options: Any) -> Any:
    return Field(sa_type=sa.JSON, **options)


def table(row: type[SQLModel]) -> sa.Table:
    """The Core table behind a row class, for the hot paths."""
    return SQLModel.metadata.tables[str(row.__tablename__)]


# SQLite gives a deleted row's id to the next row unless told not to; an id that once stood in a
# signed link, a Message-ID or a window must never name something else.
_NEVER_REUSED = {"sqlite_autoincrement": True}


# --- the world ----------------------------------------------------------------------------------


class RunRow(SQLModel, table=True):
    """One edition: its report, kept for `digest runs` and the operator's pages."""

    __tablename__ = "run"
    id: int | None = _id()
    started_at: dt.datetime = _when(index=True)
    finished_at: dt.datetime | None = _when(default=None)
    report: dict[str, Any] = _json(default_factory=dict)


class SourceRow(SQLModel, table=True):
    """What a source told us to remember; moves only on success."""

    __tablename__ = "source"
    name: str = Field(primary_key=True)
    kind: str
    state: dict[str, str] = _json(default_factory=dict)
    watermark: dt.datetime | None = _when(default=None)  #: everything up to here is in
    last_success_at: dt.datetime | None = _when(default=None)
    failures: int = 0  #: in a row


class FetchRow(SQLModel, table=True):
    """One source fetched once: the source's health history, and the unit windows are counted in."""

    __tablename__ = "fetch"
    __table_args__ = _NEVER_REUSED
    id: int | None = _id()
    run_id: int | None = _ref("run.id", ondelete="SET NULL", default=None, nullable=True)
    source: str = Field(index=True)
    at: dt.datetime = _when(index=True)
    seconds: float = 0.0
    verdict: str
    listings: int = 0
    new_papers: int = 0
    new_sightings: int = 0
    detail: str = ""  #: one honest line


class PaperRow(SQLModel, table=True):
    """The merged work. `title_key` finds near-equal titles; `announced_on` dates the archive."""

    __tablename__ = "paper"
    __table_args__ = (
        # The archive's lists are read from this alone: a day in its order, without the papers.
        sa.Index("ix_paper_announced_on_votes_id", "announced_on", "votes", "id"),
        _NEVER_REUSED,
    )
    id: int | None = _id()
    key: str = Field(unique=True)
    title: str
    title_key: str = Field(index=True)
    abstract: str = ""
    authors: list[str] = _json(default_factory=list)
    categories: list[str] = _json(default_factory=list)
    arxiv: str | None = None
    doi: str | None = None
    pmid: str | None = None
    url: str | None = None
    abstract_url: str | None = None
    pdf_url: str | None = None
    discussion_url: str | None = None
    announced_on: dt.date
    published_at: dt.datetime | None = _when(default=None)
    version: int | None = None
    votes: int | None = None
    comments: int | None = None
    submitter: str | None = None
    organisation: str | None = None
    note: str = ""
    fetch_id: int = _ref("fetch.id", ondelete="RESTRICT", index=True)  #: the fetch that brought it


class PaperAliasRow(SQLModel, table=True):
    """Every key under which a paper is known; one paper a key."""

    __tablename__ = "paper_alias"
    key: str = Field(primary_key=True)
    paper_id: int = _ref("paper.id", index=True)


class SightingRow(SQLModel, table=True):
    """One listing remembered. A sighting's fetch decides which windows it falls in."""

    __tablename__ = "sighting"
    __table_args__ = (
        sa.UniqueConstraint("paper_id", "source", "announcement", "version"),
        sa.Index("ix_sighting_fetch_id_paper_id", "fetch_id", "paper_id"),
    )
    id: int | None = _id()
    paper_id: int = _ref("paper.id")
    fetch_id: int = _ref("fetch.id", ondelete="RESTRICT")
    source: str
    announcement: str
    version: int = 0  #: 0 where the source has no versions (NULLs would escape the constraint)
    announced_at: dt.datetime = _when(index=True)


class PaperVectorRow(SQLModel, table=True):
    """One paper's vectors under one model, float16, C order, shape (rows, dimensions)."""

    __tablename__ = "paper_vector"
    paper_id: int = _ref("paper.id", primary_key=True)
    model: str = Field(primary_key=True)
    rows: int = 1
    data: bytes


# --- the readers --------------------------------------------------------------------------------


class SubscriberRow(SQLModel, table=True):
    """An address, a schedule, a state. `next_due_at` is the schedule the scheduler asks for."""

    __tablename__ = "subscriber"
    __table_args__ = (
        sa.Index("ix_subscriber_state_next_due_at", "state", "next_due_at"),
        _NEVER_REUSED,
    )
    id: int | None = _id()
    email: str = Field(unique=True)  #: normalised
    name: str = ""
    state: str
    state_reason: str = ""
    timezone: str = "UTC"
    cadence: str
    hour: int = 7
    minute: int = 0
    weekday: int = 0
    monthday: int = 1
    limit: int = 12
    language: str = "en"
    style: str = "full"
    trending: int = 0
    revisions: bool = False
    send_empty: bool = False
    muted_authors: list[str] = _json(default_factory=list)
    muted_words: list[str] = _json(default_factory=list)
    created_at: dt.datetime = _when()
    confirmed_at: dt.datetime | None = _when(default=None)
    paused_until: dt.datetime | None = _when(default=None)
    away_since: dt.datetime | None = _when(default=None)
    next_due_at: dt.datetime | None = _when(default=None)
    seen_upto: int | None = Field(default=None, sa_type=BigKey)
    mail: bool = True
    feed_generation: int = 0  #: private feed addresses of earlier ones are revoked
    wants: str | None = None  #: the interests' ids and keys; see `store.interests`


class InterestRow(SQLModel, table=True):
    __tablename__ = "interest"
    __table_args__ = (sa.UniqueConstraint("subscriber_id", "name"), _NEVER_REUSED)
    id: int | None = _id()
    subscriber_id: int = _ref("subscriber.id")
    position: int = 0
    name: str
    query: str = ""
    statement: str = ""
    authors: list[str] = _json(default_factory=list)
    limit: int | None = None
    daily_volume: float | None = None
    combine: str = "any"
    paused: bool = False


class ExampleRow(SQLModel, table=True):
    """A paper an interest learns from, kept by title and abstract so that it outlives retention."""

    __tablename__ = "example"
    id: int | None = _id()
    interest_id: int = _ref("interest.id", index=True)
    paper_id: int | None = _ref("paper.id", ondelete="SET NULL", default=None, nullable=True)
    title: str
    abstract: str = ""
    positive: bool = True


class FeedbackRow(SQLModel, table=True):
    """What a subscriber said of a paper; the newest word counts."""

    __tablename__ = "feedback"
    __table_args__ = (sa.UniqueConstraint("subscriber_id", "paper_id"),)
    id: int | None = _id()
    subscriber_id: int = _ref("subscriber.id")
    paper_id: int = _ref("paper.id")
    verdict: str  #: up or down
    at: dt.datetime = _when()


class SuppressionRow(SQLModel, table=True):
    """Addresses that must never be written to, as salted hashes; always wins."""

    __tablename__ = "suppression"
    address_hash: str = Field(primary_key=True)
    reason: str
    at: dt.datetime = _when()
    expires_at: dt.datetime | None = _when(default=None)


# --- the digests --------------------------------------------------------------------------------


class DigestRow(SQLModel, table=True):
    """One subscriber's issue, as a small document (see `digest.store.documents`)."""

    __tablename__ = "digest"
    __table_args__ = (sa.UniqueConstraint("subscriber_id", "local_date"), _NEVER_REUSED)
    id: int | None = _id()
    subscriber_id: int = _ref("subscriber.id")
    run_id: int | None = _ref("run.id", ondelete="SET NULL", default=None, nullable=True)
    local_date: dt.date
    composed_at: dt.datetime = _when(index=True)
    fetch_after: int = Field(sa_type=BigKey)  #: window, in fetches: after this one …
    fetch_upto: int = Field(sa_type=BigKey)  #: … up to and with this one
    papers: int
    document: dict[str, Any] = _json()


class SkipRow(SQLModel, table=True):
    """A due digest that was not made, and why."""

    __tablename__ = "skip"
    __table_args__ = (sa.UniqueConstraint("subscriber_id", "local_date"),)
    id: int | None = _id()
    subscriber_id: int = _ref("subscriber.id")
    run_id: int | None = _ref("run.id", ondelete="SET NULL", default=None, nullable=True)
    local_date: dt.date
    at: dt.datetime = _when(index=True)
    reason: str
    detail: str = ""


# Partial indexes keep the queue small however long the history: written out as literals, because
# neither engine uses one for a query whose values it learns only at run time.
WAITING = "state IN ('queued', 'deferred')"
HELD = "state = 'sending'"
SETTLED = "settled_at IS NOT NULL"
# Alternatives and no IN: of more than two values SQLite would build a list anew for every row.
FAILED = "state = 'refused' OR state = 'uncertain' OR state = 'expired' OR state = 'cancelled'"


def _only(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


class DeliveryRow(SQLModel, table=True):
    """One digest, one channel, one address. The outbox is the rows not yet settled."""

    __tablename__ = "delivery"
    __table_args__ = (
        sa.UniqueConstraint("digest_id", "channel", "address"),
        sa.Index("ix_delivery_waiting", "channel", "next_attempt_at", **_only(WAITING)),
        sa.Index("ix_delivery_held", "claimed_by", **_only(HELD)),
        sa.Index("ix_delivery_failed", "state", "id", **_only(FAILED)),
        sa.Index("ix_delivery_settled", "settled_at", "state", **_only(SETTLED)),
        _NEVER_REUSED,
    )
    id: int | None = _id()
    digest_id: int = _ref("digest.id")
    subscriber_id: int = _ref("subscriber.id", index=True)
    channel: str
    address: str
    state: str
    created_at: dt.datetime = _when()
    attempts: int = 0
    next_attempt_at: dt.datetime = _when()
    expires_at: dt.datetime | None = _when(default=None)
    claims: int = 0  #: numbers the claims: only the newest may settle
    doubts: int = 0  #: answers to end-of-data that were lost
    part: int = 0  #: posts of this digest that have arrived
    claimed_by: str | None = None
    claimed_until: dt.datetime | None = _when(default=None)
    settled_at: dt.datetime | None = _when(default=None)
    code: int | None = None
    reply: str = ""


class AttemptRow(SQLModel, table=True):
    """A try that did not settle its delivery; the one that did is told by the delivery's row."""

    __tablename__ = "attempt"
    id: int | None = _id()
    delivery_id: int = _ref("delivery.id", index=True)
    at: dt.datetime = _when(index=True)
    result: str
    code: int | None = None
    reply: str = ""


class LeaseRow(SQLModel, table=True):
    """Who may do a thing of which there must be one (ingest), and until when."""

    __tablename__ = "lease"
    name: str = Field(primary_key=True)
    holder: str
    expires_at: dt.datetime = _when()


class RateRow(SQLModel, table=True):
    """How often something was asked for in the current window; `key` names no address in clear."""

    __tablename__ = "rate"
    key: str = Field(primary_key=True)
    since: dt.datetime = _when(index=True)
    count: int = 0
