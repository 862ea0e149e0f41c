"""The channels as configured: the kinds there are, their routes out, and what may be added.

    subscriber's wish | check | stored            delivery | chat | sender, one route a channel

It constructs and adapts; drawing and kinds are `digest.chat`'s, the rows are the story's
(`digest.subscriptions.channels`). Only `test` sends, one post, outside the outbox.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from importlib.util import find_spec

from digest.chat import Chat, Kind, installed
from digest.clock import Clock
from digest.config import Settings
from digest.delivery.apprise import AppriseSender, check_url
from digest.delivery.base import Sender
from digest.delivery.hook import check_address, with_hosts
from digest.delivery.hooks import HookSender
from digest.delivery.poster import Poster
from digest.delivery.retry import Doubt, Policy
from digest.delivery.signatures import new_secret
from digest.errors import InvalidChannel, UnknownChannel
from digest.model import Channel, DeliveryId, Message, Outcome, Result, Site
from digest.outbox import Route, Unrenderable
from digest.rendering.message import Letter
from digest.store.channels import ChannelStore
from digest.store.database import Database
from digest.subscriptions.channels import Channels, Checked
from digest.subscriptions.register import Subscriptions
from digest.tokens import Tokens

_FIRST_RETRY = timedelta(minutes=1)


class Unwitnessed:
    """A witness of a test, which nobody sends twice."""

    def handing(self, delivery: DeliveryId) -> None: ...

    def answered(self, outcome: Outcome) -> None: ...


class ConfiguredChannels:
    """Everything about channels that the configuration decides."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        *,
        site: Site,
        tokens: Tokens,
        subscriptions: Subscriptions,
        clock: Clock,
        stop: threading.Event,
    ) -> None:
        self._settings = settings
        self._site = site
        self._tokens = tokens
        self._subscriptions = subscriptions
        self._clock = clock
        self._stop = stop
        self.store = ChannelStore(database)
        self.register = Channels(database, check=self.check, clock=clock)

    @cached_property
    def kinds(self) -> Mapping[str, Kind]:
        """Ours and installed packages', with the hosts that the operator added."""
        hosts = self._settings.channels.hosts
        return {
            name: replace(kind, hook=with_hosts(kind.hook, hosts(name))) if kind.hook else kind
            for name, kind in installed().items()
        }

    def offered(self) -> list[str]:
        """The kinds that readers may add by themselves, as far as they are installed."""
        has_apprise = find_spec("apprise") is not None
        wanted = self._settings.channels.readers_kinds
        return [one for one in wanted if one in self.kinds and (one != "apprise" or has_apprise)]

    @cached_property
    def chat(self) -> Chat:
        return Chat(self.kinds, self.store, site=self._site, tokens=self._tokens, clock=self._clock)

    def draw(self, letter: Letter) -> Message | Unrenderable:
        """The message of one delivery to a channel."""
        return self.chat.draw(letter)

    def routes(self, clock: Clock) -> list[Route]:
        """One for each channel: nothing is opened before there is something to post."""
        delivery = self._settings.delivery
        policy = Policy(
            first=_FIRST_RETRY,
            lifetime=timedelta(hours=delivery.expire_hours),
            doubt=Doubt(delivery.in_doubt),
        )
        hooked = [one for one in Channel if not one.is_mail and one is not Channel.APPRISE]
        by_hook = [Route(channel, lambda: self._hooks(clock), policy) for channel in hooked]
        return [*by_hook, Route(Channel.APPRISE, self._apprise, policy)]

    def check(self, kind: str, address: str) -> Checked:
        """The address as it is kept; raises InvalidChannel, or UnknownChannel for the kind."""
        found = self.kinds.get(kind)
        if found is None:
            raise UnknownChannel(
                f"There are no channels of the kind {kind!r}.",
                mend=f"There are: {', '.join(sorted(self.kinds))}.",
            )
        try:
            if found.hook is None:
                schemes = self._settings.channels.apprise_schemes
                return Checked(check_url(address, schemes, private=self._is_private_allowed))
            kept = check_address(found.hook, address, private=self._is_private_allowed)
        except ValueError as error:
            raise InvalidChannel(f"address: {error}.", told=error.args[0]) from None
        return Checked(kept, new_secret() if found.is_signed else "")

    def test(self, email: str, name: str) -> Outcome:
        """Post a greeting to a channel, whatever its state; what the other side said."""
        channel = self.register.one(email, name)
        owner = self._subscriptions.subscriber(email)
        message = self.chat.greeting(channel, owner)
        if message is None:
            raise UnknownChannel(f"No installed package provides {channel.kind!r} channels.")
        is_apprise = channel.channel is Channel.APPRISE
        with self._apprise() if is_apprise else self._hooks(self._clock) as sender:
            for outcome in sender.send([message], Unwitnessed()):
                return outcome
        return Outcome(message.delivery_id, Result.DEFERRED, reply="the program is stopping")

    @property
    def _is_private_allowed(self) -> bool:
        return self._settings.web.allow_private_addresses

    def _hooks(self, clock: Clock) -> Sender:
        hooks = {name: kind.hook for name, kind in self.kinds.items() if kind.hook}
        poster = Poster(
            allow_private=self._is_private_allowed,
            timeout=self._settings.channels.timeout_seconds,
        )
        return HookSender(hooks, poster, clock=clock, stop=self._stop)

    def _apprise(self) -> Sender:
        return AppriseSender(
            self._settings.channels.apprise_schemes,
            allow_private=self._is_private_allowed,
            stop=self._stop,
        )
