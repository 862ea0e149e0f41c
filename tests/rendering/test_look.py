"""How the mail looks to a browser: nothing overflows, thumbs find their targets, dark is dark."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.rendering.look import CHROMIUM

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"{CHROMIUM} is not installed"),
]


@pytest.fixture(scope="module")
def seen() -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "tests.rendering.look"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    records: list[dict[str, Any]] = json.loads(done.stdout)
    return records


def test_nothing_overflows(seen: list[dict[str, Any]]) -> None:
    assert [(r["mail"], r["width"]) for r in seen if r["scroll"] > r["width"]] == []


def test_nothing_is_fetched(seen: list[dict[str, Any]]) -> None:
    assert [call for record in seen for call in record["calls"]] == []


def test_thumbs_find_their_targets(seen: list[dict[str, Any]]) -> None:
    on_phones = [r for r in seen if r["width"] < 480 and r["mail"] == "sample"]
    heights = [height for record in on_phones for _, height in record["targets"]]
    assert heights
    assert min(heights) >= 44


def test_nothing_is_too_small_to_read(seen: list[dict[str, Any]]) -> None:
    assert min(record["smallest"] for record in seen) >= 12


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_ink_stands_out_from_paper(seen: list[dict[str, Any]], scheme: str) -> None:
    for record in seen:
        if record["scheme"] == scheme:
            sheet = luminance(record["sheet"])
            assert (sheet < 0.05) is (scheme == "dark")
            assert contrast(sheet, luminance(record["ink"])) >= 7
            assert contrast(sheet, luminance(record["faint"])) >= 4.5


def luminance(colour: str) -> float:
    """Relative luminance of `rgb(r, g, b)`, WCAG 2.2."""
    parts = [int(part) / 255 for part in colour[4:-1].split(",")]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: float, other: float) -> float:
    light, dark = max(one, other), min(one, other)
    return (light + 0.05) / (dark + 0.05)
