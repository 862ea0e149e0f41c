"""The mails that answer somebody at the door: confirm, your link, a new address. Pure.

Each says what was asked for, has one button, and says that doing nothing is fine. One only tells
the address a digest had that it has moved; its button writes to the operator. Nothing that was
typed at the door stands in them: whoever types somebody else's address must not be able to make us
carry his words there. They belong to no list, so they have no List-Unsubscribe.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from email.utils import format_datetime
from typing import Final

from digest.model import (
    Channel,
    DeliveryId,
    Errand,
    ErrandKind,
    Message,
    Site,
    SubscriberState,
)
from digest.rendering.email import ERRAND_HTML, ERRAND_TEXT
from digest.rendering.environment import Templates
from digest.rendering.headers import mailbox, unstructured, wire_address
from digest.rendering.language import Language, message, speak
from digest.rendering.message import host, parts
from digest.rendering.plaintext import wrap

_SERVED: Final = (SubscriberState.ACTIVE, SubscriberState.PAUSED)
_IDLE: Final = message(
    "If you did not ask for this, do nothing: without the click nothing changes, "
    "and what was asked is soon forgotten."
)
_DONE: Final = message("If it was you, there is nothing to do, and nothing more comes here.")


@dataclass(frozen=True, slots=True)
class Words:
    """What the templates lay out; `label` and `url` are the one button."""

    language: str
    direction: str
    subject: str
    headline: str
    lines: tuple[str, ...]
    label: str
    url: str
    small: tuple[str, ...]
    identity: str


def compose_errand(
    errand: Errand,
    token: str,
    *,
    delivery: DeliveryId,
    channel: Channel,
    site: Site,
    templates: Templates,
) -> Message:
    """The mail; raises TemplateFault, or ValueError for what is no address."""
    words = words_of(errand, token, site, speak(errand.language))
    identifier = f"<errand.{errand.id}@{host(site.base_url)}>"  # the same however often it is tried
    head = _fields(errand, words, identifier, site)
    html = templates.html(ERRAND_HTML, words=words, _=speak(errand.language).text)
    text = templates.text(ERRAND_TEXT, words=_wrapped(words), _=speak(errand.language).text)
    return Message(
        delivery_id=delivery,
        channel=channel,
        address=wire_address(errand.address),
        message_id=identifier,
        payload=head.encode() + parts(text.rstrip() + "\n", html.rstrip() + "\n"),
        envelope_from=site.from_address,
    )


def words_of(errand: Errand, token: str, site: Site, language: Language) -> Words:
    """The words of one errand's mail."""
    match errand.kind:
        case ErrandKind.JOIN:
            said = _join(errand, site, language)
        case ErrandKind.LINK:
            said = _link(site, language)
        case ErrandKind.CHANGE:
            said = _change(site, language)
        case ErrandKind.MOVED:
            said = _moved(errand, site, language)
    subject, headline, lines, label, path = said
    is_over = errand.kind is ErrandKind.MOVED
    return Words(
        language=language.code,
        direction=language.direction,
        subject=subject,
        headline=headline,
        lines=lines,
        label=label,
        url=path if is_over else f"{site.base_url}/{path}/{token}",
        small=(language.text(_DONE if is_over else _IDLE),),
        identity=site.identity or site.name,
    )


_Said = tuple[str, str, tuple[str, ...], str, str]


def _join(errand: Errand, site: Site, language: Language) -> _Said:
    say = language.say
    asked = say(
        "Somebody, most likely you, asked {site} to send this address "
        "the few new papers that fit what you work on.",
        site=site.name,
    )
    if errand.stands not in _SERVED:
        further = say("Say yes on the page behind this button, and it begins.")
    else:
        further = say(
            "This address has a digest here already. Say yes on the page behind this button, "
            "and what was asked for is added to it."
        )
    subject = say("Confirm your digest from {site}", site=site.name)
    return subject, say("One click, and it begins"), (asked, further), say("Confirm"), "c"


def _link(site: Site, language: Language) -> _Said:
    say = language.say
    lines = (
        say("This link opens your interests, your rhythm and everything else you can change."),
        say("It needs no password, so keep it to yourself."),
    )
    subject = say("Your link to {site}", site=site.name)
    return subject, say("Here is your link"), lines, say("Open my digest"), "p"


def _change(site: Site, language: Language) -> _Said:
    say = language.say
    asked = say("A reader of {site} asked to have the digest sent to this address.", site=site.name)
    further = say("Say yes on the page behind this button, and the next one comes here.")
    subject = say("Confirm your new address at {site}", site=site.name)
    return subject, say("Your new address"), (asked, further), say("Confirm"), "a"


def _moved(errand: Errand, site: Site, language: Language) -> _Said:
    say = language.say
    lines = (
        say(
            "The digest of {site} that came to this address goes to {address} from now on.",
            site=site.name,
            address=str(errand.details.get("to", "")),
        ),
        say("It was asked for on its own page, and the new address has confirmed it."),
    )
    subject = say("Your digest from {site} has moved", site=site.name)
    headline, label = say("It goes elsewhere now"), say("That was not me: write to us")
    return subject, headline, lines, label, f"mailto:{site.operator_email}"


def _fields(errand: Errand, words: Words, identifier: str, site: Site) -> str:
    fields = {
        "From": mailbox(site.from_name or site.name, site.from_address),
        "Reply-To": wire_address(site.operator_email),
        "To": wire_address(errand.address),
        "Subject": unstructured(words.subject),
        "Date": format_datetime(errand.created_at),
        "Message-ID": identifier,
        "Auto-Submitted": "auto-replied",  # RFC 3834 §5: sent because somebody asked
        "Content-Language": words.language,
        "MIME-Version": "1.0",
    }
    return "".join(f"{name}: {value}\r\n" for name, value in fields.items())


def _wrapped(words: Words) -> Words:
    return replace(
        words,
        lines=tuple(wrap(line, indent="") for line in words.lines),
        small=tuple(wrap(line, indent="") for line in words.small),
        identity=wrap(words.identity, indent=""),
    )
