"""The page that shows a mailbox: every digest as HTML and as text beside each other.

It reads .eml files and writes one file that needs nothing else, neither server nor network. The
HTML parts are shown in sandboxed frames, where no script runs. It judges and changes no message.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_TEMPLATE = Path(__file__).with_name("gallery.html.j2")
_LINKS_OUTSIDE = '<base target="_blank">'  # a link must not replace the message in its frame


@dataclass(frozen=True, slots=True)
class Letter:
    """One message of the mailbox, as the page shows it; `at` is None without a readable date."""

    file: str
    to: str
    subject: str
    at: datetime | None
    html: str
    text: str
    anchor: str = ""

    @property
    def day(self) -> str:
        return f"{self.at:%a} {self.at.day} {self.at:%b}" if self.at else ""

    @property
    def sent(self) -> str:
        return (
            f"{self.at:%A}, {self.at.day} {self.at:%B %Y, %H:%M} {self.at.tzname()}"
            if self.at
            else "no date"
        )

    @property
    def html_size(self) -> str:
        return f"{len(self.html.encode()) / 1000:.0f} kB"


def build_gallery(mailbox: Path, target: Path) -> Path:
    """Write the page for every .eml file under `mailbox` to `target`, and return `target`."""
    letters = read_letters(mailbox)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(_page(letters, mailbox, target), "utf-8")
    return target


def read_letters(mailbox: Path) -> tuple[Letter, ...]:
    """Every message, newest day first, then by address."""
    files = sorted(mailbox.rglob("*.eml"))
    letters = sorted((_letter(file, mailbox) for file in files), key=_order)
    return tuple(_anchored(letter, number) for number, letter in enumerate(letters, 1))


def _order(letter: Letter) -> tuple[int, str, str]:
    day = letter.at.date().toordinal() if letter.at else 0
    return (-day, letter.to, letter.file)


def _anchored(letter: Letter, number: int) -> Letter:
    fields = (letter.file, letter.to, letter.subject, letter.at, letter.html, letter.text)
    return Letter(*fields, anchor=f"digest-{number}")


def _letter(file: Path, mailbox: Path) -> Letter:
    message = message_from_bytes(file.read_bytes(), policy=policy.default)
    return Letter(
        file=file.relative_to(mailbox).as_posix(),
        to=_header(message, "To"),
        subject=_header(message, "Subject") or "(no subject)",
        at=_date(_header(message, "Date")),
        html=_part(message, "html"),
        text=_part(message, "plain"),
    )


def _header(message: EmailMessage, name: str) -> str:
    return " ".join(str(message.get(name, "")).split())


def _date(value: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()).replace("\r\n", "\n") if part else ""


def _page(letters: tuple[Letter, ...], mailbox: Path, target: Path) -> str:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATE.parent), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template(_TEMPLATE.name).render(
        title="The demo’s mailbox",
        dates=_dates(letters),
        summary=_summary(letters),
        mailbox=os.path.relpath(mailbox, target.parent),
        letters=[_shown(letter) for letter in letters],
    )


def _shown(letter: Letter) -> dict[str, str]:
    names = ("file", "to", "subject", "anchor", "text", "day", "sent", "html_size")
    html = letter.html.replace("<head>", f"<head>{_LINKS_OUTSIDE}", 1)
    return {**{name: getattr(letter, name) for name in names}, "html": html}


def _summary(letters: tuple[Letter, ...]) -> str:
    people = len({letter.to for letter in letters})
    digests = "1 digest" if len(letters) == 1 else f"{len(letters)} digests"
    return f"{digests} for {'1 subscriber' if people == 1 else f'{people} subscribers'}."


def _dates(letters: tuple[Letter, ...]) -> str:
    days = sorted({letter.at.date() for letter in letters if letter.at})
    written = [f"{day:%A}, {day.day} {day:%B %Y}" for day in days[:1] + days[1:][-1:]]
    return " to ".join(written)
