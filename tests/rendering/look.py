"""The mail in a real browser, in a process of its own: playwright and asyncio do not mix.

    python -m tests.rendering.look [folder for screenshots]

Prints what it measured as JSON: one record for each mail, width and colour scheme.
"""

from __future__ import annotations

import json
import sys
from email import message_from_bytes
from email.policy import SMTP
from functools import partial
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Request, sync_playwright

from digest.rendering.environment import Templates
from digest.rendering.message import Letter, compose_mail
from tests.rendering import samples, scatter

CHROMIUM = "/usr/bin/chromium"
WIDTHS = (320, 375, 1280)
MEASURE = """() => ({
  scroll: document.documentElement.scrollWidth,
  targets: [...document.querySelectorAll('.act a, .foot a, .more a')]
    .map(a => a.getBoundingClientRect()).map(b => [b.width, b.height]),
  sheet: getComputedStyle(document.querySelector('.sheet')).backgroundColor,
  ink: getComputedStyle(document.querySelector('.headline')).color,
  faint: getComputedStyle(document.querySelector('.foot > div')).color,
  smallest: Math.min(...[...document.querySelectorAll('p, td, h3, .chip')]
    .map(e => parseFloat(getComputedStyle(e).fontSize)).filter(s => s > 2)),
})"""


def page_of(letter: Letter, templates: Templates | None = None) -> str:
    payload = compose_mail(letter, samples.SITE, templates=templates or Templates()).payload
    part = message_from_bytes(payload, policy=SMTP).get_body(("html",))
    return "" if part is None else str(part.get_content())


def unkind() -> Letter:
    """The fullest of some random letters."""
    return max(scatter.letters(40, seed=11), key=lambda letter: len(letter.digest.paper_ids))


def note(calls: list[str], request: Request) -> None:
    calls.append(request.url)


def look(browser: Browser, name: str, html: str, folder: Path | None) -> list[dict[str, Any]]:
    seen = []
    for scheme in ("light", "dark"):
        for width in WIDTHS:
            page = browser.new_page(
                viewport={"width": width, "height": 900},
                color_scheme="dark" if scheme == "dark" else "light",
            )
            calls: list[str] = []
            page.on("request", partial(note, calls))
            page.set_content(html)
            seen.append(
                {"mail": name, "width": width, "scheme": scheme, "calls": calls}
                | page.evaluate(MEASURE)
            )
            if folder:
                page.screenshot(path=folder / f"{name}-{scheme}-{width}.png", full_page=True)
            page.close()
    return seen


def main(folder: Path | None) -> None:
    mails = {"sample": samples.letter(), "unkind": unkind()}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        seen = [
            record
            for name, letter in mails.items()
            for record in look(browser, name, page_of(letter), folder)
        ]
        browser.close()
    json.dump(seen, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else None)
