"""Long German words and scripts without spaces on a phone: nothing is cut off, nothing overlaps."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from digest.phrases import LANGUAGES
from digest.store.database import Database
from digest.web.rooms import Rooms
from tests.fakes import FrozenClock
from tests.rendering.test_languages import part
from tests.web.browser.conftest import Window
from tests.web.browser.test_look import OVERFLOW, SMALLEST, violations
from tests.web.conftest import make_rooms
from tests.web.reading import Links

pytestmark = pytest.mark.browser

#: Texts wider than what holds them, but for what is there for screen readers alone.
CUT = """() => [...document.querySelectorAll('a, button, label, legend, h1, h2, h3, p, summary')]
  .filter(it => !it.closest('.unseen, .skip, pre, select, [dir=auto]') && it.offsetParent)
  .filter(it => it.scrollWidth > it.clientWidth + 1 && getComputedStyle(it).display !== 'inline')
  .map(it => it.outerHTML.slice(0, 120))"""
SMALL = f"""() => [...document.querySelectorAll('footer a')]
  .filter(it => it.getBoundingClientRect().height < {SMALLEST})
  .map(it => it.outerHTML)"""


@pytest.fixture
def rooms(web_database: Database, clock: FrozenClock) -> Rooms:
    return make_rooms(web_database, clock, languages=LANGUAGES)


def paths(rooms: Rooms) -> Iterator[str]:
    own = Links.of(rooms)
    yield from ("/", "/search", "/subscribe", "/sources", "/paper/1", "/feeds")
    yield from (own.preferences, f"{own.preferences}/interest/1", f"{own.preferences}/channels")
    yield from (own.unsubscribe, f"{own.feedback}/1/mute")


@pytest.mark.parametrize("window", [pytest.param((375, "light"), id="phone")], indirect=True)
@pytest.mark.parametrize("code", ["de", "fr", "zh", "ja"])
def test_pages_fit_on_a_phone(window: Window, rooms: Rooms, code: str) -> None:
    for path in paths(rooms):
        page = window.open(f"{path}?lang={code}")
        assert page.evaluate(OVERFLOW) == 0, path
        assert page.evaluate(CUT) == [], path
        assert page.evaluate(SMALL) == [], path
    assert not violations(page)


@pytest.mark.parametrize("code", ["de", "fr", "zh", "ja"])
def test_the_mail_fits_on_a_phone(browser: Browser, code: str) -> None:
    page = browser.new_page(viewport={"width": 375, "height": 800})
    page.set_content(part(code, "html"))
    assert page.evaluate(OVERFLOW) == 0
    page.close()
