"""Opening the operator's pages on an application."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Final

from digest.alerts import look
from digest.config import AnySource
from digest.model import Fetched, Outcome, Window
from digest.notices import send_trial
from digest.operators import Accounts
from digest.rendering.trial import TrialTokens
from digest.rhythm.sources import Rhythms
from digest.store.bounces import BounceStore
from digest.store.days import DayStore
from digest.store.health import HealthStore
from digest.store.people import Directory
from digest.store.routes import RouteStore
from digest.store.suppressions import Suppression
from digest.store.suppressions import find as find_suppression
from digest.subscriptions.addresses import fingerprints
from digest.web.desk.rooms import Configured, DeskRooms
from digest.wiring import App

PROBED: Final = timedelta(days=2)  #: how far back a source is asked by hand


def desk_of(app: App) -> DeskRooms:
    """The operator's rooms of one application."""
    settings, database = app.settings, app.database
    rhythms = Rhythms(settings.sources, settings.scheduler.sources_minutes, app.papers)

    def ask(name: str) -> Fetched:
        now = app.clock()
        return app.origins.ask(name, Window(now - PROBED, now))[name]

    def trial(address: str) -> Outcome:
        return send_trial(app, address)

    def suppression(address: str) -> Suppression | None:
        hashes = fingerprints(address, settings.signing_keys())
        return find_suppression(database, hashes, app.clock())

    return DeskRooms(
        accounts=Accounts(
            database,
            configured=settings.web.operator_hashes(),
            keys=settings.signing_keys(),
            clock=app.clock,
        ),
        database=database,
        health=HealthStore(database),
        days=DayStore(database),
        directory=Directory(database),
        bounces=BounceStore(database),
        routes=RouteStore(database),
        sources=tuple(_configured(one, rhythms) for one in settings.sources),
        alerts=lambda now: look(database, settings, now),
        next_asks=rhythms.next_asks,
        ask=ask,
        suppression=suppression,
        explain=app.explain,
        preview=partial(app.preview, tokens=TrialTokens()),
        send_trial=trial,
        channel=settings.delivery.channel,
    )


def _configured(source: AnySource, rhythms: Rhythms) -> Configured:
    categories = getattr(source, "categories", None) or []
    place = source.path or getattr(source, "url", None) or " ".join(categories)
    minutes = int(rhythms.every(source).total_seconds() // 60)
    return Configured(source.name, source.kind, str(place), source.enabled, minutes)
