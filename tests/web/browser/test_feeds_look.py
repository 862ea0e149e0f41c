"""The page of feeds as people see it: accessible, no wider than the window, and without harm."""

from __future__ import annotations

import pytest

from tests.web.browser.conftest import Window
from tests.web.browser.test_look import LOOKS, OVERFLOW, violations

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("window", LOOKS, indirect=True)
def test_the_feeds_fit_and_are_accessible(window: Window) -> None:
    page = window.open("/feeds")
    assert page.evaluate(OVERFLOW) == 0
    assert violations(page) == []
    assert page.evaluate("window.hurt") is None
    assert window.elsewhere == []
