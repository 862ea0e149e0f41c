"""The API of a whole application, as the composition root makes it, over HTTP."""

from __future__ import annotations

import dataclasses

import httpx
import pytest
from fastapi import FastAPI

from digest.access import OPERATORS, Access
from digest.config import Settings
from digest.store.database import Database
from digest.web.app import create_app
from digest.web.opening import rooms_of
from digest.wiring import App
from tests.fakes import FrozenClock
from tests.web import seeds
from tests.web.conftest import serving
from tests.web.seeds import READER


@pytest.fixture
def application(database_url: str, clock: FrozenClock) -> App:
    """A week of papers, a reader and a digest, on each engine."""
    database = Database(database_url)
    seeds.remember(database, [*seeds.listings(), seeds.hostile()])
    seeds.issue(database, seeds.subscribe(database))
    settings = Settings.model_validate(
        {
            "site": {"operator_email": "ops@example.org", "secret_keys": list(seeds.KEYS)},
            "matching": {"embedder": "lexical"},
            "api": {"reads_per_minute": 5},
        }
    )
    return App(settings, database, clock=clock)


def test_it_answers_over_http(application: App, clock: FrozenClock) -> None:
    rooms = rooms_of(application)
    access = Access(application.database, clock=clock)
    mine = {"Authorization": f"Bearer {access.grant('mine', email=READER).secret}"}
    ours = {"Authorization": f"Bearer {access.grant('ours', OPERATORS).secret}"}

    def make(url: str) -> FastAPI:
        site = dataclasses.replace(rooms.site, base_url=url)
        return create_app(dataclasses.replace(rooms, site=site))

    with serving(make) as url, httpx.Client(base_url=f"{url}/api/v1/") as client:
        found = client.get("search", params={"q": "retriev*", "limit": 2}).json()
        assert found["total"] > 2
        assert len(client.get(found["next"]).json()["items"]) == 2
        digest = client.get("me/digests/1", headers=mine).json()
        paper = digest["sections"][0]["items"][0]["paper"]["id"]
        said = client.put(f"me/feedback/{paper}", headers=mine, json={"verdict": "down"})
        assert said.json()["taught"]
        explained = client.get(
            "operator/subscribers/1/explanation", headers=ours, params={"paper": paper}
        ).json()
        assert explained["sent"]
        assert explained["headline"].startswith("Sent in the digest of 2026-11-20")
        assert client.get("operator/status", headers=ours).json()["subscribers"] == {"active": 1}
        everybody = client.get("operator/subscribers", headers=ours, params={"q": "READER"}).json()
        assert [one["email"] for one in everybody["items"]] == [READER]
        assert client.get("operator/subscribers/1/export", headers=ours).status_code == 200
        assert [client.get("papers").status_code for _ in range(4)] == [200, 200, 200, 429]
        assert access.listed()[0][0].last_used_at == clock()
    application.database.dispose()
