"""The sections of the configuration about the post: accounts, signatures, and what comes back."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import NoDecode

from digest.config.kinds import Line, Name, Names, OptionalAddress, Section, is_loopback

Port = Annotated[int, Field(ge=1, le=65535)]

_RATES: Final = re.compile(r"(\d{1,9}/(second|minute|hour|day)(\s+|$))*")
_LONGEST_PREFIX: Final = 10  #: a local part has 64 characters at most, and a token takes 53


def _rates(value: str) -> str:
    if not _RATES.fullmatch(value) or re.search(r"(^|\s)0+/", value):
        raise ValueError(f"must be rates such as '10/second 500/day', not {value!r:.60}")
    return value


def _words(value: Any) -> Any:
    """The environment gives text."""
    return value.split() if isinstance(value, str) else value


def _short(value: str | None) -> str | None:
    if value and (len(value.partition("@")[0]) > _LONGEST_PREFIX or "+" in value):
        raise ValueError(
            f"its part before the @ must have at most {_LONGEST_PREFIX} characters and no +,"
            " for a signed token is added to it"
        )
    return value


Rates = Annotated[Line, AfterValidator(_rates)]
Command = Annotated[list[Name], NoDecode, BeforeValidator(_words)]
BounceAddress = Annotated[OptionalAddress, AfterValidator(_short)]


class SmtpAccount(Section):
    """One account. `security = "none"` is for a relay on this machine; a login always needs TLS.

    `warmup_first_day` 0: the sender is known. Else that many mails on the first day, and each day
    `warmup_growth` times as many.
    """

    host: Name = "localhost"
    port: Port | None = None
    security: Literal["starttls", "tls", "none"] = "starttls"
    plaintext_allowed: bool = False
    username: Line = ""
    password: SecretStr | None = None
    password_file: Path | None = None
    token_command: Command = Field(default=[])
    token_endpoint: Line = ""
    token_client_id: Line = ""
    token_client_secret: SecretStr | None = None
    token_client_secret_file: Path | None = None
    token_refresh: SecretStr | None = None
    token_refresh_file: Path | None = None
    ca_file: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None
    local_hostname: Line = ""
    lmtp: bool = False
    sessions: Annotated[int, Field(ge=1, le=50)] = 2
    messages_per_session: Annotated[int, Field(ge=1, le=100_000)] = 1000
    rates: Rates = ""
    warmup_first_day: Annotated[int, Field(ge=0)] = 0
    warmup_growth: Annotated[float, Field(gt=1, le=10)] = 1.5

    @property
    def effective_port(self) -> int:
        """The port, or the usual one for this security."""
        return self.port or {"starttls": 587, "tls": 465, "none": 25}[self.security]

    @property
    def is_local(self) -> bool:
        return is_loopback(self.host) or self.host.startswith("/")

    @property
    def has_token(self) -> bool:
        return bool(self.token_command or self.token_endpoint)

    @model_validator(mode="after")
    def _safe(self) -> SmtpAccount:
        if self.security == "none" and not (self.is_local or self.plaintext_allowed):
            raise ValueError(
                f'security = "none" is for a relay on this machine, and {self.host} is elsewhere;'
                ' use "starttls" or "tls" (or plaintext_allowed = true on a network of your own)'
            )
        if self.security == "none" and self.username:
            raise ValueError('a login needs TLS: set security = "starttls" or "tls"')
        if bool(self.username) != bool(self.password or self.has_token):
            missing = "password or password_file" if self.username else "username"
            raise ValueError(f"{missing} is missing: a login needs both")
        if self.client_key and not self.client_certificate:
            raise ValueError("client_certificate is missing: client_key needs it")
        return self

    @model_validator(mode="after")
    def _one_token(self) -> SmtpAccount:
        if self.token_endpoint and not (self.token_client_id and self.token_refresh):
            raise ValueError("token_endpoint needs token_client_id and token_refresh(_file)")
        if self.token_endpoint and not self.token_endpoint.startswith("https://"):
            raise ValueError("token_endpoint must begin with https://")
        return self


class SmtpSection(SmtpAccount):
    """The first account, and those that take over in this order while it does not work."""

    fallbacks: list[SmtpAccount] = Field(default=[])


class SendmailSection(Section):
    command: Annotated[Command, Field(min_length=1)] = Field(default=["/usr/sbin/sendmail", "-i"])


class DkimSection(Section):
    """Signing by ourselves; usually the relay does it. Needs all three."""

    domain: Line = ""
    selector: Line = ""
    private_key: Path | None = None

    @model_validator(mode="after")
    def _whole(self) -> DkimSection:
        if len({bool(self.domain), bool(self.selector), bool(self.private_key)}) > 1:
            raise ValueError("domain, selector and private_key belong together")
        return self


class BouncesSection(Section):
    """What comes back. `address`: mails leave with the sender `address` plus a signed token."""

    address: BounceAddress = None
    imap_host: Line = ""
    imap_port: Port = 993
    imap_starttls: bool = False
    imap_username: Line = ""
    imap_password: SecretStr | None = None
    imap_password_file: Path | None = None
    imap_ca: Path | None = None
    imap_folder: Name = "INBOX"
    imap_keep_in: Line = ""
    token_header: Literal["", "sendgrid", "mailgun", "postmark"] = ""
    sns_topics: Names = Field(default=[])
    sendgrid_key: Line = ""
    mailgun_key: SecretStr | None = None
    mailgun_key_file: Path | None = None
    postmark_password: SecretStr | None = None
    postmark_password_file: Path | None = None

    @model_validator(mode="after")
    def _whole(self) -> BouncesSection:
        if self.imap_host and not (self.imap_username and self.imap_password):
            raise ValueError("imap_host needs imap_username and imap_password(_file)")
        return self
