"""The API's page as people see it: accessible, no wider than the window, all of it from here."""

from __future__ import annotations

import pytest

from tests.web.browser.conftest import Window
from tests.web.browser.test_look import LOOKS, OVERFLOW, violations

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("window", LOOKS, indirect=True)
def test_the_documentation_fits_and_is_accessible(window: Window) -> None:
    page = window.open("/api/v1/docs")
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert page.evaluate(OVERFLOW) == 0
    assert violations(page) == []
    assert window.elsewhere == []
    assert window.said == []


def test_a_link_to_an_object_opens_it(window: Window) -> None:
    """The browser opens what an address leads into."""
    page = window.open("/api/v1/docs")
    page.get_by_text("Search by words and by meaning").click()
    page.locator("#search").get_by_role("link", name="FoundPage").click()
    assert page.url.endswith("#FoundPage")
    assert page.locator("#FoundPage").is_visible()
