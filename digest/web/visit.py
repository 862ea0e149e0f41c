"""One request as the pages see it: who asks, in which language, and how to answer with a page.

    def show(visit: Visiting) -> Response:
        return visit.public("web/about.html.j2", title=visit.say(...))

Every page is drawn by a template of `sheets.CONTEXT`; its context is exactly what stands there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import HTMLResponse, Response

from digest.rendering.language import Language, own_name, speak
from digest.web.assets import Assets
from digest.web.headers import PRIVATE, PUBLIC
from digest.web.languages import choose, instead, named
from digest.web.links import Links
from digest.web.proxies import client_key
from digest.web.rooms import Rooms


@dataclass(frozen=True, slots=True)
class Desk:
    """What every request of one installation shares."""

    rooms: Rooms
    assets: Assets
    links: Links


@dataclass(frozen=True, slots=True)
class InLanguage:
    """The page that is looked at in one of the languages, which is called by its own name."""

    code: str
    name: str
    url: str
    is_current: bool


@dataclass(frozen=True)
class Visit:
    """One request."""

    request: Request
    desk: Desk

    @property
    def rooms(self) -> Rooms:
        return self.desk.rooms

    @cached_property
    def links(self) -> Links:
        """Where everything is, in the language that was chosen by name."""
        return replace(self.desk.links, language=self.chosen)

    @cached_property
    def chosen(self) -> str:
        """The language asked for by name (`?lang=de`), "" for none."""
        return named(self.request.url.query, self.rooms.languages)

    @cached_property
    def language(self) -> Language:
        """What public pages are in."""
        wished = self.request.headers.get("accept-language", "")
        return speak(self.chosen or choose(wished, self.rooms.languages))

    def speaking(self, usual: str) -> Language:
        """What a reader's own pages are in: chosen by name, else their `usual` language."""
        return speak(self.chosen or usual)

    @property
    def client(self) -> str:
        """A name for who asks, for counting; an address, so never logged."""
        return client_key(self.request.client.host if self.request.client else "")

    def public(self, template: str, *, status: int = 200, **context: object) -> Response:
        """A page that is the same for everybody who speaks this language."""
        headers = {"Cache-Control": PUBLIC}
        if not self.chosen:
            headers["Vary"] = "Accept-Language"
        return self._page(template, self.language, status, headers, context)

    def private(
        self,
        template: str,
        *,
        status: int = 200,
        language: Language | None = None,
        **context: object,
    ) -> Response:
        """A page for one reader: kept nowhere, found by no search engine."""
        headers = {"Cache-Control": PRIVATE}
        return self._page(template, language or self.language, status, headers, context)

    def draw(self, template: str, language: Language, **context: object) -> str:
        """The template filled with what every page has, and its own."""
        return self.rooms.templates.html(
            template,
            site=self.rooms.site,
            links=self.links,
            asset=self.desk.assets.path,
            language=language,
            languages=self._languages(language),
            _=language.text,
            _n=language.count,
            _s=language.say,
            **{"query": "", **context},
        )

    def _languages(self, current: Language) -> list[InLanguage]:
        """This page in every language; none where a choice would lose what was typed."""
        offered = self.rooms.languages
        if len(offered) < 2 or self.request.method != "GET":
            return []
        queries = instead(self.request.url.query, offered)
        return [
            InLanguage(code, own_name(code), f"?{query}", speak(code) is current)
            for code, query in zip(offered, queries, strict=True)
        ]

    def _page(
        self,
        template: str,
        language: Language,
        status: int,
        headers: dict[str, str],
        context: dict[str, object],
    ) -> Response:
        html = self.draw(template, language, **context)
        return HTMLResponse(html, status, headers | {"Content-Language": language.code})


# Asynchronous, or every request would wait for a thread just to be wrapped.
async def _visit(request: Request) -> Visit:
    return Visit(request, request.app.state.desk)


Visiting = Annotated[Visit, Depends(_visit)]
