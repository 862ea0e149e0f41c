"""The sections of the configuration, in the order in which an operator thinks.

Units are in the names: `_days`, `_hours`, `_minutes`, `_seconds`, `_bytes`. Nothing is read from
the world here; see `loading`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, model_validator

from digest.config.brand import BrandSection
from digest.config.kinds import (
    Address,
    BaseAddress,
    DatabaseUrl,
    EmbedderName,
    Languages,
    Line,
    Name,
    Networks,
    OperatorName,
    OptionalAddress,
    PasswordHash,
    SecondStageName,
    SecretKeys,
    Section,
    WebAddress,
    Weekday,
    Zone,
)
from digest.config.post import (
    BouncesSection,
    DkimSection,
    Port,
    Rates,
    SendmailSection,
    SmtpSection,
)
from digest.model import Cadence, Channel, Schedule
from digest.phrases import LANGUAGES

Days = Annotated[int, Field(ge=0, le=36500)]  #: 0 keeps for ever


class SiteSection(Section):
    """Who sends. `secret_keys`: newest first; the old ones still open links already sent.

    `languages`: what mails and pages are offered in; the first is for who asks for none of them.
    """

    name: Name = "Paper Digest"
    base_url: BaseAddress = "http://localhost:8000"
    operator_email: Address
    identity: Line = ""
    languages: Annotated[Languages, Field(min_length=1)] = Field(default=list(LANGUAGES))
    secret_keys: SecretKeys
    secret_keys_file: Path | None = None
    templates: Path | None = None  #: the operator's own, looked at before the shipped ones
    brand: BrandSection = BrandSection()


class DatabaseSection(Section):
    url: DatabaseUrl = SecretStr("sqlite:///digest.db")
    url_file: Path | None = None


class EndpointSection(Section):
    """An OpenAI-compatible embeddings service; `url` ends before /embeddings.

    `statements_leave`: what subscribers wrote may be sent there. Without it, nothing is sent.
    """

    url: WebAddress | None = None
    key: SecretStr | None = None
    key_file: Path | None = None
    statements_leave: bool = False
    batch: Annotated[int, Field(ge=1, le=2048)] = 64
    timeout_seconds: Annotated[float, Field(gt=0, le=600)] = 30.0


class MatchingSection(Section):
    """`background_days` of papers are what "top 1 %" and a wanted volume are measured against.

    `second_stage`: "auto" is on while a transformer is installed.
    """

    embedder: EmbedderName = "static"
    second_stage: SecondStageName = "auto"
    background_days: Annotated[int, Field(ge=1, le=365)] = 30
    daily_volume: Annotated[float, Field(gt=0, le=1000)] = 5.0
    endpoint: EndpointSection = EndpointSection()

    @model_validator(mode="after")
    def _reachable(self) -> MatchingSection:
        asked = [self.embedder, self.second_stage]
        if any(one.startswith("openai:") for one in asked) and self.endpoint.url is None:
            raise ValueError("endpoint.url is missing: openai:MODEL needs it")
        return self


class DigestSection(Section):
    """What a new subscriber gets unless they say otherwise, and limits that hold for all."""

    cadence: Cadence = Cadence.WEEKDAYS
    hour: Annotated[int, Field(ge=0, le=23)] = 7
    minute: Annotated[int, Field(ge=0, le=59)] = 0
    weekday: Weekday = 0
    monthday: Annotated[int, Field(ge=1, le=31)] = 1
    timezone: Zone = "UTC"
    limit: Annotated[int, Field(ge=1, le=200)] = 12
    trending: Annotated[int, Field(ge=0, le=50)] = 0
    lookback_days: Annotated[int, Field(ge=1, le=60)] = 7
    wait_minutes: Annotated[int, Field(ge=0, le=720)] = 60
    size_budget: Annotated[int, Field(ge=20_000, le=1_000_000)] = 100_000

    def schedule(self) -> Schedule:
        """The schedule of a subscriber who names none."""
        return Schedule(
            timezone=self.timezone,
            cadence=self.cadence,
            hour=self.hour,
            minute=self.minute,
            weekday=self.weekday,
            monthday=self.monthday,
        )


class MailboxSection(Section):
    path: Path = Path("mail")


class DeliverySection(Section):
    """How digests leave. No `from_address`: the operator's. `spool`: what outlives a crash."""

    channel: Literal["mailbox", "smtp", "sendmail"] = "mailbox"
    from_address: OptionalAddress = None
    from_name: Line = ""
    unsubscribe_address: OptionalAddress = None
    retry_minutes: Annotated[int, Field(ge=1, le=240)] = 5
    expire_hours: Annotated[int, Field(ge=1, le=720)] = 72
    in_doubt: Literal["resend", "hold"] = "resend"
    spool: Path = Path("spool")
    domain_rates: Mapping[str, Rates] = Field(default={})
    mailbox: MailboxSection = MailboxSection()
    smtp: SmtpSection = SmtpSection()
    sendmail: SendmailSection = SendmailSection()
    dkim: DkimSection = DkimSection()
    bounces: BouncesSection = BouncesSection()

    def channel_kind(self) -> Channel:
        return Channel.MAILBOX if self.channel == "mailbox" else Channel.SMTP


class OperatorSection(Section):
    """An account for the operator's pages; `digest operators hash` makes the hash."""

    name: OperatorName
    password_hash: PasswordHash


class WebSection(Section):
    host: Name = "127.0.0.1"
    port: Port = 8000
    trusted_proxies: Networks = Field(default=[])
    allow_private_addresses: bool = False
    websub_hub: WebAddress | None = None  #: told of news in the public feeds
    operators: list[OperatorSection] = Field(default=[])

    @model_validator(mode="after")
    def _each_once(self) -> WebSection:
        names = [one.name for one in self.operators]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"operators: twice: {', '.join(twice)}")
        return self

    def operator_hashes(self) -> dict[str, str]:
        """The password hash of each configured operator."""
        return {one.name: one.password_hash.get_secret_value() for one in self.operators}


class ApiSection(Section):
    """How often programs may ask, a minute: a client without a token, and a token."""

    reads_per_minute: Annotated[int, Field(ge=1, le=100_000)] = 120
    token_reads_per_minute: Annotated[int, Field(ge=1, le=100_000)] = 600
    token_writes_per_minute: Annotated[int, Field(ge=1, le=100_000)] = 120


class RetentionSection(Section):
    """How long records are kept; 0 keeps them for ever."""

    papers_days: Days = 0
    runs_days: Days = 90
    digests_days: Days = 365
    deliveries_days: Days = 90


class SchedulerSection(Section):
    tick_minutes: Annotated[int, Field(ge=1, le=60)] = 5
    sources_minutes: Annotated[int, Field(ge=5, le=1440)] = 60
    source_deadline_seconds: Annotated[int, Field(ge=5, le=3600)] = 600


class LoggingSection(Section):
    """What `digest serve` and its parts write on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"
    addresses: bool = False  #: whether addresses of readers may stand in the log


class MonitoringSection(Section):
    """For machines that watch; `metrics_port` 0: no metrics. `alerts`: mails to the operator."""

    metrics_host: Name = "127.0.0.1"
    metrics_port: Annotated[int, Field(ge=0, le=65535)] = 0
    textfile: Path | None = None
    alerts: bool = True
