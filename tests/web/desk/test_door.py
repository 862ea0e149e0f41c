"""The door: who comes in, who stays outside, and how a session begins and ends."""

from __future__ import annotations

import dataclasses
import re
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from digest.operators import ABSOLUTE, IDLE
from digest.store.database import Database
from digest.web.app import create_app
from digest.web.desk.door import ROOT, TRIES
from digest.web.desk.routers import DESK
from digest.web.rooms import Rooms
from tests.fakes import FrozenClock
from tests.web.desk.conftest import Desk, form_key
from tests.web.desk.installation import NAME, PASSWORD, opened
from tests.web.reading import dump

COOKIE = "__Host-desk"
ORDERS = [
    route.path
    for router in DESK
    for route in router.routes
    if isinstance(route, APIRoute)
    and "POST" in (route.methods or ())
    and route.path != "/desk/sign-in"
]


def is_inside(client: TestClient) -> bool:
    answer = client.get("/desk")
    assert answer.status_code in (200, 303)
    return answer.status_code == 200


# --- coming in ----------------------------------------------------------------------------------


def test_name_and_password_open_the_desk(outside: Desk) -> None:
    assert not is_inside(outside.client)
    answer = outside.sign_in()
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk")
    page = outside.get("/desk")
    assert "Sign out ada" in page.text
    assert page.headers["cache-control"] == "no-store"
    assert "noindex" in page.headers["x-robots-tag"]


def test_a_wrong_name_and_a_wrong_password_look_the_same(outside: Desk) -> None:
    wrong = [outside.sign_in(NAME, "not the password"), outside.sign_in("nobody", PASSWORD)]
    told = [re.sub(r'[0-9a-f]{128}|value="(ada|nobody)"', "", one.text) for one in wrong]
    assert [one.status_code for one in wrong] == [401, 401]
    assert told[0] == told[1]
    assert "do not go together" in told[0]
    assert not is_inside(outside.client)


def test_the_cookie_is_no_script_s_and_no_other_host_s(outside: Desk) -> None:
    said = outside.sign_in().headers["set-cookie"]
    assert said.startswith(f"{COOKIE}=")
    parts = {part.strip().lower() for part in said.split(";")[1:]}
    assert {"httponly", "secure", "path=/", "samesite=lax"} <= parts
    assert not any(part.startswith(("domain", "max-age", "expires")) for part in parts)


def test_over_plain_http_the_cookie_goes_to_the_desk_alone(rooms: Rooms, operator: str) -> None:
    site = dataclasses.replace(rooms.site, base_url="http://127.0.0.1:8000/lab")
    app = create_app(dataclasses.replace(rooms, site=site))
    with TestClient(app, "http://127.0.0.1:8000", follow_redirects=False) as client:
        said = client.get("/desk/sign-in").headers["set-cookie"]
    assert said.startswith("desk=")
    assert "Path=/lab/desk" in said
    assert "Secure" not in said


def test_one_comes_back_to_the_page_one_asked_for(outside: Desk) -> None:
    sent = outside.get("/desk/deliveries", state="refused")
    assert sent.headers["location"] == "/desk/sign-in?to=%2Fdesk%2Fdeliveries%3Fstate%3Drefused"
    answer = outside.sign_in(to="/desk/deliveries?state=refused")
    assert answer.headers["location"] == "/desk/deliveries?state=refused"


@pytest.mark.parametrize(
    "place", ["https://evil.example/", "//evil.example", "/desk//evil", "/desk/../p", "/", "x"]
)
def test_one_is_never_sent_elsewhere(outside: Desk, place: str) -> None:
    location = outside.sign_in(to=place).headers["location"]
    assert location == "/desk" or location.startswith("/desk/")
    assert "evil.example" not in location.partition("/desk")[0]


def test_who_is_signed_in_needs_no_door(desk: Desk) -> None:
    assert desk.get("/desk/sign-in").headers["location"] == "/desk"


# --- many tries ---------------------------------------------------------------------------------


def test_one_client_may_not_try_for_ever(outside: Desk, clock: FrozenClock) -> None:
    most = TRIES[0].most
    tried = [outside.sign_in(f"name{n}", "x" * 12).status_code for n in range(most + 1)]
    assert tried == [401] * most + [429]
    assert outside.sign_in().status_code == 429, "the right password waits, too"
    clock.tick(minutes=16)
    assert outside.sign_in().status_code == 303


def test_one_account_may_not_be_tried_for_ever(app: FastAPI, operator: str) -> None:
    most, codes = TRIES[1].most, []
    for number in range(most + 1):
        with TestClient(
            app, "https://papers.example.org", client=(f"192.0.2.{number}", 5000)
        ) as client:
            codes.append(Desk(client).sign_in(NAME.upper(), f"guess {number}").status_code)
    assert codes == [401] * most + [429]


def test_an_unknown_account_is_counted_as_a_known_one_is(app: FastAPI, operator: str) -> None:
    for number in range(TRIES[1].most + 1):
        with TestClient(
            app, "https://papers.example.org", client=(f"192.0.2.{number}", 5000)
        ) as client:
            code = Desk(client).sign_in("nobody", f"guess {number}").status_code
    assert code == 429


# --- sessions -----------------------------------------------------------------------------------


def test_a_cookie_that_was_planted_is_worth_nothing(outside: Desk) -> None:
    outside.get("/desk/sign-in")
    planted = outside.client.cookies[COOKIE]
    assert outside.sign_in().status_code == 303
    fresh = outside.client.cookies[COOKIE]
    assert fresh.split(".")[0] != planted.split(".")[0]
    outside.client.cookies.clear()
    outside.client.cookies.set(COOKIE, planted)
    assert not is_inside(outside.client)


