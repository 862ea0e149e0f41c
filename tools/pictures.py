"""The pictures of the documentation: docs/images/, taken of the demo in a real browser.

    python -m tools.pictures            needs Chromium, and playwright (the dev extra)

The demo's day is fixed, so that the same code gives nearly the same pictures. Nothing is edited:
each is what a reader sees. They are WebP, which Chromium itself packs; each stays below 150 kB.
"""

from __future__ import annotations

import base64
import re
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Final, Literal

from playwright.sync_api import Browser, sync_playwright

from digest.cli import main as command_line
from digest.clock import fixed_clock
from digest.config import Settings
from digest.demo.gallery import Letter, read_letters
from digest.demo.listings import write_listings
from digest.operators import Passwords
from digest.web.app import create_app
from digest.web.opening import rooms_of
from digest.web.serving import listen, make_server
from digest.wiring import open_app

FOLDER: Final = Path(__file__).resolve().parents[1] / "docs" / "images"
LARGEST: Final = 150_000  #: bytes
_DAY: Final = date(2026, 11, 20)
_READER: Final = "mariana.teles@example.org"
_PASSWORD: Final = "a lantern in the fog"
_CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser") or ""
_PACK: Final = """async ([picture, quality]) => {
    const image = new Image();
    image.src = 'data:image/png;base64,' + picture;
    await image.decode();
    const canvas = document.createElement('canvas');
    canvas.width = image.width;
    canvas.height = image.height;
    canvas.getContext('2d').drawImage(image, 0, 0);
    return canvas.toDataURL('image/webp', quality).split(',')[1];
}"""

Scheme = Literal["light", "dark"]


@dataclass(frozen=True, slots=True)
class Picture:
    """`of`: a path of the served demo, or "mail" for the reader's mail."""

    name: str
    of: str
    width: int
    height: int
    scheme: Scheme = "light"
    scale: float = 1.5


def pictures(preferences: str) -> tuple[Picture, ...]:
    return (
        Picture("digest", "mail", 680, 1040, scale=1.25),
        Picture("digest-dark", "mail", 680, 1040, "dark", scale=1.25),
        Picture("digest-phone", "mail", 375, 812, scale=2),
        Picture("digest-phone-dark", "mail", 375, 812, "dark", scale=2),
        Picture("home", "/", 1180, 900, scale=1.25),
        Picture("home-dark", "/", 1180, 900, "dark", scale=1.25),
        Picture("search", "/search?q=patients+and+retrieval", 1180, 900, scale=1.25),
        Picture("preferences", preferences, 1180, 1000, scale=1.25),
        Picture("sources", "/sources", 1180, 620, scale=1.25),
        Picture("feeds", "/feeds", 1180, 800, scale=1.25),
        Picture("desk", "/desk", 1180, 900, scale=1.25),
        Picture("desk-dark", "/desk", 1180, 900, "dark", scale=1.25),
    )


def main() -> int:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, _chromium() as browser:
        letter = _demo(Path(folder))
        with _served(_settings(Path(folder))) as base:
            for one in pictures(_preferences(letter)):
                packed = _taken(browser, one, letter, base)
                (FOLDER / f"{one.name}.webp").write_bytes(packed)
                print(f"{one.name}.webp  {len(packed) / 1000:.0f} kB")
                if len(packed) > LARGEST:
                    print(f"{one.name} is larger than {LARGEST} bytes", file=sys.stderr)
                    return 1
    return 0


def _demo(folder: Path) -> Letter:
    """Run the demo as of its fixed day; the mail of the reader whose digest is shown."""
    (folder / "day").write_text(_DAY.isoformat(), "ascii")
    if code := command_line(["demo", "--folder", str(folder), "--json"]):
        raise SystemExit(code)
    return next(one for one in read_letters(folder / "mail") if _READER in one.to)


def _settings(folder: Path) -> Settings:
    """What the demo ran with, to open its database again."""
    key = (folder / "secret-key").read_text("ascii")
    return Settings.model_validate(
        {
            "site": {"operator_email": "you@example.org", "secret_keys": [key]},
            "database": {"url": f"sqlite:///{folder / 'digest.db'}"},
            "delivery": {"spool": str(folder / "spool")},
            "web": {"operators": [{"name": "ada", "password_hash": Passwords().hash(_PASSWORD)}]},
            **write_listings(folder / "listings", _DAY),
        }
    )


def _preferences(letter: Letter) -> str:
    found = re.search(r'href="https?://[^"/]+(/p/[^"]+)"', letter.html)
    assert found, "every mail links to the preferences"
    return found[1]


@contextmanager
def _served(settings: Settings) -> Iterator[str]:
    evening = fixed_clock(datetime.combine(_DAY, time(19), UTC))
    with open_app(settings, clock=evening) as app:
        listener = listen("127.0.0.1", 0)
        server = make_server(create_app(rooms_of(app)))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(15)


@contextmanager
def _chromium() -> Iterator[Browser]:
    if not _CHROMIUM:
        raise SystemExit("Chromium is not installed.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def _taken(browser: Browser, wanted: Picture, letter: Letter, base: str) -> bytes:
    context = browser.new_context(
        viewport={"width": wanted.width, "height": wanted.height},
        color_scheme=wanted.scheme,
        device_scale_factor=wanted.scale,
        reduced_motion="reduce",
    )
    page = context.new_page()
    if wanted.of == "mail":
        page.set_content(letter.html)
    else:
        answer = page.goto(base + wanted.of)
        if "/sign-in" in page.url:
            page.fill("#name", "ada")
            page.fill("#password", _PASSWORD)
            with page.expect_navigation() as after:
                page.click("button:has-text('Sign in')")
            answer = after.value
        assert answer is not None
        assert answer.ok, f"{wanted.of}: {answer.status}"
    shot = base64.b64encode(page.screenshot()).decode("ascii")
    page.goto("about:blank")
    packed: str = page.evaluate(_PACK, [shot, 0.7])
    context.close()
    return base64.b64decode(packed)


if __name__ == "__main__":
    sys.exit(main())
