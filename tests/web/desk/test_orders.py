"""Every order through its form, and what it does to the database."""

from __future__ import annotations

import email
import re
from pathlib import Path
from typing import Any

import pytest

from digest.model import SubscriberId
from digest.store.database import Database
from digest.web.desk.trial import TRIALS
from digest.web.rooms import Rooms
from tests.fakes import FrozenClock
from tests.web.desk.conftest import Desk
from tests.web.desk.installation import change
from tests.web.reading import dump, rows
from tests.web.seeds import HOSTILE


def state(rooms: Rooms, number: int) -> tuple[str, str]:
    [found] = rooms.subscribers.profiles([SubscriberId(number)])
    return found.state.value, found.state_reason


def delivery(database: Database, number: int) -> Any:
    return next(row for row in rows(database, "delivery") if row.id == number)


def told(desk: Desk, answer: Any) -> str:
    """What the page says that one is sent back to."""
    assert answer.status_code == 303
    page = desk.get(answer.headers["location"])
    found = re.search(r'role="status">(.*?)</p>', page.text)
    assert found
    return found[1]


# --- readers ------------------------------------------------------------------------------------


def test_a_reader_is_suspended_and_resumed(desk: Desk, rooms: Rooms, database: Database) -> None:
    answer = desk.post("/desk/readers/3/suspend", reason=f"too loud {HOSTILE}")
    assert "Suspended" in told(desk, answer)
    assert state(rooms, 3) == ("suspended", f"too loud {HOSTILE}")
    assert delivery(database, 3).state == "cancelled", "what is queued goes at once"
    assert "Resumed" in told(desk, desk.post("/desk/readers/3/resume"))
    assert state(rooms, 3) == ("active", "")


def test_a_suspension_has_a_reason_anyhow(desk: Desk, rooms: Rooms) -> None:
    desk.post("/desk/readers/1/suspend")
    assert state(rooms, 1) == ("suspended", "by the operator")


def test_who_left_comes_back_by_their_own_wish_only(desk: Desk, rooms: Rooms) -> None:
    rooms.subscriptions.unsubscribe("ada@example.org")
    page = desk.post("/desk/readers/1/resume")
    assert page.status_code == 400
    assert "unsubscribed" in page.text
    assert state(rooms, 1)[0] == "unsubscribed"
    desk.post("/desk/readers/1/resume", they_asked="yes")
    assert state(rooms, 1)[0] == "active"


def test_a_link_is_mailed(desk: Desk, database: Database) -> None:
    before = len(rows(database, "errand"))
    assert "link" in told(desk, desk.post("/desk/readers/1/link"))
    *_, errand = rows(database, "errand")
    assert len(rows(database, "errand")) == before + 1
    assert (errand.kind, errand.address, errand.state) == ("link", "ada@example.org", "queued")


def test_an_address_is_suppressed_and_that_is_lifted(
    desk: Desk, rooms: Rooms, database: Database
) -> None:
    desk.post("/desk/readers/1/suppress")
    assert rooms.subscriptions.is_suppressed("ada@example.org")
    page = desk.get("/desk/readers/1").text
    assert "This address is suppressed since 24 Nov 2026" in page
    assert desk.post("/desk/readers/1/resume").status_code == 400
    assert "Lifted" in told(desk, desk.post("/desk/readers/1/lift"))
    assert not rows(database, "suppression")
    assert "nothing to lift" in told(desk, desk.post("/desk/readers/1/lift"))


@pytest.mark.parametrize("verb", ["suspend", "resume", "link", "suppress", "lift"])
def test_nobody_is_a_404(desk: Desk, database: Database, verb: str) -> None:
    before = dump(database)
    assert desk.post(f"/desk/readers/999/{verb}").status_code == 404
    assert dump(database) == before


# --- deliveries ---------------------------------------------------------------------------------


def test_deliveries_are_tried_again(desk: Desk, database: Database, clock: FrozenClock) -> None:
    answer = desk.post("/desk/deliveries/orders", delivery=["1", "3", "16"], do="retry")
    assert told(desk, answer) == "Queued again."
    assert [delivery(database, n).state for n in (1, 3, 16)] == ["queued", "queued", "delivered"]
    assert delivery(database, 1).next_attempt_at.replace(tzinfo=clock().tzinfo) == clock()
    assert any(
        row.delivery_id == 1 and row.result == "refused" for row in rows(database, "attempt")
    ), "what was said before is kept"


def test_deliveries_are_cancelled_from_the_outbox(desk: Desk, database: Database) -> None:
    orders = {"delivery": ["3", "4"], "do": "cancel", "from": "outbox"}
    answer = desk.post("/desk/deliveries/orders", **orders)
    assert answer.headers["location"].startswith("/desk/outbox")
    assert told(desk, answer) == "Cancelled: it will not be sent."
    assert [delivery(database, n).state for n in (3, 4)] == ["cancelled", "cancelled"]


