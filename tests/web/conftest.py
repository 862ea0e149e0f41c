"""The pages over a real store with the demo's papers: by test client, or served to a browser.

`rooms` is for reading; every test gets a database of its own.
"""

from __future__ import annotations

import dataclasses
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from digest.access import Access
from digest.backtest import Backtester
from digest.bounces import Hearing, Webhooks
from digest.channels import ConfiguredChannels
from digest.config import Settings
from digest.delivery.provider_events import Trust
from digest.explaining import Answer
from digest.feedback import Feedback
from digest.model import Site
from digest.operations import Operations
from digest.rendering.environment import Templates
from digest.searching import Searcher
from digest.searching.staging import Setting
from digest.store.archive import ArchiveStore
from digest.store.bounces import BounceStore
from digest.store.database import Database
from digest.store.editions import EditionStore
from digest.store.limits import LimitStore
from digest.store.papers import PaperStore
from digest.store.searchable import SearchableStore
from digest.store.subscribers import SubscriberStore
from digest.store.vectors import StoredVectors
from digest.subscriptions import Subscriptions
from digest.subscriptions.changing import Changing
from digest.subscriptions.joining import Joining
from digest.tokens import Tokens
from digest.web.app import create_app
from digest.web.rooms import Rooms
from digest.web.serving import listen, make_server
from tests.fakes import FrozenClock
from tests.web import seeds

SITE = Site(
    name="Lab Reading Group",
    base_url="https://papers.example.org",
    identity="Lab Reading Group, 1 Quay, Harbour Town",
    operator_email="operator@example.org",
    from_address="digest@example.org",
)


@pytest.fixture(scope="session")
def seeded(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with a week of papers, a reader and a digest."""
    path = tmp_path_factory.mktemp("seeded") / "digest.db"
    shutil.copyfile(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    seeds.remember(database, [*seeds.listings(), seeds.hostile()])
    seeds.issue(database, seeds.subscribe(database))
    database.dispose()
    return path


@pytest.fixture
def web_database(seeded: Path, tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{shutil.copyfile(seeded, tmp_path / 'web.db')}")
    yield database
    database.dispose()


def searcher(database: Database) -> Searcher:
    """Search by words alone: quick to make, and it has no vectors to write down."""
    return Searcher(
        SearchableStore(database),
        PaperStore(database),
        embedder=None,
        vectors=StoredVectors(database),
    )


def _backtester(database: Database, searching: Searcher) -> Backtester:
    """Matching by words alone: quick to make, and the same on every machine."""
    store, papers = SearchableStore(database), PaperStore(database)
    return Backtester(searching, Setting(store, papers, None, background_days=30, daily_volume=5.0))


def make_channels(
    database: Database,
    subscriptions: Subscriptions,
    clock: FrozenClock,
    *,
    private: bool = True,
    **section: Any,
) -> ConfiguredChannels:
    """Channels as configured; posts may go to this machine, where the tests listen."""
    site = {"operator_email": SITE.operator_email, "secret_keys": list(seeds.KEYS)}
    settings = Settings.model_validate(
        {
            "site": site,
            "channels": {"timeout_seconds": 1, **section},
            "web": {"allow_private_addresses": private},
        }
    )
    return ConfiguredChannels(
        settings,
        database,
        site=SITE,
        tokens=Tokens(seeds.KEYS),
        subscriptions=subscriptions,
        clock=clock,
        stop=threading.Event(),
    )


def make_webhooks(
    database: Database, subscriptions: Subscriptions, clock: FrozenClock, **trust: Any
) -> Webhooks:
    """The providers' door; nobody's signature is known unless `trust` says so."""
    hearing = Hearing(
        BounceStore(database),
        subscribers=SubscriberStore(database),
        subscriptions=subscriptions,
        tokens=Tokens(seeds.KEYS),
        clock=clock,
    )
    return Webhooks(hearing, Trust(clock(), **trust), fetch=_nowhere, clock=clock)


def _nowhere(url: str) -> bytes:
    raise OSError(f"nothing is fetched here: {url}")


def _explain(email: str, paper: str) -> Answer:
    """The decision is another room's; what is told of it is these tests'."""
    return Answer(sent=True, headline=f"Sent to {email}.", steps=(f"It was {paper}.",))


def make_rooms(database: Database, clock: FrozenClock, **fields: Any) -> Rooms:
    """Rooms as the composition root makes them, any field overridable."""
    papers, archive = PaperStore(database), ArchiveStore(database)
    searching = searcher(database)
    subscriptions = Subscriptions(database, keys=seeds.KEYS, clock=clock)
    tokens = Tokens(seeds.KEYS)
    defaults: dict[str, Any] = {
        "site": SITE,
        "papers": papers,
        "archive": archive,
        "editions": EditionStore(database),
        "subscribers": SubscriberStore(database),
        "subscriptions": subscriptions,
        "templates": Templates(),
        "tokens": tokens,
        "clock": clock,
        "search": searching,
        "limits": LimitStore(database, key=seeds.KEYS[0]),
        "joining": Joining(database, subscriptions, keys=seeds.KEYS, clock=clock),
        "changing": Changing(database, keys=seeds.KEYS, clock=clock),
        "feedback": Feedback(database, clock=clock),
        "backtester": _backtester(database, searching),
        "channels": make_channels(database, subscriptions, clock),
        "webhooks": make_webhooks(database, subscriptions, clock),
        "access": Access(database, clock=clock),
        "operations": Operations(
            database, subscriptions=subscriptions, keys=seeds.KEYS, explain=_explain, clock=clock
        ),
    }
    return Rooms(**defaults | fields)


@pytest.fixture
def rooms(web_database: Database, clock: FrozenClock) -> Rooms:
    return make_rooms(web_database, clock)


@pytest.fixture
def app(rooms: Rooms) -> FastAPI:
    return create_app(rooms)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, SITE.base_url, follow_redirects=False) as client:
        yield client


@contextmanager
def serving(make: Callable[[str], FastAPI]) -> Iterator[str]:
    """Serve the application that `make` gives for a base URL, on a port of its own."""
    with closing(listen("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = make_server(make(url))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield url
        finally:
            server.should_exit = True
            thread.join(timeout=10)


@pytest.fixture
def live_server(rooms: Rooms) -> Iterator[str]:
    """The base URL under which the pages are served, for a real browser."""

    def make(url: str) -> FastAPI:
        site = dataclasses.replace(rooms.site, base_url=url)
        return create_app(dataclasses.replace(rooms, site=site))

    with serving(make) as url:
        yield url
