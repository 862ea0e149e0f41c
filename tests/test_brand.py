"""An installation's own looks: logo, colours and a line at the foot, in mails and pages."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from digest.branding import LARGEST, brand_of
from digest.config.brand import ACCENT, ACCENT_DARK, DARK, LIGHT, contrast
from digest.errors import ConfigError
from digest.rendering.brand import PLAIN, Brand
from digest.rendering.environment import Templates
from digest.rendering.message import compose_mail
from digest.rendering.trial import difference
from digest.rendering.wire import Joiner
from digest.web.app import create_app
from tests.rendering import samples
from tests.rendering.look import page_of
from tests.scheduler.conftest import KEY, make_settings
from tests.web.conftest import make_rooms, rooms, seeded, web_database

__all__ = ["rooms", "seeded", "web_database"]  # fixtures


def png(width: int = 96, height: int = 32) -> bytes:
    """A picture of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    rows = b"".join(b"\0" + b"\x2c\x6b\x3f" * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def branded(folder: Path, **said: Any) -> Brand:
    (folder / "logo.png").write_bytes(said.pop("content", png()))
    said = {"logo": folder / "logo.png", "accent": "#7a1f3d", "accent_dark": "#f2a0b8"} | said
    site = {
        "name": "Harbour Lab",
        "base_url": "https://papers.example.org",
        "operator_email": "op@example.org",
        "secret_keys": [KEY],
        "brand": said | {"footer": "Funded by <nobody> & all."},
    }
    return brand_of(make_settings(folder, "sqlite://", site=site))


def test_our_own_colours_can_be_read() -> None:
    assert (contrast(ACCENT, LIGHT), contrast(ACCENT_DARK, DARK)) >= (4.5, 4.5)
    assert round(contrast("#000000", "#ffffff"), 1) == 21.0
    assert (PLAIN.accent, PLAIN.accent_dark) == (ACCENT, ACCENT_DARK)


def test_a_mail_has_the_brand_and_is_joined_all_the_same(tmp_path: Path) -> None:
    brand = branded(tmp_path)
    templates = Templates(brand=brand)
    joiner = Joiner(samples.SITE, templates)
    assert joiner.plain_because == ""
    plain = compose_mail(samples.letter(), samples.SITE, templates=templates)
    assert difference(plain.payload, joiner.join(samples.letter()).payload) == ""
    html = page_of(samples.letter(), templates)
    assert f'src="{brand.logo_url}" alt="Harbour Lab"' in html
    assert brand.logo_url.startswith("https://papers.example.org/static/logo.")
    assert "Funded by &lt;nobody&gt; &amp; all." in html
    assert html.count("#7a1f3d") == 1
    assert html.count("#f2a0b8") == 2
    assert ACCENT not in html


def test_pages_have_it_and_old_mails_still_find_the_logo(
    web_database: Any, clock: Any, tmp_path: Path
) -> None:
    brand = branded(tmp_path)
    made = make_rooms(web_database, clock, brand=brand, templates=Templates(brand=brand))
    with TestClient(create_app(made)) as client:
        page = client.get("/").text
        assert f'<img src="/static/{brand.logo_name}" alt="" height="32">' in page
        assert "Funded by &lt;nobody&gt; &amp; all." in page
        sheet = page.split("/static/brand.")[1].split('"')[0]
        assert "--link: #7a1f3d" in client.get(f"/static/brand.{sheet}").text
        for name in (brand.logo_name, "logo.0123456789ab.png"):
            found = client.get(f"/static/{name}")
            assert (found.content, found.headers["content-type"]) == (brand.logo, "image/png")
            assert found.headers["cross-origin-resource-policy"] == "cross-origin"
            assert ("immutable" in found.headers["cache-control"]) is (name == brand.logo_name)


def test_without_a_brand_nothing_is_shown(web_database: Any, clock: Any) -> None:
    with TestClient(create_app(make_rooms(web_database, clock))) as client:
        assert "<img" not in client.get("/").text
        assert client.get("/static/logo.png").status_code == 404
    assert replace(PLAIN, name="x").style == PLAIN.style


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ({"content": b"<svg/>"}, "neither PNG nor JPEG"),
        ({"content": png() + bytes(LARGEST)}, f"{LARGEST} are the most"),
        ({"logo": Path("/nowhere/logo.png")}, "cannot read /nowhere/logo.png"),
    ],
)
def test_a_logo_that_cannot_be_shown_is_refused(
    tmp_path: Path, said: dict[str, Any], fault: str
) -> None:
    with pytest.raises(ConfigError, match=fault):
        branded(tmp_path, **said)
