"""The documentation builds without a warning or the network, and no page asks another host."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.docs.pages import pages
from tests.house.code import ROOT
from tools.pictures import pictures

#: attributes that make a browser fetch something by itself
_FETCHED = {
    "script": "src",
    "img": "src",
    "source": "srcset",
    "iframe": "src",
    "video": "src",
    "audio": "src",
    "link": "href",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built pages; a warning, a broken link or a page outside the navigation ends the build."""
    folder = tmp_path_factory.mktemp("site")
    nowhere = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-m", "mkdocs", "build", "--strict", "-d", str(folder)],
        cwd=ROOT,
        env={**os.environ, **nowhere, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "WARNING" not in ended.stderr, ended.stderr
    return folder


class _Fetches(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        wanted = _FETCHED.get(tag)
        is_page = tag == "link" and ("rel", "canonical") in attrs
        self.found += [value or "" for name, value in attrs if name == wanted and not is_page]


def test_no_page_asks_another_host_for_anything(site: Path) -> None:
    for page in site.rglob("*.html"):
        seen = _Fetches()
        seen.feed(page.read_text("utf-8"))
        others = [one for one in seen.found if one.startswith(("http:", "https:", "//"))]
        assert seen.found, page
        assert not others, f"{page.relative_to(site)}: {others}"


def test_no_style_asks_another_host_for_anything(site: Path) -> None:
    for sheet in site.rglob("*.css"):
        text = sheet.read_text("utf-8")
        assert "url(http" not in text, sheet
        assert "url(//" not in text, sheet
        assert "@import" not in text, sheet


def test_pictures_are_small() -> None:
    big = [
        f"{one.name}: {one.stat().st_size:,} bytes"
        for one in (ROOT / "docs" / "images").iterdir()
        if one.stat().st_size > 150_000
    ]
    assert not big


@pytest.mark.parametrize(
    "name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "deploy/README.md"]
)
def test_links_outside_of_the_site_lead_somewhere(name: str) -> None:
    """Those in docs/ are the build's to check."""
    page = ROOT / name
    text = page.read_text("utf-8")
    links = re.findall(r'(?:\]\(|src="|srcset=")([^)"\s]+)', text)
    places = [one.partition("#")[0] for one in links if "://" not in one]
    assert [one for one in places if not (page.parent / one).exists()] == []


def test_every_picture_is_one_that_can_be_taken_again_and_is_shown() -> None:
    kept = {one.name for one in (ROOT / "docs" / "images").iterdir()}
    assert kept == {f"{one.name}.webp" for one in pictures("/p/token")}
    shown = "".join(one.read_text("utf-8") for one in pages())
    assert {name for name in kept if name not in shown} == set()