def test_signing_in_again_makes_a_new_session(desk: Desk) -> None:
    first = desk.client.cookies[COOKIE]
    desk.client.cookies.clear()
    desk.sign_in()
    assert desk.client.cookies[COOKIE].split(".")[0] != first.split(".")[0]


def test_a_session_nobody_uses_ends(desk: Desk, clock: FrozenClock) -> None:
    clock.now += IDLE + timedelta(minutes=1)
    assert not is_inside(desk.client)


def test_a_session_in_use_lasts_and_ends_all_the_same(desk: Desk, clock: FrozenClock) -> None:
    end = clock.now + ABSOLUTE
    while clock.now + IDLE / 2 < end:
        clock.now += IDLE / 2
        assert is_inside(desk.client)
    clock.set(end)
    assert not is_inside(desk.client)


def test_signing_out_ends_the_session_wherever_its_cookie_is(desk: Desk) -> None:
    copied = desk.client.cookies[COOKIE]
    answer = desk.post("/desk/sign-out")
    assert answer.headers["location"] == "/desk/sign-in"
    assert not is_inside(desk.client)
    desk.client.cookies.set(COOKIE, copied)
    assert not is_inside(desk.client)


def test_another_password_ends_every_session(desk: Desk, rooms: Rooms) -> None:
    assert rooms.desk is not None
    rooms.desk.accounts.change_password(NAME, "seven quiet harbour bells")
    assert not is_inside(desk.client)
    assert desk.post("/desk/readers/1/suspend").headers["location"] == "/desk/sign-in"


# --- forms --------------------------------------------------------------------------------------


def test_there_are_orders() -> None:
    assert len(ORDERS) >= 11


def test_an_order_without_this_session_s_key_is_refused(
    desk: Desk, app: FastAPI, database: Database
) -> None:
    with TestClient(app, "https://papers.example.org", follow_redirects=False) as client:
        other = Desk(client)
        door = form_key(other.get("/desk/sign-in"))
        other.sign_in()
    before = dump(database)
    for path in ORDERS:
        for key in ("", "0" * 128, "x", other.key, door):
            answer = desk.post(path.replace("{number}", "1"), form_key=key)
            assert answer.status_code == 403, path
    assert dump(database) == before


def test_an_order_of_nobody_is_sent_to_the_door(outside: Desk, database: Database) -> None:
    before = dump(database)
    for path in ORDERS:
        answer = outside.post(path.replace("{number}", "1"))
        assert (answer.status_code, answer.headers["location"]) == (303, "/desk/sign-in"), path
    assert dump(database) == before


def test_another_site_may_not_order(desk: Desk, database: Database) -> None:
    before = dump(database)
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        answer = desk.client.post(
            "/desk/readers/1/suspend", data={"form_key": desk.key}, headers=headers
        )
        assert answer.status_code == 403
    assert dump(database) == before


def test_signing_in_takes_a_form_of_the_door(outside: Desk) -> None:
    said = {"name": NAME, "password": PASSWORD}
    assert outside.client.post("/desk/sign-in", data=said).status_code == 403
    key = form_key(outside.get("/desk/sign-in"))
    outside.client.cookies.clear()
    assert outside.client.post("/desk/sign-in", data={**said, "form_key": key}).status_code == 403


def test_a_form_s_key_is_never_the_same_twice(desk: Desk) -> None:
    keys = {form_key(desk.get("/desk")) for _ in range(3)}
    assert len(keys) == 3
    for key in keys:
        assert desk.post("/desk/readers/1/link", form_key=key).status_code == 303


# --- where there is nobody ----------------------------------------------------------------------


def test_without_an_account_the_desk_says_how_to_make_one(client: TestClient) -> None:
    assert client.get("/desk").headers["location"] == "/desk/sign-in"
    page = client.get("/desk/sign-in")
    assert page.status_code == 200
    assert "digest operators add NAME" in page.text
    assert "password" not in re.findall(r'name="(\w+)"', page.text)
    for secret in ("ops@example.org", "ada@", "Lamps", "sqlite"):
        assert secret not in page.text


def test_an_account_of_the_configuration_opens_the_desk(
    folder: Path, url: str, clock: FrozenClock
) -> None:
    from tests.web.desk.installation import QUICK

    web = {"operators": [{"name": "Eve", "password_hash": QUICK.hash(PASSWORD)}]}
    with opened(folder, url, clock, web=web) as rooms:
        app = create_app(rooms)
        with TestClient(app, "https://papers.example.org", follow_redirects=False) as client:
            assert Desk(client).sign_in("eve").status_code == 303
            assert is_inside(client)


def test_pages_opened_without_the_desk_have_none(rooms: Rooms) -> None:
    app = create_app(dataclasses.replace(rooms, desk=None))
    with TestClient(app, "https://papers.example.org") as client:
        assert client.get(ROOT).status_code == 404


def test_what_is_done_at_the_door_is_written_down(
    outside: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", "digest.web.desk"):
        outside.sign_in(NAME, "wrong wrong wrong")
        outside.sign_in()
        outside.post("/desk/readers/1/suspend", reason="they asked")
    told = [record for record in caplog.records if record.name.startswith("digest.web.desk")]
    actions = [vars(record).get("action") for record in told]
    assert actions == ["desk.refused", "desk.signed_in", "desk.suspended"]
    assert vars(told[-1])["operator"] == NAME
    for secret in (PASSWORD, "wrong wrong", "ada@example.org", outside.key):
        assert secret not in caplog.text
