"""The reader behind a signed link, and the pages that are theirs alone.

The token proves that we wrote the link to their address; whoever has it is the reader. Unknown and
faulty tokens look the same (404). Nothing of a token ever stands in a query, a log or a Referer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends
from starlette.responses import RedirectResponse, Response

from digest.errors import UnknownSubscriber
from digest.model import Interest, InterestId, Subscriber, SubscriberId
from digest.rendering.language import Language, message
from digest.tokens import Purpose
from digest.web.forms import as_number
from digest.web.visit import Visit, Visiting

#: What a page says after something was done; the address carries the name, never the words.
SAID: Final = {
    "rhythm": message("Your rhythm is saved."),
    "look": message("How your digest looks is saved."),
    "mutes": message("What you never want to see is saved."),
    "added": message("The interest is added."),
    "saved": message("The interest is saved."),
    "removed": message("The interest is gone."),
    "paused": message("Your digest rests."),
    "resumed": message("Your digest comes again."),
    "feeds": message("Your feeds have new addresses. The old ones open nothing any more."),
    "taken-back": message("It is as if you had said nothing of that paper."),
    "channels": message("Where your digest is posted is saved."),
    "channel-gone": message("The channel is gone."),
    "revoked": message("The token opens nothing any more."),
    "shown-again": message("It is shown to you again."),
    "asked": message("A mail is on its way to the new address. It counts once you confirm there."),
}


@dataclass(frozen=True, slots=True)
class Reader:
    """One reader on their pages; `home` is the path of the first of them."""

    visit: Visit
    subscriber: Subscriber
    token: str

    @property
    def language(self) -> Language:
        return self.visit.speaking(self.subscriber.language)

    @property
    def home(self) -> str:
        return self.visit.links.to(f"/p/{self.token}")

    def path(self, rest: str) -> str:
        return self.visit.links.to(f"/p/{self.token}/{rest}")

    def interest(self, number: int) -> Interest:
        """Their interest of this id; raises UnknownSubscriber (a 404) where it is not theirs."""
        for one in self.subscriber.interests:
            if one.id == InterestId(number):
                return one
        raise UnknownSubscriber("There is no such interest.")

    def page(self, template: str, *, status: int = 200, **context: object) -> Response:
        """A page in the reader's own language."""
        return self.visit.private(
            template, status=status, language=self.language, reader=self, **context
        )

    def back(self, said: str, place: str = "") -> Response:
        """To the first page, which says what was done; reloading it does nothing twice."""
        told = said if said in SAID else None
        where = self.visit.links.to(f"/p/{self.token}{place}", said=told)
        return RedirectResponse(where, status_code=303)

    def said(self) -> str:
        name = self.visit.request.query_params.get("said", "")
        return self.language.text(SAID[name]) if name in SAID else ""


def find_reader(visit: Visit, id: int) -> Subscriber:
    """The subscriber of a token's id; raises UnknownSubscriber."""
    found = visit.rooms.subscribers.profiles([SubscriberId(id)])
    if not found:
        raise UnknownSubscriber("Nobody is subscribed by this link.")
    return found[0]


def reader_of(visit: Visit, subscriber: Subscriber) -> Reader:
    """A reader whom we know by another way than their own link."""
    return Reader(visit, subscriber, visit.rooms.tokens.sign(Purpose.PREFERENCES, subscriber.id))


def _reader(visit: Visiting, token: str) -> Reader:
    ids = visit.rooms.tokens.read(Purpose.PREFERENCES, token)
    return Reader(visit, find_reader(visit, ids[0] if ids else 0), token)


Reading = Annotated[Reader, Depends(_reader)]


def number_of(text: str) -> int:
    """A number in a path; one that cannot be is 0, which nothing has."""
    return as_number(text) or 0
