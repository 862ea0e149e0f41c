"""`digest preview`: the digest someone would get now; nothing is stored or sent."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from digest.cli import session
from digest.cli.run import Now, instant
from digest.cli.say import JsonOption, say, say_json, warn
from digest.errors import DigestError


def preview(
    email: Annotated[str, typer.Argument(help="The subscriber's address.", metavar="EMAIL")],
    html: Annotated[
        Path | None, typer.Option(help="Write the HTML to this file.", metavar="FILE")
    ] = None,
    now: Now = None,
    json: JsonOption = False,
) -> None:
    """Show the digest that a subscriber would get now; nothing is stored or sent."""
    with session.opened() as opened:
        rendered = opened.preview(email, instant(now))
    if html is not None:
        _write(html, rendered.html)
    if json:
        say_json({"subject": rendered.subject, "html": rendered.html, "text": rendered.text})
        return
    say(f"Subject: {rendered.subject}")
    say()
    say(rendered.text)


def _write(path: Path, html: str) -> None:
    try:
        path.write_text(html, "utf-8")
    except OSError as error:
        raise DigestError(f"Cannot write {path}: {error.strerror}.") from None
    warn(f"The HTML is in {path}.")
