"""The post as configured: accounts made into one Sender, what comes back made into one Hearing.

    message | token header | DKIM | ── account 1 ── allowance ── SMTP
                                    └─ account 2 ── allowance ── SMTP

It constructs and adapts; the policies it joins to the store are `delivery.rates`, `.pausing` and
`bounces.policy`. Nothing is sent here.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from importlib import import_module

import httpx

from digest.bounces import Heard, Hearing, Webhooks
from digest.clock import Clock
from digest.config import Settings, SmtpAccount
from digest.config.post import BouncesSection, DkimSection
from digest.delivery.account import Account, Security
from digest.delivery.base import Sender
from digest.delivery.bounce_dialects import unusual
from digest.delivery.bounce_mailbox import ImapAccount, ImapMailbox
from digest.delivery.failover import FailoverSender, Way
from digest.delivery.lull import Lull
from digest.delivery.mailbox import MailboxSender
from digest.delivery.oauth import CommandToken, RefreshedToken
from digest.delivery.pausing import after_fault, may_try, recovered
from digest.delivery.preparing import Prepare, PreparedSender, token_header
from digest.delivery.provider_events import Trust
from digest.delivery.rates import Cells, Grant, Rate, give_back, parse_rates, take, warmed
from digest.delivery.rationing import RationedSender
from digest.delivery.retry import Doubt, Policy
from digest.delivery.sendmail import SendmailSender
from digest.delivery.smtp import SmtpSender
from digest.errors import ConfigError, DeliveryFault
from digest.model import Channel, DeliveryId, RouteHealth
from digest.outbox import Route
from digest.outbox.queue import Queue
from digest.outbox.sparing import SparingQueue
from digest.store.bounces import BounceStore
from digest.store.budgets import BudgetStore
from digest.store.database import Database
from digest.store.outbox import OutboxStore
from digest.store.routes import RouteStore
from digest.store.subscribers import SubscriberStore
from digest.subscriptions import Subscriptions
from digest.tokens import Purpose, Tokens

_log = logging.getLogger(__name__)

Tell = Callable[[str], None]  #: how the operator is told


def log_error(text: str) -> None:
    _log.error("%s", text, extra={"action": "operator_told"})


class Post:
    """Everything about mail that the configuration decides. `tell` reaches the operator."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        *,
        tokens: Tokens,
        subscriptions: Subscriptions,
        clock: Clock,
        stop: threading.Event,
        tell: Tell = log_error,
    ) -> None:
        self._delivery = settings.delivery
        self._database = database
        self._tokens = tokens
        self._subscriptions = subscriptions
        self._clock = clock
        self._stop = stop
        self._tell = tell
        self.budgets = BudgetStore(database)
        self.routes = RouteStore(database)
        self.lull = Lull()

    # --- out ------------------------------------------------------------------------------------

    def route(self) -> Route:
        """The way by which mail leaves, and how often it is tried."""
        delivery = self._delivery
        policy = Policy(
            first=timedelta(minutes=delivery.retry_minutes),
            lifetime=timedelta(hours=delivery.expire_hours),
            doubt=Doubt(delivery.in_doubt),
        )
        if delivery.channel == "mailbox":
            folder = delivery.mailbox.path
            repeat = replace(policy, doubt=Doubt.REPEAT)  # the same file is written again
            return Route(Channel.MAILBOX, lambda: MailboxSender(folder), repeat)
        return Route(Channel.SMTP, self.sender, policy)

    def sender(self) -> Sender:
        """The configured way out by mail, opened anew at each call."""
        return PreparedSender(FailoverSender(self._ways()), self._prepares)

    @property
    def verp(self) -> Callable[[DeliveryId], str] | None:
        """What makes the envelope sender of a delivery; None where bounces are not asked back."""
        address = self._delivery.bounces.address
        if not address:
            return None
        local, _, domain = address.rpartition("@")
        return lambda delivery: f"{local}+{self._tokens.sign(Purpose.BOUNCE, delivery)}@{domain}"

    def queue(self, store: OutboxStore) -> Queue:
        """The queue of mails, sparing recipients' domains where rates are configured for any."""
        rates = {name.lower(): parse_rates(it) for name, it in self._delivery.domain_rates.items()}
        if not any(rates.values()):
            return store
        return SparingQueue(store, DomainBudgets(self.budgets, rates))

    def _ways(self) -> list[Way]:
        if self._delivery.channel == "sendmail":
            sender = SendmailSender(self._delivery.sendmail.command)
            return [Way("sendmail", sender, self._health("sendmail"))]
        smtp = self._delivery.smtp
        return [self._way(account) for account in (smtp, *smtp.fallbacks)]

    def _way(self, config: SmtpAccount) -> Way:
        account = as_account(config)
        name = f"{config.username}@{account.place}" if config.username else account.place
        sender: Sender = SmtpSender(account, stop=self._stop, lull=self.lull)
        rates = parse_rates(config.rates)
        if rates or config.warmup_first_day:
            rates = self._warmed(config, name, rates)
            sender = RationedSender(
                sender, AccountBudget(self.budgets, name, rates), name=name, stop=self._stop
            )
        return Way(name, sender, self._health(name))

    def _warmed(self, config: SmtpAccount, name: str, rates: tuple[Rate, ...]) -> tuple[Rate, ...]:
        first_used = self.routes.health(name).first_used_at
        age = self._clock() - first_used if first_used else timedelta(0)
        return warmed(rates, first=config.warmup_first_day, growth=config.warmup_growth, age=age)

    def _health(self, name: str) -> AccountHealth:
        return AccountHealth(self.routes, name, clock=self._clock, tell=self._tell)

    @cached_property
    def _prepares(self) -> list[Prepare]:
        """What is done to a message's bytes; the signature comes last and covers the rest."""
        dkim, found = self._delivery.dkim, list[Prepare]()
        if self._delivery.bounces.token_header:
            found.append(token_header(self._delivery.bounces.token_header))
        if dkim.private_key:
            found.append(_signing(dkim))
        return found

    # --- back -----------------------------------------------------------------------------------

    @cached_property
    def hearing(self) -> Hearing:
        return Hearing(
            BounceStore(self._database),
            subscribers=SubscriberStore(self._database),
            subscriptions=self._subscriptions,
            tokens=self._tokens,
            clock=self._clock,
            dialect=unusual,
        )

    def read_bounces(self) -> Heard:
        """Read the bounce mailbox where there is one, and carry out what the events ask for."""
        mailbox = bounce_mailbox(self._delivery.bounces)
        return self.hearing.decide() if mailbox is None else self.hearing.read(mailbox)

    def listen(self) -> None:
        """`read_bounces`, where a mailbox that cannot be read stops nothing else."""
        try:
            self.read_bounces()
        except DeliveryFault as fault:
            _log.error("%s", fault, extra={"action": "bounces_unread"})
            self.hearing.decide()

    @cached_property
    def webhooks(self) -> Webhooks:
        """The door for providers' webhooks; `digest.web` mounts it under /hooks/."""
        bounces = self._delivery.bounces
        trust = Trust(
            now=self._clock(),
            sns_topics=tuple(bounces.sns_topics),
            sendgrid_key=bounces.sendgrid_key,
            mailgun_key=bounces.mailgun_key.get_secret_value() if bounces.mailgun_key else "",
            postmark_password=(
                bounces.postmark_password.get_secret_value() if bounces.postmark_password else ""
            ),
        )
        return Webhooks(self.hearing, trust, fetch=_fetch, clock=self._clock)


