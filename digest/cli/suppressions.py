"""`digest suppressions …`: the addresses that must never be written to, kept as hashes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli import session
from digest.cli.say import Exit, JsonOption, counted, say, say_json, show_table, warn
from digest.cli.transfer import reading, write_file, write_out
from digest.errors import UsageError

if TYPE_CHECKING:
    from digest.subscriptions.suppressing import SuppressionList

app = typer.Typer(no_args_is_help=True, help="The addresses that must never be written to.")


@app.command("list")
def list_(json: JsonOption = False) -> None:
    """Every hash with its reason; nobody can read an address out of it."""
    with _opened() as suppressions:
        found = suppressions.listed()
    if json:
        say_json([asdict(one) for one in found])
        return
    rows = [(one.address_hash[:16] + "…", one.reason, one.at, one.expires_at) for one in found]
    show_table(("hash", "reason", "since", "until"), rows)
    say(counted(len(found), "address", "addresses"))


@app.command()
def add(
    email: Annotated[str, typer.Argument(help="The address.", metavar="EMAIL")],
    reason: Annotated[str, typer.Option(help="Kept with the hash.")] = "operator",
    until: Annotated[str | None, typer.Option(help="A date; else for ever.")] = None,
    json: JsonOption = False,
) -> None:
    """Never write to an address, subscribed or not."""
    with _opened() as suppressions:
        is_new = suppressions.add(email, reason=reason, expires_at=_date(until))
    if json:
        say_json({"suppressed": True, "changed": is_new})
    else:
        say("It will not be written to any more." if is_new else "It was on the list already.")


@app.command()
def lift(
    email: Annotated[str, typer.Argument(help="The address.", metavar="EMAIL")],
    json: JsonOption = False,
) -> None:
    """Allow an address again; who was suspended stays so until resumed."""
    with session.register() as register:
        done = register.lift(email)
    if json:
        say_json({"suppressed": False, "changed": done})
    else:
        say("Lifted." if done else "There was nothing to lift.")


@app.command("import")
def import_(
    file: Annotated[str, typer.Argument(help="A file, or - for standard input.")],
    json: JsonOption = False,
) -> None:
    """Take in a list: an address or a hash a line, then if wanted reason, date, last date."""
    with _opened() as suppressions, reading(file) as stream:
        lines = (line.decode("utf-8-sig", "replace") for line in stream)
        loaded = suppressions.load(lines)
    if json:
        say_json(asdict(loaded))
    else:
        for line, fault in loaded.faults:
            warn(f"line {line}: {fault}")
        said = f"{loaded.stored} added, {loaded.known} known, {len(loaded.faults)} at fault"
        say(f"{said}; {counted(loaded.suspended, 'subscriber')} suspended.")
    if loaded.faults:
        raise typer.Exit(Exit.PARTLY)


@app.command()
def export(
    file: Annotated[str, typer.Argument(help="A file, or - for standard output.")] = "-",
) -> None:
    """Write the list as CSV that import reads, here or where the secret keys are the same."""
    with _opened() as suppressions:
        if file == "-":
            write_out(suppressions.export())
        else:
            write_file(Path(file), suppressions.export())


@app.command()
def purge(json: JsonOption = False) -> None:
    """Forget those whose last date is over; they count for nothing already."""
    with _opened() as suppressions:
        gone = suppressions.forget_expired()
    if json:
        say_json({"suppressions": gone})
    else:
        say(f"{counted(gone, 'address', 'addresses')} forgotten.")


@contextmanager
def _opened() -> Iterator[SuppressionList]:
    from digest.subscriptions import Subscriptions, Usual
    from digest.subscriptions.suppressing import SuppressionList

    checked = session.settings()
    keys = checked.signing_keys()
    with session.database(checked) as database:
        register = Subscriptions(database, keys=keys, usual=Usual.of(checked))
        yield SuppressionList(database, register, keys=keys)


def _date(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no date.", mend="Write it like 2026-12-01.") from None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
