"""The API over a store of its own, as everybody and with a token of each kind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from digest.access import OPERATORS
from digest.model import Scope
from digest.web.rooms import Rooms
from tests.web.conftest import SITE
from tests.web.seeds import READER

ROOT = "/api/v1"
OTHER = "other@example.org"


@dataclass(frozen=True)
class Program:
    """Somebody's program: a client, and the header it sends."""

    client: TestClient
    secret: str = ""

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}"} if self.secret else {}

    def ask(self, method: str, path: str, **said: Any) -> httpx2.Response:
        headers = self.headers | said.pop("headers", {})
        url = path if path.startswith("http") else f"{ROOT}{path}"
        return self.client.request(method, url, headers=headers, **said)

    def get(self, path: str, **said: Any) -> httpx2.Response:
        return self.ask("GET", path, **said)

    def all(self, path: str) -> list[dict[str, Any]]:
        """Every item of a list, page by page."""
        found: list[dict[str, Any]] = []
        following: str | None = path
        while following:
            answer = self.get(following)
            assert answer.status_code == 200, answer.text
            found += answer.json()["items"]
            following = answer.json()["next"]
        return found


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(
        app, SITE.base_url, follow_redirects=False, raise_server_exceptions=False
    ) as client:
        yield client


@pytest.fixture
def anybody(client: TestClient) -> Program:
    return Program(client)


@pytest.fixture
def mine(client: TestClient, rooms: Rooms) -> Program:
    """The reader's own program."""
    return Program(client, rooms.access.grant("mine", email=READER).secret)


@pytest.fixture
def theirs(client: TestClient, rooms: Rooms) -> Program:
    """Another subscriber's program."""
    rooms.subscriptions.add({"email": OTHER, "interests": [{"name": "Owls", "query": "owl*"}]})
    return Program(client, rooms.access.grant("theirs", email=OTHER).secret)


@pytest.fixture
def operator(client: TestClient, rooms: Rooms) -> Program:
    return Program(client, rooms.access.grant("ours", OPERATORS).secret)


def only(client: TestClient, rooms: Rooms, scope: Scope) -> Program:
    """A program whose token has one scope."""
    email = READER if scope.is_personal else None
    return Program(client, rooms.access.grant(scope, [scope], email=email).secret)
