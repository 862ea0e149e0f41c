"""Opening the pages on an application: what they need of it, and nothing made that it has."""

from __future__ import annotations

from digest.access import Access
from digest.operations import Operations
from digest.store.archive import ArchiveStore
from digest.store.limits import LimitStore
from digest.subscriptions.changing import Changing
from digest.subscriptions.joining import Joining
from digest.web.desk.opening import desk_of
from digest.web.rooms import ApiRates, Rooms
from digest.wiring import App


def rooms_of(app: App) -> Rooms:
    """The rooms of one application."""
    keys = app.settings.signing_keys()
    return Rooms(
        site=app.site,
        papers=app.papers,
        archive=ArchiveStore(app.database),
        editions=app.editions,
        subscribers=app.subscribers,
        subscriptions=app.subscriptions,
        templates=app.templates,
        tokens=app.tokens,
        clock=app.clock,
        search=app.searcher,
        limits=LimitStore(app.database, key=keys[0]),
        joining=Joining(app.database, app.subscriptions, keys=keys, clock=app.clock),
        changing=Changing(app.database, keys=keys, clock=app.clock),
        feedback=app.feedback,
        backtester=app.backtester,
        channels=app.channels,
        webhooks=app.post.webhooks,
        access=Access(app.database, clock=app.clock),
        operations=Operations(
            app.database,
            subscriptions=app.subscriptions,
            keys=keys,
            explain=app.explain,
            clock=app.clock,
        ),
        api=ApiRates(**app.settings.api.model_dump()),
        hub=app.settings.web.websub_hub or "",
        desk=desk_of(app),
        languages=tuple(app.settings.site.languages),
        overrides=app.settings.site.templates,
        brand=app.brand,
        trusted_proxies=tuple(str(one) for one in app.settings.web.trusted_proxies),
    )
