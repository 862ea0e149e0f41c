"""The contract and its page: complete, in good order, and from nobody else's host."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from digest.model import Scope
from digest.web.api.application import ROUTERS
from digest.web.api.problems import Kind
from tests.web.api.conftest import Program


@pytest.fixture
def contract(anybody: Program) -> Any:
    return anybody.get("/openapi.json").json()


def operations(contract: Any) -> list[tuple[str, str, Any]]:
    return [
        (path, method, one)
        for path, known in contract["paths"].items()
        for method, one in known.items()
    ]


def test_every_route_is_in_it_under_a_name_of_its_own(contract: Any) -> None:
    names = [one["operationId"] for _, _, one in operations(contract)]
    routes = [
        route.name for each in ROUTERS for route in each.routes if isinstance(route, APIRoute)
    ]
    assert sorted(names) == sorted(routes)
    assert set(Counter(names).values()) == {1}


def test_everything_is_told(contract: Any) -> None:
    for path, method, one in operations(contract):
        assert one["summary"], (path, method)
        assert one["description"], (path, method)
        assert one["tags"][0] in {tag["name"] for tag in contract["tags"]}
        for parameter in one.get("parameters", ()):
            assert parameter.get("description"), (path, parameter["name"])
    assert all(name.isalpha() for name in contract["components"]["schemas"])
    assert all(tag["description"] for tag in contract["tags"])


def test_every_reference_leads_somewhere(contract: Any) -> None:
    for place in set(re.findall(r'"\$ref": "#/([^"]*)"', json.dumps(contract))):
        found = contract
        for part in place.split("/"):
            found = found[part]
        assert found


def test_scopes_and_problems_are_told(contract: Any) -> None:
    scheme = contract["components"]["securitySchemes"]["bearer"]
    assert all(f"`{scope}`" in scheme["description"] for scope in Scope)
    for path, _, one in operations(contract):
        assert {"401", "403", "429", "503"} <= one["responses"].keys()
        is_open = {} in one["security"]
        assert is_open == path.startswith(("/papers", "/search", "/sources", "/counts")), path
    statuses = {str(kind.value.status) for kind in Kind}
    assert {key.removeprefix("Problem") for key in contract["components"]["responses"]} == statuses


def test_it_names_its_server_by_the_configured_address(contract: Any, anybody: Program) -> None:
    assert contract["openapi"] == "3.1.0"
    assert contract["servers"] == [{"url": "https://papers.example.org/api/v1"}]
    index = anybody.get("/", headers={"Host": "evil.example"}).json()
    assert index["contract"] == "https://papers.example.org/api/v1/openapi.json"
    assert anybody.get("/papers/", headers={"Host": "evil.example"}).status_code == 404


def test_the_page_tells_all_of_it(client: TestClient, contract: Any) -> None:
    answer = client.get("/api/v1/docs")
    html = answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"].startswith("public")
    for path, method, one in operations(contract):
        assert f"<b>{method.upper()}</b> {path}</code>" in html
        assert f'id="{one["operationId"]}"' in html
    for name in contract["components"]["schemas"]:
        assert f'id="{name}"' in html
    for kind in Kind:
        assert f'id="{kind.value.name}"' in html
    ids = Counter(re.findall(r'\sid="([^"]*)"', html))
    assert set(ids.values()) == {1}
    for target in re.findall(r'href="#([^"]*)"', html):
        assert target in ids


def test_the_page_loads_nothing_from_elsewhere(client: TestClient) -> None:
    html = client.get("/api/v1/docs").text
    assert "<script" not in html
    assert " style=" not in html
    assert not re.findall(r'(?:src|srcset)="', html)
    assert all(
        link.startswith(("/", "#", "mailto:")) for link in re.findall(r'href="([^"]*)"', html)
    )


def test_the_pages_lead_to_it(client: TestClient) -> None:
    for path in ("/", "/feeds"):
        assert 'href="/api/v1/docs"' in client.get(path).text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("POST", "/papers", 405), ("GET", "/papers/x", 422)],
)
def test_faults_are_problems(anybody: Program, method: str, path: str, status: int) -> None:
    answer = anybody.ask(method, path)
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, problem["status"]) == (status, status)
    assert problem["type"].startswith("https://papers.example.org/api/v1/docs#")
    assert problem["detail"]
    if status == 405:
        assert answer.headers["allow"] == "GET"