def test_one_delivery_is_ordered_on_its_own_page(desk: Desk, database: Database) -> None:
    orders = {"delivery": "2", "do": "retry", "from": "delivery"}
    answer = desk.post("/desk/deliveries/orders", **orders)
    assert answer.headers["location"].startswith("/desk/deliveries/2?")
    assert delivery(database, 2).state == "queued"


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"do": "retry"}, 303),
        ({"do": "retry", "delivery": "16"}, 303),
        ({"do": "cancel", "delivery": ["x", "-1", "99999999999999999999", "77"]}, 303),
        ({"do": "purge", "delivery": "1"}, 400),
        ({"delivery": "1"}, 400),
    ],
    ids=str,
)
def test_an_order_that_fits_nothing_changes_nothing(
    desk: Desk, database: Database, fields: dict[str, Any], status: int
) -> None:
    before = dump(database)
    answer = desk.post("/desk/deliveries/orders", **fields)
    assert answer.status_code == status
    if status == 303:
        assert "Nothing was changed" in told(desk, answer)
    assert dump(database) == before


def test_no_order_is_offered_that_nothing_takes(desk: Desk, database: Database) -> None:
    page = desk.get("/desk/deliveries", state="delivered").text
    assert 'name="do"' not in page
    assert 'name="delivery"' not in page
    for number in (3, 4):
        change(database, number, state="delivered")
    assert 'name="do"' not in desk.get("/desk/outbox").text


def test_a_paused_account_is_tried_at_once(desk: Desk, database: Database) -> None:
    assert "Try it now" in desk.get("/desk/outbox").text
    answer = desk.post("/desk/outbox/resume", account="smtp.example.org")
    assert told(desk, answer) == "The account is tried at once."
    [route] = rows(database, "route")
    assert (route.paused_at, route.failures) == (None, 0)
    again = desk.post("/desk/outbox/resume", account="smtp.example.org")
    assert told(desk, again) == "The account was not paused."
    assert desk.post("/desk/outbox/resume", account="none").status_code == 404


# --- at the door --------------------------------------------------------------------------------


def test_the_mail_that_asks_is_sent_once_more(desk: Desk, database: Database) -> None:
    [asked] = [row for row in rows(database, "errand") if row.kind == "join"]
    answer = desk.post(f"/desk/wishes/{asked.id}/again")
    assert "once more" in told(desk, answer)
    again = [row for row in rows(database, "errand") if row.kind == "join"][-1]
    assert again.id != asked.id
    assert (again.address, again.details) == (asked.address, asked.details)


def test_what_is_done_or_over_is_not_asked_again(
    desk: Desk, database: Database, clock: FrozenClock, rooms: Rooms
) -> None:
    kinds = {row.kind: row.id for row in rows(database, "errand")}
    assert desk.post(f"/desk/wishes/{kinds['link']}/again").status_code == 404
    assert desk.post("/desk/wishes/999/again").status_code == 404
    rooms.joining.confirm(kinds["join"])
    before = dump(database)
    assert desk.post(f"/desk/wishes/{kinds['join']}/again").status_code == 404
    assert dump(database) == before


# --- sources, and a test mail -------------------------------------------------------------------


def test_a_source_is_asked_and_nothing_is_stored(desk: Desk, database: Database) -> None:
    def stored() -> dict[str, list[Any]]:
        return {name: found for name, found in dump(database).items() if name != "rate"}

    before = stored()
    page = desk.post("/desk/source/ask", name="Lamps")
    assert page.status_code == 200
    assert "4 listings" in page.text
    assert "Lanterns in fog, part 12" in page.text
    assert stored() == before


def test_a_source_that_does_not_answer_says_why(desk: Desk) -> None:
    page = desk.post("/desk/source/ask", name="Fogs & <b>mists</b>").text
    assert "gone.xml: No such file" in page
    assert "<b>mists" not in page


def test_a_source_nobody_reads_is_a_404(desk: Desk) -> None:
    assert desk.post("/desk/source/ask", name="Nobody").status_code == 404
    assert desk.get("/desk/source", name="Nobody").status_code == 404


def test_a_test_mail_takes_the_way_of_real_ones(desk: Desk, folder: Path) -> None:
    before = set((folder / "mail").rglob("*.eml"))
    page = desk.post("/desk/trial", address="op@Example.org")
    assert page.status_code == 200
    assert "Accepted by mailbox" in page.text
    [mail] = set((folder / "mail").rglob("*.eml")) - before
    assert email.message_from_bytes(mail.read_bytes())["To"] == "op@example.org"


@pytest.mark.parametrize("address", ["nobody", "a@b\r\nBcc: c@example.org", HOSTILE])
def test_a_test_mail_to_nobody_says_so(desk: Desk, folder: Path, address: str) -> None:
    before = set((folder / "mail").rglob("*.eml"))
    page = desk.post("/desk/trial", address=address)
    assert page.status_code == 400
    assert 'id="address-fault"' in page.text
    assert HOSTILE not in page.text
    assert set((folder / "mail").rglob("*.eml")) == before


def test_test_mails_are_not_sent_without_end(desk: Desk) -> None:
    codes = [desk.post("/desk/trial", address="x").status_code for _ in range(TRIALS.most + 1)]
    assert codes[-2:] == [400, 429]