@dataclass(frozen=True, slots=True)
class AccountBudget:
    """One account's allowance, shared by all processes."""

    store: BudgetStore
    name: str
    rates: tuple[Rate, ...]

    def take(self, want: int) -> Grant:
        def taken(key: str, cells: Cells, now: float) -> tuple[Grant, Cells]:
            return take(cells, self.rates, want, now)

        return self.store.change([f"account:{self.name}"], taken)[f"account:{self.name}"]

    def give_back(self, count: int) -> None:
        def given(key: str, cells: Cells, now: float) -> tuple[None, Cells]:
            return None, give_back(cells, count)

        self.store.change([f"account:{self.name}"], given)


@dataclass(frozen=True, slots=True)
class DomainBudgets:
    """What each recipient domain may be sent; `*` is for every other domain by itself."""

    store: BudgetStore
    rates: Mapping[str, tuple[Rate, ...]]

    def take(self, wanted: Counter[str]) -> dict[str, Grant]:
        limits = {name: self.rates.get(name, self.rates.get("*", ())) for name in wanted}
        limited = {f"domain:{name}": name for name, rates in limits.items() if rates}

        def taken(key: str, cells: Cells, now: float) -> tuple[Grant, Cells]:
            name = limited[key]
            return take(cells, limits[name], wanted[name], now)

        grants = self.store.change(limited, taken) if limited else {}
        return {limited[key]: grant for key, grant in grants.items()}


