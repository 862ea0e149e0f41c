"""The operator's pages in a real browser: accessible, in bounds, harmless; previews in a frame."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.web.browser.conftest import CHROMIUM, Scheme, Window
from tests.web.browser.test_look import OVERFLOW, SMALLEST, violations
from tests.web.desk.installation import NAME, PASSWORD
from tests.web.desk.test_desk_pages import EVERY

pytestmark = pytest.mark.browser

LOOKS = [
    pytest.param((375, "dark"), id="phone, dark"),
    pytest.param((1280, "light"), id="desk, light"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM:
        pytest.skip("Chromium is not installed")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def window(browser: Browser, live_server: str, request: pytest.FixtureRequest) -> Iterator[Window]:
    """A window at the door."""
    look: tuple[int, Scheme] = getattr(request, "param", (1280, "light"))
    width, scheme = look
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce"
    )
    window = Window(context.new_page(), live_server)
    window.watch()
    yield window
    context.close()


def sign_in(window: Window) -> Page:
    page = window.open("/desk")
    page.get_by_label("Name").fill(NAME)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/desk")
    return page


@pytest.mark.parametrize("window", LOOKS, indirect=True)
def test_every_page_fits_and_is_accessible(window: Window) -> None:
    assert not violations(window.open("/desk"))
    sign_in(window)
    for path in EVERY:
        page = window.open(path)
        for details in page.locator("details").all():
            details.evaluate("one => one.open = true")
        assert page.evaluate(OVERFLOW) == 0, path
        assert not violations(page), path
        assert page.evaluate("window.hurt") is None
    assert window.elsewhere == []
    assert [said for said in window.said if "status of 40" not in said] == []


def test_what_a_thumb_needs_is_large_enough(browser: Browser, live_server: str) -> None:
    context = browser.new_context(viewport={"width": 375, "height": 800}, has_touch=True)
    window = Window(context.new_page(), live_server)
    page = sign_in(window)
    for path in ("/desk", "/desk/readers/3", "/desk/deliveries", "/desk/outbox"):
        page = window.open(path)
        small = page.evaluate(
            """least => [...document.querySelectorAll('a, button, select, summary, label.tick')]
                .filter(one => one.checkVisibility() && !one.closest('p, .skip'))
                .filter(one => {
                    const box = one.getBoundingClientRect()
                    return box.height > 0 && box.height < least
                }).map(one => one.outerHTML)""",
            SMALLEST,
        )
        assert small == [], path
    context.close()


def test_a_preview_is_drawn_in_its_frame_light_and_dark(window: Window) -> None:
    sign_in(window)
    colours = []
    for look in ("light", "dark"):
        page = window.open(f"/desk/templates?look={look}")
        frame = page.frame_locator("iframe")
        frame.get_by_role("heading", name="Five papers for you today").wait_for()
        colours.append(
            frame.locator("body").evaluate("one => getComputedStyle(one).backgroundColor")
        )
        page = window.open(f"/desk/templates?which=page&look={look}")
        frame = page.frame_locator("iframe")
        frame.get_by_role("heading", name="Five papers for you today").wait_for()
        colours.append(
            frame.locator("body").evaluate("one => getComputedStyle(one).backgroundColor")
        )
    assert colours == ["rgb(251, 250, 247)"] * 2 + ["rgb(22, 21, 20)"] * 2
    assert window.said == []
    assert window.elsewhere == []


def test_an_operator_works_by_keyboard_and_without_a_script(
    browser: Browser, live_server: str
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = sign_in(Window(context.new_page(), live_server))
    page.get_by_role("link", name="Readers", exact=True).click()
    page.get_by_label("Part of an address or a name").fill("cy")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="cy@example.org").click()
    page.get_by_role("button", name="Suspend").press("Enter")
    assert page.get_by_role("status").inner_text().startswith("Suspended")
    page.get_by_role("button", name="Resume").click()
    assert page.get_by_role("status").inner_text().startswith("Resumed")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/desk/sign-in")
    page.goto(f"{live_server}/desk/readers")
    assert page.get_by_label("Password").is_visible()
    context.close()
