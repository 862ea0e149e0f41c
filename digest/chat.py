"""Chat: the kinds of channel there are, and a delivery as the message of one of them.

    delivery | its channel's row | view | draw | part -> Message

A kind is how a digest is drawn and how the other side is spoken to. Ours are listed in KINDS; an
installed package brings another as one small class, named under the entry point group
`paper_digest.channels`:

    class Board:
        hosts = ("board.example.org",)

        def draw(self, post: Post) -> list[bytes]:
            return [post.view.frame.headline.encode()]

`draw` gives the bodies of one or more posts, the same for the same digest; `hosts`, `gone`,
`interval`, `content_type` and `query` may be set as `digest.delivery.hook.Hook` has them. Guards,
retries, the log and every guarantee are the same as for ours. Nothing is sent or stored here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from importlib.metadata import entry_points
from typing import Any, Final

from digest.clock import Clock, local_date
from digest.delivery.hook import DISCORD, MATTERMOST, SLACK, WEBHOOK, Hook
from digest.delivery.signatures import signed
from digest.errors import ConfigError
from digest.model import (
    ChannelState,
    DeliveryId,
    Digest,
    DigestId,
    Message,
    Site,
    Subscriber,
    SubscriberChannel,
)
from digest.outbox.tally import Unrenderable
from digest.rendering.chat import discord, document, mattermost, plaintext, slack
from digest.rendering.chat.post import Post
from digest.rendering.message import Letter, message_id
from digest.rendering.view import view
from digest.store.channels import ChannelStore
from digest.tokens import MailTokens, Purpose, Tokens

ENTRY_POINTS: Final = "paper_digest.channels"
_NOBODYS: Final = MailTokens("", "", "", "")  #: what a channel's members see gives no power

Draw = Callable[[Post], list[bytes]]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of channel; without a hook it has a sender of its own. `is_signed`: with HMAC."""

    draw: Draw
    hook: Hook | None
    is_signed: bool = False


KINDS: Final[Mapping[str, Kind]] = {
    "slack": Kind(slack.draw, SLACK),
    "discord": Kind(discord.draw, DISCORD),
    "mattermost": Kind(mattermost.draw, MATTERMOST),
    "webhook": Kind(document.draw, WEBHOOK, is_signed=True),
    "apprise": Kind(plaintext.draw, None),
}


def installed() -> dict[str, Kind]:
    """Our kinds and those that installed packages provide; ConfigError for one that is no kind."""
    found = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
    return {name: foreign(name, point.load()) for name, point in found.items()} | dict(KINDS)


def foreign(name: str, maker: Any) -> Kind:
    """The kind that a package's class describes."""
    thing = maker() if isinstance(maker, type) else maker
    if not callable(getattr(thing, "draw", None)):
        raise ConfigError("channels", [f"the kind {name!r} of an installed package cannot draw"])
    known = [one.name for one in fields(Hook) if one.name != "kind"]
    given = {key: getattr(thing, key) for key in known if hasattr(thing, key)}
    return Kind(thing.draw, Hook(name, **given))


class Chat:
    """Makes the messages of deliveries to channels."""

    def __init__(
        self,
        kinds: Mapping[str, Kind],
        channels: ChannelStore,
        *,
        site: Site,
        tokens: Tokens,
        clock: Clock,
    ) -> None:
        self._kinds = kinds
        self._channels = channels
        self._site = site
        self._tokens = tokens
        self._clock = clock

    def draw(self, letter: Letter) -> Message | Unrenderable:
        """The next part of a digest for the channel that its delivery names."""
        channel = self._channels.get(letter.address)
        if channel is None or channel.state is not ChannelState.ACTIVE:
            state = "removed" if channel is None else "disabled"
            return Unrenderable(letter.delivery_id, f"its channel was {state}")
        kind = self._kinds.get(channel.kind)
        if kind is None:
            why = f"no installed package provides channels of the kind {channel.kind}"
            return Unrenderable(letter.delivery_id, why)
        parts = kind.draw(self._post(letter))
        if letter.part >= len(parts):
            return Unrenderable(letter.delivery_id, "its later parts are gone")
        return self._message(letter, channel, kind, parts)

    def greeting(self, channel: SubscriberChannel, subscriber: Subscriber) -> Message | None:
        """A post that says that posts arrive; None for a kind that is not installed."""
        kind = self._kinds.get(channel.kind)
        if kind is None:
            return None
        letter = self._empty_letter(channel, subscriber)
        post = self._post(letter)
        say = post.view.language.say
        said = post.view.frame._replace(
            headline=say("{site} can post here.", site=self._site.name),
            summary=say("This is a test. The digests will come when they are due."),
            note="",
        )
        hello = replace(post, view=replace(post.view, frame=said), web="", team="")
        return self._message(letter, channel, kind, kind.draw(hello))._replace(more=False)

    def _empty_letter(self, channel: SubscriberChannel, subscriber: Subscriber) -> Letter:
        now = self._clock()
        digest = Digest(
            id=DigestId(0),
            subscriber_id=subscriber.id,
            local_date=local_date(now, subscriber.schedule.timezone),
            composed_at=now,
            since=now - timedelta(days=1),
            until=now,
            sections=(),
            considered=0,
        )
        return Letter(
            delivery_id=DeliveryId(0),
            address=channel.reference,
            digest=digest,
            subscriber=subscriber.addressee,
            papers={},
            tokens=_NOBODYS,
        )

    def _post(self, letter: Letter) -> Post:
        digest, subscriber, base = letter.digest, letter.subscriber, self._site.base_url
        if subscriber.style == "full":  # posts have no excerpts, so a summary repeats nothing
            subscriber = subscriber._replace(style="compact")
        seen = view(digest, subscriber, papers=letter.papers, site=self._site, tokens=_NOBODYS)
        return Post(
            key=message_id(digest.id, letter.delivery_id, self._site).strip("<>"),
            view=seen,
            digest=digest,
            papers=letter.papers,
            title=subscriber.name or self._site.name,
            web=f"{base}/s/{self._tokens.sign(Purpose.SHARED, digest.id)}",
            team=f"{base}/t/{self._tokens.sign(Purpose.TEAM, subscriber.id)}",
        )

    def _message(
        self, letter: Letter, channel: SubscriberChannel, kind: Kind, parts: list[bytes]
    ) -> Message:
        body, part = parts[letter.part], letter.part
        key = message_id(letter.digest.id, letter.delivery_id, self._site).strip("<>")
        numbered = f"{key}.{part + 1}" if part else key
        headers: tuple[tuple[str, str], ...] = ()
        if kind.is_signed:
            headers = signed(channel.secret, numbered, body, at=self._clock())
        return Message(
            delivery_id=letter.delivery_id,
            channel=channel.channel,
            address=channel.address,
            message_id=numbered,
            payload=body,
            kind=channel.kind,
            headers=headers,
            more=part + 1 < len(parts),
        )
