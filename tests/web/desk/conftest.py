"""The operator's pages over a lived-in installation; every test gets a database of its own."""

from __future__ import annotations

import dataclasses
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import Response
from starlette.testclient import TestClient

from digest.store.database import Database
from digest.web.app import create_app
from digest.web.rooms import Rooms
from tests.fakes import FrozenClock
from tests.web.conftest import serving
from tests.web.desk.installation import LAST, NAME, PASSWORD, live, opened

KEY = re.compile(r'name="form_key" value="([0-9a-f]{128})"')


@pytest.fixture(scope="session")
def lived(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database and the files of an installation after a week."""
    folder = tmp_path_factory.mktemp("lived")
    shutil.copyfile(sqlite_template, folder / "digest.db")
    database = Database(f"sqlite:///{folder / 'digest.db'}")
    live(database, folder)
    database.dispose()
    return folder


@pytest.fixture
def folder(lived: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(lived, tmp_path / "house"))


@pytest.fixture
def url(folder: Path) -> str:
    return f"sqlite:///{folder / 'digest.db'}"


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(LAST)


@pytest.fixture
def rooms(folder: Path, url: str, clock: FrozenClock) -> Iterator[Rooms]:
    with opened(folder, url, clock) as rooms:
        yield rooms


@pytest.fixture
def database(rooms: Rooms) -> Database:
    assert rooms.desk is not None
    return rooms.desk.database


@pytest.fixture
def app(rooms: Rooms) -> FastAPI:
    return create_app(rooms)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, "https://papers.example.org", follow_redirects=False) as client:
        yield client


@pytest.fixture
def operator(rooms: Rooms) -> str:
    assert rooms.desk is not None
    return rooms.desk.accounts.add(NAME, PASSWORD).name


@dataclass
class Desk:
    """An operator's browser: forms are posted with the key of the page they stand in."""

    client: TestClient
    key: str = ""

    def sign_in(self, name: str = NAME, password: str = PASSWORD, **more: str) -> Response:
        key = form_key(self.get("/desk/sign-in"))
        said = {"form_key": key, "name": name, "password": password, **more}
        answer = self.client.post("/desk/sign-in", data=said)
        if answer.status_code == 303:
            self.key = form_key(self.get("/desk"))
        return answer

    def get(self, path: str, **query: Any) -> Response:
        return self.client.get(path, params=query or None)

    def post(self, path: str, **fields: Any) -> Response:
        return self.client.post(path, data={"form_key": self.key, **fields})


def form_key(page: Response) -> str:
    found = KEY.search(page.text)
    assert found, page.text[:500]
    return found[1]


@pytest.fixture
def outside(client: TestClient, operator: str) -> Desk:
    """A browser at the door."""
    return Desk(client)


@pytest.fixture
def desk(outside: Desk) -> Desk:
    """A browser signed in."""
    assert outside.sign_in().status_code == 303
    return outside


@pytest.fixture
def live_server(rooms: Rooms, operator: str) -> Iterator[str]:
    """The base URL under which the pages are served, for a real browser."""

    def make(url: str) -> FastAPI:
        site = dataclasses.replace(rooms.site, base_url=url)
        return create_app(dataclasses.replace(rooms, site=site))

    with serving(make) as url:
        yield url
