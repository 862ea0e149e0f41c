"""The mail itself: headers, envelope and MIME parts as bytes ready for the wire.

A pure function: the same delivery gives the same bytes and the same Message-ID however often it is
tried (guarantee 2). The body is built by the standard library under a 76-column policy; header
fields are our own (see `headers`). The joiner makes the same mail without the standard library.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import quote, urlsplit

from digest.model import (
    Addressee,
    Cadence,
    Channel,
    DeliveryId,
    Digest,
    DigestId,
    Message,
    Paper,
    PaperId,
    Site,
)
from digest.rendering.email import SIZE_BUDGET, render
from digest.rendering.environment import Templates
from digest.rendering.headers import mailbox, phrase, unstructured, wire_address
from digest.rendering.language import speak
from digest.rendering.links import MailTokens
from digest.rendering.view import view

#: "=_" cannot occur in quoted-printable (RFC 2045 §6.7), so this never occurs in a part.
BOUNDARY: Final = "=_paper-digest_part"
# The standard policy's 78 columns would be two too many for quoted-printable; and serialising under
# a short limit would fold what must stay whole.
_SHORT_LINES: Final = SMTP.clone(max_line_length=76)
_LONG_LINES: Final = SMTP.clone(max_line_length=998)
_SENDER: Final = "digest:paperdigest"


class Letter(NamedTuple):
    """One delivery of one digest: all that its bytes depend on, besides the templates."""

    delivery_id: DeliveryId
    address: str
    digest: Digest
    subscriber: Addressee
    papers: Mapping[PaperId, Paper]
    tokens: MailTokens
    envelope_from: str = ""  #: VERP sender; empty: the site's own address
    part: int = 0  #: of a digest in several posts: how many have arrived
    #: The same object as long as no paper that was in `papers` becomes another; None: not told.
    reading: object = None


def compose_mail(
    letter: Letter,
    site: Site,
    *,
    templates: Templates,
    channel: Channel = Channel.SMTP,
    budget: int = SIZE_BUDGET,
) -> Message:
    """The mail by templates and standard library; raises TemplateFault, or ValueError (address)."""
    rendered = render(
        view(
            letter.digest,
            letter.subscriber,
            papers=letter.papers,
            site=site,
            tokens=letter.tokens,
        ),
        templates,
        budget=budget,
    )
    pieces = [b"", parts(rendered.text, rendered.html)]
    return Letterhead(site).sealed(letter, rendered.subject, pieces, head=0, channel=channel)


class Letterhead:
    """The header and envelope of one site's mails; what they all have alike is made once."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._opens = _shared_fields(site) + "To: "
        self._end = f"@{host(site.base_url)}>"
        self._unsubscribe = f"List-Unsubscribe: <{site.base_url}/u/"
        self._by_mail = f">, <mailto:{_unsubscribe_address(site)}?subject=unsubscribe%20"

    def sealed(
        self,
        letter: Letter,
        subject: str,
        pieces: list[bytes],
        *,
        head: int,
        channel: Channel,
        is_sound: bool = False,
    ) -> Message:
        """A mail in its envelope, joined from pieces; the one at `head`, its header, is made here.

        `is_sound`: the others are fit for the wire as they are.
        """
        address = wire_address(letter.address)
        message_id = f"<digest.{letter.digest.id}.{letter.delivery_id}{self._end}"
        pieces[head] = fields = self._fields(letter, subject, address, message_id).encode()
        payload = b"".join(pieces)
        return Message(
            letter.delivery_id,
            channel,
            address,
            message_id,
            payload,
            letter.envelope_from or self._site.from_address,
            sound_tail=len(payload) - len(fields) if is_sound else 0,
        )

    def _fields(self, letter: Letter, subject: str, address: str, message_id: str) -> str:
        """All header fields but those that describe the body, each line ended."""
        digest, subscriber = letter.digest, letter.subscriber
        name, unsubscribe = subscriber.name, letter.tokens.unsubscribe
        return (
            f"{self._opens}{mailbox(name, address) if name else address}\r\n"
            f"Subject: {unstructured(subject)}\r\n"
            f"Date: {_date(digest.composed_at)}\r\n"
            f"Message-ID: {message_id}\r\n"
            f"{self._unsubscribe}{unsubscribe}{self._by_mail}{unsubscribe}>\r\n"
            f"{_classed(digest.local_date, subscriber.schedule.cadence, subscriber.language)}"
        )


def _shared_fields(site: Site) -> str:
    fields = {
        "From": mailbox(site.from_name or site.name, site.from_address),
        "Reply-To": wire_address(site.operator_email),
        "List-Id": f"{phrase(site.name)} <papers.{host(site.base_url)}>",  # RFC 2919
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",  # RFC 8058
        "Auto-Submitted": "auto-generated",  # RFC 3834
        "MIME-Version": "1.0",
    }
    return "".join(f"{name}: {value}\r\n" for name, value in fields.items())


def message_id(digest: DigestId, delivery: DeliveryId, site: Site) -> str:
    """The same for every try of one delivery."""
    return f"<digest.{digest}.{delivery}@{host(site.base_url)}>"


@lru_cache(maxsize=64)
def host(base_url: str) -> str:
    """The site's domain for identifiers, in ASCII."""
    name = urlsplit(base_url).hostname or "localhost"
    return name if name.isascii() else name.encode("idna").decode("ascii")


def _unsubscribe_address(site: Site) -> str:
    return quote(wire_address(site.unsubscribe_address or site.operator_email), safe="@+")


@lru_cache(maxsize=256)
def _classed(day: date, cadence: Cadence, language: str) -> str:
    """The fields by which mails are told apart or put together."""
    return (
        f"Feedback-ID: {day:%Y%m%d}:{cadence}:{_SENDER}\r\n"
        f"Content-Language: {speak(language).code}\r\n"
    )


@lru_cache(maxsize=256)
def _date(composed_at: datetime) -> str:
    return format_datetime(composed_at)


def parts(text: str, html: str) -> bytes:
    """The two parts and the header fields that describe them, by the standard library."""
    message = EmailMessage(policy=_SHORT_LINES)
    message.set_content(text, cte="quoted-printable")
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    message.set_boundary(BOUNDARY)
    for part in message.walk():
        del part["MIME-Version"]
    return message.as_bytes(policy=_LONG_LINES)
