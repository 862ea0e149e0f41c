"""The values that travel the river, named by their stage.

    Window -> Listing -> Paper -> Match -> Digest -> Message -> Outcome

Pure vocabulary: frozen values and closed enums, no I/O, no policy. Rows live in `digest.store`;
how a value is found, scored, drawn or sent lives in the rooms that do it. All datetimes are aware
and in UTC; local time exists only in `digest.clock` and in templates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from functools import partial
from itertools import chain
from operator import add, itemgetter
from typing import Any, Final, NamedTuple, NewType, Self

PaperId = NewType("PaperId", int)  #: row id of a paper in the store
SubscriberId = NewType("SubscriberId", int)
InterestId = NewType("InterestId", int)
DigestId = NewType("DigestId", int)
DeliveryId = NewType("DeliveryId", int)
ChannelId = NewType("ChannelId", int)  #: of a subscriber's channel
ErrandId = NewType("ErrandId", int)
ApiTokenId = NewType("ApiTokenId", int)
FetchId = NewType("FetchId", int)  #: rises with every committed fetch; windows are counted in it


# --- sources ------------------------------------------------------------------------------------


class Announcement(StrEnum):
    """How a source announced a paper (arXiv's four announce types; others say NEW)."""

    NEW = "new"
    CROSS = "cross"
    REPLACEMENT = "replace"
    REPLACEMENT_CROSS = "replace-cross"

    @property
    def is_revision(self) -> bool:
        return self in (Announcement.REPLACEMENT, Announcement.REPLACEMENT_CROSS)


class Verdict(StrEnum):
    """What one fetch says of a source's health, judged from ids and counts."""

    FRESH = "fresh"  #: papers never seen before
    QUIET = "quiet"  #: answered, nothing new, and that is usual for this source today
    HOLIDAY = "holiday"  #: the source announces nothing on this day
    STALE = "stale"  #: answered with yesterday's papers on a day it should have new ones
    PARTIAL = "partial"  #: some pages or entries are missing
    UNREACHABLE = "unreachable"  #: no answer, or an answer that says "later"
    BROKEN = "broken"  #: an answer that cannot be read

    @property
    def is_failure(self) -> bool:
        return self in (Verdict.UNREACHABLE, Verdict.BROKEN)

    @property
    def moves_watermark(self) -> bool:
        return self in (Verdict.FRESH, Verdict.QUIET, Verdict.HOLIDAY)


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open span of time `[since, until)` that a source is asked about, aware UTC."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class PaperIds:
    """Every identifier one listing gives its paper, already canonical (see `digest.text`).

    arxiv: without version, e.g. `2508.13426` or `astro-ph/0601001`. doi: lower case, no prefix.
    pmid: digits. url: canonical http(s) URL.
    """

    arxiv: str | None = None
    doi: str | None = None
    pmid: str | None = None
    url: str | None = None

    def keys(self) -> tuple[str, ...]:
        """All keys, strongest first: `arxiv:…`, `doi:…`, `pmid:…`, `url:…`."""
        pairs = (("arxiv", self.arxiv), ("doi", self.doi), ("pmid", self.pmid), ("url", self.url))
        return tuple(f"{kind}:{value}" for kind, value in pairs if value)


@dataclass(frozen=True, slots=True)
class Links:
    """Where a reader can go; every one http(s) or absent."""

    abstract: str | None = None
    pdf: str | None = None
    discussion: str | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """One sighting of one paper in one source, as announced; all text already clean.

    `announced_at` is when the source listed it, `published_at` when the work first appeared.
    `votes` and `comments` are None where the source has no such thing.
    """

    source: str
    ids: PaperIds
    title: str
    abstract: str = ""
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    announcement: Announcement = Announcement.NEW
    version: int | None = None
    announced_at: datetime | None = None
    published_at: datetime | None = None
    links: Links = Links()
    votes: int | None = None
    comments: int | None = None
    submitter: str | None = None
    organisation: str | None = None
    note: str = ""  #: the authors' own comment or the journal reference


@dataclass(frozen=True, slots=True)
class Fetched:
    """What one source gave for one window. The world's faults are values here, never exceptions.

    `state` is what the source wants to be handed next time (ETag, newest id, cursor: all strings);
    it is stored only when the verdict moves the watermark. `expected` is the count the remote
    system claimed, when it claims one. `entry_faults` names entries that were skipped, and why.
    """

    listings: tuple[Listing, ...] = ()
    state: Mapping[str, str] = field(default_factory=dict)
    fault: str | None = None  #: one sentence naming the place and the mend
    unreachable: bool = False  #: the fault is the network's or says "later"
    complete: bool = True
    not_modified: bool = False
    holiday: bool = False  #: the source itself says that it announces nothing today
    expected: int | None = None
    entry_faults: tuple[str, ...] = ()
    retry_after: float | None = None  #: seconds


@dataclass(frozen=True, slots=True)
class PastFetch:
    """One earlier fetch of a source, as its health history keeps it."""

    at: datetime
    verdict: Verdict
    listings: int
    new_papers: int


@dataclass(frozen=True, slots=True)
class Sighting:
    """Where and how a stored paper was announced."""

    source: str
    announcement: Announcement
    announced_at: datetime
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """What a paper says in one sentence, plain text on one line.

    `is_written`: by a machine; otherwise it is a sentence of the abstract, and the authors' own.
    """

    text: str
    is_written: bool = False


@dataclass(frozen=True, slots=True)
class Paper:
    """The merged work behind one or more listings."""

    id: PaperId
    key: str
    title: str
    abstract: str
    authors: tuple[str, ...]
    categories: tuple[str, ...]
    ids: PaperIds
    links: Links
    announced_on: date
    published_at: datetime | None = None
    version: int | None = None
    votes: int | None = None
    comments: int | None = None
    submitter: str | None = None
    organisation: str | None = None
    note: str = ""
    sightings: tuple[Sighting, ...] = ()
    summary: Summary | None = None  #: where one was asked for, and made

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(s.source for s in self.sightings))