@dataclass(frozen=True, slots=True)
class AccountHealth:
    """One account's health; the operator is told once when it is paused, and when it works."""

    store: RouteStore
    name: str
    clock: Clock
    tell: Tell

    def refusal(self) -> DeliveryFault | None:
        health = self.store.health(self.name)
        if may_try(health, self.clock()):
            return None
        return DeliveryFault(
            f"{self.name} is paused since {health.paused_at:%Y-%m-%d %H:%M} UTC: {health.fault}",
            mend=f"`digest outbox resume {self.name}` tries it at once.",
        )

    def failed(self, fault: DeliveryFault) -> None:
        now = self.clock()
        before, after = self.store.change(
            self.name, lambda health: after_fault(health, str(fault), now)
        )
        if after.paused_at and not before.paused_at:
            self.tell(
                f"{self.name} keeps failing and is left alone, but for one try an hour: {fault}"
            )

    def worked(self) -> None:
        known = self.store.health(self.name)
        if known.first_used_at and not known.failures:
            return
        now = self.clock()
        before, _after = self.store.change(self.name, lambda health: _used(recovered(health), now))
        if before.paused_at:
            self.tell(f"{self.name} works again.")


def _used(health: RouteHealth, now: datetime) -> RouteHealth:
    return health if health.first_used_at else replace(health, first_used_at=now)


def as_account(config: SmtpAccount) -> Account:
    """The account that a `[delivery.smtp]` table asks for."""
    return Account(
        host=config.host,
        port=config.effective_port,
        security=Security(config.security),
        username=config.username,
        password=config.password.get_secret_value() if config.password else "",
        token=_token(config),
        lmtp=config.lmtp,
        ca_file=config.ca_file,
        client_certificate=config.client_certificate,
        client_key=config.client_key,
        local_hostname=config.local_hostname,
        plaintext_allowed=config.plaintext_allowed,
        sessions=config.sessions,
        messages_per_session=config.messages_per_session,
    )


def bounce_mailbox(bounces: BouncesSection) -> ImapMailbox | None:
    """The mailbox where bounces arrive; None where none is configured."""
    if not bounces.imap_host:
        return None
    return ImapMailbox(
        ImapAccount(
            host=bounces.imap_host,
            port=bounces.imap_port,
            username=bounces.imap_username,
            password=bounces.imap_password.get_secret_value() if bounces.imap_password else "",
            starttls=bounces.imap_starttls,
            folder=bounces.imap_folder,
            keep_in=bounces.imap_keep_in,
            ca_file=bounces.imap_ca,
        )
    )


def _token(config: SmtpAccount) -> Callable[[], str] | None:
    if config.token_command:
        return CommandToken(config.token_command)
    if not config.token_endpoint or config.token_refresh is None:
        return None
    secret = config.token_client_secret
    return RefreshedToken(
        endpoint=config.token_endpoint,
        client_id=config.token_client_id,
        refresh_token=config.token_refresh.get_secret_value(),
        client_secret=secret.get_secret_value() if secret else "",
    )


def _signing(config: DkimSection) -> Prepare:
    """Signs each message; the module is loaded only where it is asked for."""
    try:
        signing = import_module("digest.delivery.signing")
        key = config.private_key.read_bytes() if config.private_key else b""
    except ImportError as error:
        fault = "needs the cryptography package; pip install 'paper-digest[dkim]'"
        raise ConfigError("delivery.dkim", [fault]) from error
    except OSError as error:
        raise ConfigError("delivery.dkim", [f"private_key: {error.strerror}"]) from error
    signer = signing.Signer(config.domain, config.selector, key)
    return lambda message: message._replace(payload=signer.sign(message.payload))


def _fetch(url: str) -> bytes:
    """A small answer over https, without redirects."""
    try:
        answer = httpx.get(url, timeout=10.0, follow_redirects=False).raise_for_status()
    except httpx.HTTPError as error:
        raise OSError(f"{httpx.URL(url).host}: {type(error).__name__}") from error
    return answer.content[:100_000]
