"""`digest init`: a configuration with a secret of its own, and the database it names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from digest.cli import session
from digest.cli.say import JsonOption, say, say_json
from digest.errors import ConfigError, DigestError, UsageError


def init(
    email: Annotated[
        str | None, typer.Option(help="The operator's address, for site.operator_email.")
    ] = None,
    base_url: Annotated[
        str | None, typer.Option(help="Where the pages will be reached, for site.base_url.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Write config.toml, with a secret key of its own, and make the database."""
    from digest.cli.migrate import migrated
    from digest.config.example import filled_example

    path = session.config_file or Path(os.environ.get("DIGEST_CONFIG") or "config.toml")
    _write_new(path, filled_example(email=email, base_url=base_url))
    session.config_file = path
    try:
        settings = session.settings()
    except ConfigError:
        path.unlink()
        raise
    place = migrated(settings).place
    if json:
        say_json({"config": str(path), "database": place})
        return
    say(f"Wrote {path}, readable by you alone, for it holds a secret key.")
    say(f"{place} is ready.")
    say("")
    say(f"Next: edit {path} (who sends, what is read, how it leaves), then")
    say("  digest check")
    say('  digest subscribers add you@example.org --query "your keywords"')
    say("  digest run")
    say("  digest operators add YOUR-NAME    # then look at /desk while `digest serve` runs")


def _write_new(path: Path, text: str) -> None:
    """Never over a file that is there, and readable by its owner only."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise UsageError(
            f"{path} is there already, and is left as it is.",
            mend="Edit it, or name another file with --config.",
        ) from None
    except OSError as error:
        raise DigestError(f"Cannot write {path}: {error.strerror}.") from None
    with open(handle, "w", encoding="utf-8") as file:
        file.write(text)
