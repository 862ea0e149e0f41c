"""The pages as a reader has them: phone and desk, light and dark, by keyboard, without harm."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files

import pytest
from playwright.sync_api import Browser, Page

from digest.tokens import Purpose
from digest.web.rooms import Rooms
from tests.web.browser.conftest import Window

pytestmark = pytest.mark.browser

LOOKS = [
    pytest.param((375, "dark"), id="phone, dark"),
    pytest.param((1280, "light"), id="desk, light"),
]
OTHER_LOOKS = [
    pytest.param((320, "light"), id="smallest, light"),
    pytest.param((820, "dark"), id="tablet, dark"),
    pytest.param((1920, "dark"), id="wide, dark"),
]
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
AXE = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
SMALLEST = 24  #: CSS pixels, WCAG 2.2 target size (2.5.8)


def paths(rooms: Rooms) -> Iterator[str]:
    yield from (
        "/",
        "/?tab=categories",
        "/papers/2026-W47",
        "/papers/2026-11?tab=sources",
        "/search",
        "/search?q=retriev*+OR+owls",
    )
    yield from ("/search?q=owls+AND+%28graph", "/paper/1", "/sources", "/nope")
    yield f"/d/{rooms.tokens.sign(Purpose.DIGEST, 1)}"


def violations(page: Page) -> list[str]:
    """What axe-core finds wrong with the page, each with the first elements concerned."""
    page.evaluate(AXE)
    found = page.evaluate("axe.run().then(result => result.violations)")
    return [f"{one['id']}: {[node['html'] for node in one['nodes'][:3]]}" for one in found]


@pytest.mark.parametrize("window", LOOKS, indirect=True)
def test_every_page_fits_and_is_accessible(window: Window, rooms: Rooms) -> None:
    for path in paths(rooms):
        page = window.open(path)
        assert page.evaluate(OVERFLOW) == 0, path
        assert not violations(page), path
        assert page.evaluate("window.hurt") is None
    assert window.elsewhere == []
    assert [said for said in window.said if "status of 40" not in said] == []


@pytest.mark.parametrize("window", OTHER_LOOKS, indirect=True)
def test_no_page_is_wider_than_the_window(window: Window, rooms: Rooms) -> None:
    for path in paths(rooms):
        assert window.open(path).evaluate(OVERFLOW) == 0, path


def test_what_a_thumb_needs_is_large_enough(browser: Browser, live_server: str) -> None:
    context = browser.new_context(viewport={"width": 375, "height": 800}, has_touch=True)
    page = context.new_page()
    for path in ("/", "/search", "/paper/1"):
        page.goto(live_server + path)
        small = page.evaluate(
            """least => [...document.querySelectorAll(
                'header a, nav a, button, input, select, textarea, footer a, .title a, .actions a'
            )].filter(one => {
                const box = one.getBoundingClientRect()
                return box.height > 0 && box.height < least
            }).map(one => one.outerHTML)""",
            SMALLEST,
        )
        buttons = page.evaluate(
            """() => [...document.querySelectorAll('button, .tabs a, header nav a, header input')]
                .map(one => one.getBoundingClientRect().height).filter(height => height > 0)"""
        )
        assert small == [], path
        assert min(buttons) >= 40, path
    context.close()


def test_the_keyboard_goes_everywhere_and_shows_where_it_is(window: Window) -> None:
    page = window.open("/")
    seen = []
    for _ in range(14):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate(
                """() => {
                    const one = document.activeElement, style = getComputedStyle(one)
                    const box = one.getBoundingClientRect()
                    return [one.textContent.trim().slice(0, 30) || one.name,
                        style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
                        box.top >= 0 && box.width > 0]
                }"""
            )
        )
    names = [name for name, _, _ in seen]
    assert names[:3] == ["Skip to the papers", "Lab Reading Group", "q"]
    assert "Trending" in names
    assert all(outlined and visible for _, outlined, visible in seen), seen


def test_the_skip_link_skips(window: Window) -> None:
    page = window.open("/")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_search_without_a_script(browser: Browser, live_server: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(live_server)
    page.get_by_role("searchbox", name="Search papers").fill("retriev* OR notes")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=retriev*")
    page.get_by_label("Source").select_option("medRxiv")
    page.get_by_role("button", name="Search").click()
    page.wait_for_url("**source=medRxiv*")
    assert page.locator("mark").first.is_visible()
    page.get_by_role("heading", level=2).first.get_by_role("link").click()
    page.wait_for_url("**/paper/*/*")
    context.close()


def test_nothing_hostile_runs_in_any_page(window: Window, rooms: Rooms) -> None:
    page = window.open("/search?q=owls")
    page.get_by_role("link", name="Owls at dusk").click()
    assert page.get_by_role("heading", level=1).inner_text().startswith("Owls at dusk <script>")
    page.wait_for_timeout(100)
    assert page.evaluate("window.hurt") is None
    assert page.locator("script").count() == 0
    assert window.elsewhere == []
    assert window.said == []
