"""The web application: the guards around every request, and one router a page.

    log | headers | proxies | HEAD | 304 | kept | gzip | tags | body cap | same origin | routes

It constructs no store, writes no row and keeps nothing between requests but what can be read again:
any number of processes may serve one database. GET and HEAD change nothing (guarantee 6).
"""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

import digest
from digest.web import (
    address,
    archive,
    channels,
    confirm,
    digest_page,
    feedback,
    feeds,
    health,
    history,
    home,
    hooks,
    interests,
    link,
    own_data,
    paper,
    preferences,
    private_feeds,
    resting,
    search,
    sources,
    static,
    subscribe,
    takeover,
    tokens,
    unsubscribe,
)
from digest.web.answers import HeadAsGet, NotModified, Tagged
from digest.web.api.application import ROOT, create_api
from digest.web.assets import Assets
from digest.web.bodies import SmallBodies
from digest.web.desk.door import add_door
from digest.web.desk.routers import DESK
from digest.web.faults import add_faults, is_secure, refuse
from digest.web.headers import SafeHeaders
from digest.web.kept import KeptPages
from digest.web.links import Links
from digest.web.log import RequestLog
from digest.web.origin import SameOrigin
from digest.web.proxies import TrustedProxies
from digest.web.rooms import Rooms
from digest.web.visit import Desk

PAGES: Final[tuple[APIRouter, ...]] = (
    home.router,
    archive.router,
    paper.router,
    search.router,
    sources.router,
    feeds.router,
    digest_page.router,
    subscribe.router,
    takeover.router,
    confirm.router,
    link.router,
    preferences.router,
    interests.router,
    resting.router,
    channels.router,
    private_feeds.router,
    tokens.router,
    history.router,
    address.router,
    own_data.router,
    feedback.router,
    unsubscribe.router,
    hooks.router,
    static.router,
    health.router,
)


def create_app(rooms: Rooms) -> FastAPI:
    """The application over these rooms; any ASGI server serves it."""
    desk = Desk(rooms, Assets(rooms.overrides, rooms.brand), Links.below(rooms.site.base_url))
    app = FastAPI(
        title=rooms.site.name,
        version=digest.__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        middleware=_guards(desk),
    )
    app.state.desk = desk
    for router in (*PAGES, *DESK):
        app.include_router(router)
    app.mount(ROOT, create_api(desk))
    add_faults(app)
    add_door(app)
    return app


def _guards(desk: Desk) -> list[Middleware]:
    """Outermost first."""
    rooms = desk.rooms
    return [
        Middleware(RequestLog),
        Middleware(SafeHeaders, secure=is_secure(desk)),
        Middleware(TrustedProxies, networks=rooms.trusted_proxies),
        Middleware(HeadAsGet),
        Middleware(NotModified),
        Middleware(KeptPages, desk=desk),
        Middleware(GZipMiddleware, minimum_size=500, compresslevel=4),
        Middleware(Tagged),
        Middleware(SmallBodies, refuse=refuse),
        Middleware(SameOrigin, base_url=rooms.site.base_url, refuse=refuse),
    ]
