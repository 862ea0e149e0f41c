"""docs/reference/words.md: the closed lists of the vocabulary, with what each word means."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from digest.model import (
    BounceKind,
    Cadence,
    Channel,
    ChannelState,
    DeliveryState,
    Skip,
    SubscriberState,
    Verdict,
)

_MEMBER: Final = re.compile(r'^    [A-Z_]+ = "([^"]+)"(?:  #: (.*))?$', re.MULTILINE)
_HEAD: Final = """# Words

The words that reports, tables, `--json` and figures use. Each list is closed: there are no others.

| word | meaning |
|---|---|
| source | A place that announces papers. |
| listing | One sighting of one paper in one source, as announced. |
| paper | The work behind one or more listings. Its key is the arXiv id without version, else the \
DOI, else the PubMed id, else the address. |
| subscriber, reader | An address, a time zone, a cadence and a state. |
| interest | One named thing a subscriber wants. All of them together are the profile. |
| match | A paper and an interest, with a score and reasons. |
| digest | One subscriber's issue for one window of papers. |
| delivery | One digest by one channel to one address. |
| channel | How a digest leaves: mail, files, Slack and the like. |
| outbox | The deliveries that are not settled. |
"""
_LISTS: Final[dict[str, tuple[type[StrEnum], str]]] = {
    "Verdicts on a source": (Verdict, "What one answer of a source was worth."),
    "States of a subscriber": (SubscriberState, ""),
    "Cadences": (Cadence, "How often a digest comes."),
    "Why there was no digest": (Skip, "Every due digest that was not made has one of these."),
    "States of a delivery": (DeliveryState, ""),
    "What comes back": (BounceKind, "Kinds of bounces and complaints."),
    "Channels": (Channel, ""),
    "States of a channel": (ChannelState, ""),
}
_PLAIN: Final = {
    "nothing_matched": "papers came, and none of them matched",
    "paused": "the subscriber rests",
    "not_active": "not confirmed, suspended or unsubscribed",
    "suppressed": "the address is on the suppression list",
    "active": "in use",
    "unsubscribed": "by themselves, or by the operator for them",
    "daily": "every day",
    "weekdays": "Monday to Friday",
    "weekly": "on one day of the week",
    "monthly": "on one day of the month, or its last day if it has no such day",
    "mailbox_full": "there is no room at the moment",
    "greylisted": "the other side wants to be asked again later",
    "too_big": "the message is larger than the other side takes",
    "temporary": "something passing at the other side",
    "smtp": "mail, by SMTP, LMTP or sendmail",
    "mailbox": "mail, written as files",
    "slack": "an incoming webhook of Slack",
    "discord": "a webhook of Discord",
    "mattermost": "an incoming webhook of Mattermost",
    "webhook": "a signed post to an address of your own",
    "apprise": "what the apprise package knows",
}


def page() -> str:
    """The whole page as Markdown."""
    parts = [_HEAD]
    for title, (words, about) in _LISTS.items():
        parts.append(f"## {title}\n")
        parts += [f"{about}\n"] if about else []
        parts.append("| word | meaning |\n|---|---|")
        parts += [f"| `{word}` | {said} |" for word, said in _told(words)]
        parts.append("")
    return "\n".join(parts).rstrip() + "\n"


def _told(words: type[StrEnum]) -> Iterator[tuple[str, str]]:
    comments = dict(_MEMBER.findall(inspect.getsource(words)))
    for one in words:
        said = comments.get(one.value) or _PLAIN[one.value]
        yield one.value, said[:1].upper() + said[1:] + "."