# --- subscribers --------------------------------------------------------------------------------


class Cadence(StrEnum):
    DAILY = "daily"
    WEEKDAYS = "weekdays"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


class SubscriberState(StrEnum):
    PENDING = "pending"  #: asked for, not yet confirmed
    ACTIVE = "active"
    PAUSED = "paused"  #: by the subscriber, perhaps until a date
    SUSPENDED = "suspended"  #: by the bounce policy or the operator
    UNSUBSCRIBED = "unsubscribed"


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a subscriber wants the digest, in their own zone.

    `weekday` (0 = Monday) serves WEEKLY, `monthday` (1-31, cut to the month's end) MONTHLY.
    """

    timezone: str = "UTC"
    cadence: Cadence = Cadence.WEEKDAYS
    hour: int = 7
    minute: int = 0
    weekday: int = 0
    monthday: int = 1


@dataclass(frozen=True, slots=True)
class Example:
    """A paper the subscriber pointed at: wanted more of (`positive`) or less."""

    title: str
    abstract: str = ""
    positive: bool = True
    paper_id: PaperId | None = None


class Combine(StrEnum):
    """How an interest's keyword query and its similarity decide together."""

    ANY = "any"
    ALL = "all"


class Interest(NamedTuple):
    """One named thing a subscriber wants: keywords, a statement, examples, or any mix.

    `limit` caps papers a digest from this interest; `daily_volume` is "about five a day", from
    which the similarity threshold is calibrated (None: the installation's default).
    """

    id: InterestId
    name: str
    query: str = ""
    statement: str = ""
    examples: tuple[Example, ...] = ()
    authors: tuple[str, ...] = ()  #: followed authors
    limit: int | None = None
    daily_volume: float | None = None
    combine: Combine = Combine.ANY
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Mutes:
    """What a subscriber never wants to see, whatever matches."""

    authors: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


NO_MUTES: Final = Mutes()  #: of nearly everybody: one value, known at a look


class Addressee(NamedTuple):
    """What the bytes of a letter depend on of the one it is for."""

    id: SubscriberId
    name: str
    language: str
    style: str
    schedule: Schedule
    created_at: datetime
    interests: int  #: how many are active


class Subscriber(NamedTuple):
    """An address, a schedule, a state, and the profile made of interests."""

    id: SubscriberId
    email: str
    schedule: Schedule
    created_at: datetime
    name: str = ""
    state: SubscriberState = SubscriberState.ACTIVE
    limit: int = 12  #: papers a digest
    language: str = "en"
    trending: int = 0  #: papers in a trending section beside the interests; 0 for none
    revisions: bool = False  #: also announce new versions of papers already sent
    send_empty: bool = False  #: send a line even when nothing is new
    interests: tuple[Interest, ...] = ()
    mutes: Mutes = NO_MUTES
    next_due_at: datetime | None = None
    seen_upto: FetchId | None = None  #: the window of the last digest ended here
    style: str = "full"
    state_reason: str = ""
    confirmed_at: datetime | None = None
    paused_until: datetime | None = None
    away_since: datetime | None = None  #: a rest began then, and no digest has come since
    mail: bool = True  #: False: by the channels alone, as long as there is one
    feed_generation: int = 0  #: private feed addresses of earlier generations are revoked
    #: their active channels, each with the reference that stands for its secret address
    channels: tuple[tuple[Channel, str], ...] = ()

    @property
    def addressee(self) -> Addressee:
        wanted = len(self.interests) - sum(map(_is_paused, self.interests))
        return _addressee(add(_addressed(self), (wanted,)))


_is_paused: Final = itemgetter(Interest._fields.index("paused"))
_addressed: Final = itemgetter(*map(Subscriber._fields.index, Addressee._fields[:-1]))
_addressee: Final = partial(tuple.__new__, Addressee)  # `_make` without counting


class ChannelState(StrEnum):
    ACTIVE = "active"
    DISABLED = "disabled"  #: the other side is gone, or somebody said so; see the reason


@dataclass(frozen=True, slots=True)
class SubscriberChannel:
    """A place of a subscriber's that digests are posted to, besides their mail.

    `kind` is a Channel's name, or that of a kind an installed package provides. `address` and
    `secret` (what a webhook's posts are signed with) are for sending only: never shown, never
    logged. Deliveries name the channel by `reference`.
    """

    id: ChannelId
    subscriber_id: SubscriberId
    kind: str
    label: str
    address: str = field(repr=False)
    created_at: datetime
    secret: str = field(default="", repr=False)
    state: ChannelState = ChannelState.ACTIVE
    reason: str = ""
    disabled_at: datetime | None = None

    @property
    def channel(self) -> Channel:
        return Channel(self.kind) if self.kind in set(Channel) else Channel.PLUGIN

    @property
    def reference(self) -> str:
        return str(self.id)


# --- at the door --------------------------------------------------------------------------------


class ErrandKind(StrEnum):
    """What a mail that somebody asked for is about."""

    JOIN = "join"  #: subscribing: the address confirms itself
    LINK = "link"  #: "send me my link"
    CHANGE = "change"  #: a new address confirms itself
    MOVED = "moved"  #: the old address hears of it


@dataclass(frozen=True, slots=True)
class Errand:
    """What somebody asked for at the door, which the mail it causes allows to be done.

    `details` hold what was asked for, `subscriber_id` whom it is for or whom it was done for.
    `owner` and `stands`: who has the address by now, and in which state; None where nobody has it.
    """

    id: ErrandId
    kind: ErrandKind
    address: str
    language: str
    created_at: datetime
    expires_at: datetime
    details: Mapping[str, Any] = field(default_factory=dict)
    subscriber_id: SubscriberId | None = None
    owner: SubscriberId | None = None
    stands: SubscriberState | None = None
    done_at: datetime | None = None


class Scope(StrEnum):
    """What a token of the API may do; no scope holds another."""

    READ = "read"  #: papers, search and sources, as everybody may, at the token's own rate
    ME_READ = "me:read"  #: its subscriber's profile, digests and feedback
    ME_WRITE = "me:write"  #: change these
    OPERATOR_READ = "operator:read"  #: subscribers, deliveries, runs, whatever the operator sees
    OPERATOR_WRITE = "operator:write"  #: act as the operator

    @property
    def is_personal(self) -> bool:
        return self in (Scope.ME_READ, Scope.ME_WRITE)

    @property
    def is_operators(self) -> bool:
        return self in (Scope.OPERATOR_READ, Scope.OPERATOR_WRITE)


@dataclass(frozen=True, slots=True)
class ApiToken:
    """Somebody's leave to use the API: a subscriber's own, or the operator's (no subscriber).

    The secret is known to its holder alone; `hint` is how it begins.
    """

    id: ApiTokenId
    name: str
    hint: str
    scopes: frozenset[Scope]
    created_at: datetime
    subscriber_id: SubscriberId | None = None
    expires_at: datetime | None = None
    last_used_at: datetime | None = None  #: to the hour
    revoked_at: datetime | None = None

    def is_open(self, now: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


# --- matching -----------------------------------------------------------------------------------


class Field(StrEnum):
    TITLE = "title"
    ABSTRACT = "abstract"
    AUTHOR = "author"
    CATEGORY = "category"
    SOURCE = "source"


class Hit(NamedTuple):
    """A place where a query's term was found.

    `start` and `end` are character offsets into the field's text (for AUTHOR, CATEGORY and SOURCE:
    into the one element numbered `element`); `term` is the term as the subscriber wrote it.
    """

    field: Field
    start: int
    end: int
    term: str
    element: int = 0


class Reasons(NamedTuple):
    """Why a paper matched, in a form every channel can tell.

    `percentile` is the share of the recent stream that scores at least as high (0.01 = "top 1 %"),
    None when no similarity took part. `resembles` is the title of the nearest liked example.
    """

    hits: tuple[Hit, ...] = ()
    percentile: float | None = None
    resembles: str | None = None
    followed: tuple[str, ...] = ()  #: followed authors among the paper's own
    votes: int | None = None  #: set when the community's votes brought it here


class Match(NamedTuple):
    """One paper for one interest (None: the trending section), with a score and reasons."""

    paper_id: PaperId
    interest_id: InterestId | None
    score: float
    reasons: Reasons = Reasons()


# --- digests ------------------------------------------------------------------------------------


class Skip(StrEnum):
    """Why a due subscriber got no digest, or a paper no place in it: the closed list."""

    NOTHING_NEW = "nothing_new"  #: no source announced anything in the window
    NOTHING_MATCHED = "nothing_matched"
    PAUSED = "paused"
    NOT_ACTIVE = "not_active"
    SUPPRESSED = "suppressed"
    PROFILE_BROKEN = "profile_broken"  #: an interest's stored query no longer parses
    FAULT = "fault"  #: composing failed; see the log of that run


class Item(NamedTuple):
    """One paper's place in a digest: its best match, and every interest that asked for it."""

    paper_id: PaperId
    score: float
    reasons: Reasons
    also: tuple[str, ...] = ()  #: names of further interests that matched
    revision: bool = False  #: a new version of a paper already sent


class Variant(tuple[Item, ...]):
    """A section's items that many a reader has, but for the other interests that some of them name.

    `like`: what they have in common, one value for all of them. `apart`: the places where an item
    here is not the very one there; it differs in its `also` only. Equality is that of the items.
    """

    like: tuple[Item, ...]
    apart: Sequence[int]

    @classmethod
    def of(cls, like: tuple[Item, ...], items: Iterable[Item], *, apart: Sequence[int]) -> Self:
        one = cls(items)
        one.like, one.apart = like, apart
        return one


class Section(NamedTuple):
    """The items of one interest, or of trending (`interest_id` None)."""

    interest_id: InterestId | None
    name: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class SourceNote:
    """One source's honest line: its verdict when the digest was composed."""

    source: str
    verdict: Verdict


_paper_id: Final = itemgetter(Item._fields.index("paper_id"))
_items: Final = itemgetter(Section._fields.index("items"))


class Digest(NamedTuple):
    """One subscriber's issue for one window: ids, scores and reasons, never HTML.

    `considered` counts the window's papers; `left_out` those that matched beyond the caps.
    `since` and `until` are for people ("from Friday to Monday"); the window proper is counted in
    fetches by the store. The pair (subscriber, local_date) is unique.
    """

    id: DigestId
    subscriber_id: SubscriberId
    local_date: date
    composed_at: datetime
    since: datetime
    until: datetime
    sections: tuple[Section, ...]
    considered: int
    left_out: int = 0
    notes: tuple[SourceNote, ...] = ()
    away: bool = False  #: the first after a rest: the best of what was missed

    @property
    def paper_ids(self) -> tuple[PaperId, ...]:
        return tuple(map(_paper_id, chain.from_iterable(map(_items, self.sections))))


# --- deliveries ---------------------------------------------------------------------------------


class Channel(StrEnum):
    SMTP = "smtp"
    MAILBOX = "mailbox"
    SLACK = "slack"
    DISCORD = "discord"
    MATTERMOST = "mattermost"
    WEBHOOK = "webhook"
    APPRISE = "apprise"
    PLUGIN = "plugin"  #: a kind that an installed package provides

    @property
    def is_mail(self) -> bool:
        return self in _MAIL


_MAIL = frozenset({Channel.SMTP, Channel.MAILBOX})


class DeliveryState(StrEnum):
    QUEUED = "queued"  #: waiting for its turn (`next_attempt_at`)
    SENDING = "sending"  #: claimed by a worker until `claimed_until`
    DELIVERED = "delivered"  #: the other side said 250 to end-of-data (or its like)
    DEFERRED = "deferred"  #: refused for now; waits for `next_attempt_at`
    REFUSED = "refused"  #: refused for good
    UNCERTAIN = "uncertain"  #: the connection was lost after end-of-data, before the reply
    EXPIRED = "expired"  #: superseded by the next digest, or too old
    CANCELLED = "cancelled"  #: unsubscribed, suppressed or withdrawn by the operator

    @property
    def is_settled(self) -> bool:
        return self not in (DeliveryState.QUEUED, DeliveryState.SENDING, DeliveryState.DEFERRED)


class Delivery(NamedTuple):
    """One delivery in a worker's hand: what composing, sending and settling it need.

    `claim` numbers how often the row was claimed: only the newest claim may settle it. `attempts`
    counts earlier tries the other side answered or cut off, `doubts` those among them whose answer
    to end-of-data was lost. A digest may be several posts; `part` counts those that have arrived,
    and then `attempts` and `doubts` count for the next one. `address` is a mail address, or the
    reference of a subscriber's channel.
    """

    id: DeliveryId
    digest_id: DigestId
    subscriber_id: SubscriberId
    channel: Channel
    address: str
    claim: int
    created_at: datetime
    expires_at: datetime | None = None
    attempts: int = 0
    doubts: int = 0
    part: int = 0


class Message(NamedTuple):
    """What a channel sends: bytes ready for the wire, and the envelope.

    `payload` for smtp and mailbox is a complete RFC 5322 message with CRLF line ends; for chat
    channels the body of one post. `message_id` is stable across retries. Printed without whom it
    is for and what it says.
    """

    delivery_id: DeliveryId
    channel: Channel
    address: str
    message_id: str
    payload: bytes
    envelope_from: str = ""
    kind: str = ""  #: of a chat channel (see SubscriberChannel)
    headers: tuple[tuple[str, str], ...] = ()  #: of an HTTP post
    more: bool = False  #: another part of the same digest follows this one
    #: so many bytes at the end are whole lines of ASCII, each ended by CR LF, none begun by a full
    #: stop: who made them so says it, and the wire need not look
    sound_tail: int = 0

    def __repr__(self) -> str:
        return f"Message({self.message_id}, {self.channel}, {len(self.payload)} bytes)"


class Result(StrEnum):
    ACCEPTED = "accepted"
    PARTLY = "partly"  #: this part was accepted; another follows
    DEFERRED = "deferred"  #: try again later
    REFUSED = "refused"  #: never again for this message
    UNCERTAIN = "uncertain"  #: lost between end-of-data and the reply


class Outcome(NamedTuple):
    """What the other side said of one message.

    `code` is the SMTP reply code or HTTP status where there was one; `reply` its text, trimmed to
    one line and free of secrets; `retry_after` seconds where the other side named a time.
    `recipient_fault`: the refusal concerns this address (a bounce), not us or the message.
    """

    delivery_id: DeliveryId
    result: Result
    code: int | None = None
    reply: str = ""
    retry_after: float | None = None
    recipient_fault: bool = False


class BounceKind(StrEnum):
    """What came back for a delivery. Which of them count for what: `digest.bounces.policy`."""

    USER_UNKNOWN = "user_unknown"  #: there is nobody of this name, or no longer
    NO_DOMAIN = "no_domain"  #: nobody takes mail for the domain
    UNDETERMINED = "undetermined"  #: refused for good, in words that say no more
    MAILBOX_FULL = "mailbox_full"
    GREYLISTED = "greylisted"
    BLOCKED = "blocked"  #: we are refused, whoever it is for
    POLICY = "policy"  #: the message is refused for what it is
    TOO_BIG = "too_big"
    TEMPORARY = "temporary"
    DELAYED = "delayed"  #: a relay tells that it is still trying
    COMPLAINT = "complaint"  #: the reader called it spam
    UNSUBSCRIBE = "unsubscribe"  #: the reader's mail program, or a list of those who opted out
    SUSPENDED = "suspended"  #: our own verdict; what came before it is settled


@dataclass(frozen=True, slots=True)
class Bounce:
    """One thing that came back: `key` names the event, so that it counts once however often told.

    `status` is an RFC 3463 code or an SMTP reply code, `detail` the other side's words on one line.
    """

    key: str
    delivery_id: DeliveryId
    at: datetime
    kind: BounceKind
    origin: str  #: smtp, mailbox, or the provider's name
    status: str = ""
    detail: str = ""


class Decision(NamedTuple):
    """What becomes of a delivery after a try: settled, or DEFERRED and when to try again."""

    state: DeliveryState
    retry_at: datetime | None = None


class Settlement(NamedTuple):
    """One delivery, what was said of it, and what was decided: the unit the store commits."""

    delivery: Delivery
    outcome: Outcome
    decision: Decision
    bounce: BounceKind | None = None  #: set when the refusal says something of the address


@dataclass(frozen=True, slots=True)
class RouteHealth:
    """How one account, or other way out, fares; `failures` are in a row."""

    name: str
    first_used_at: datetime | None = None
    failures: int = 0
    failing_since: datetime | None = None
    paused_at: datetime | None = None
    probe_at: datetime | None = None  #: while paused: when it is tried again by itself
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Site:
    """Who sends: the installation's public face, as configured under `[site]` and `[delivery]`.

    `base_url` has no trailing slash; every link in a mail is built from it and nothing else.
    """

    name: str
    base_url: str
    identity: str  #: the line under every mail: who sends this, and from where
    operator_email: str
    from_address: str
    from_name: str = ""
    #: mailto address for unsubscribes; empty: operator_email
    unsubscribe_address: str = ""
