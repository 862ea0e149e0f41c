"""`digest subscribers import` and `export`: many at once, as JSON Lines or CSV."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from digest.cli import session
from digest.cli.choices import chosen
from digest.cli.progress import counting
from digest.cli.say import Exit, JsonOption, counted, say, say_json, warn
from digest.errors import DigestError, UsageError

if TYPE_CHECKING:
    from digest.subscriptions import Format, ImportReport

FormatOption = Annotated[
    str | None, typer.Option("--format", help="jsonl or csv; else by the file's ending.")
]


def import_(
    file: Annotated[str, typer.Argument(help="A file, or - for standard input.")],
    format: FormatOption = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="All lines or none, instead of the good ones.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Add and change subscribers from a file; importing it again changes nothing.

    Who unsubscribed is not brought back. Faults are told by line; the good lines go in.
    """
    from digest.subscriptions import read

    kind = _format(format, file)
    with (
        session.opened() as opened,
        reading(file) as stream,
        counting("Importing") as progress,
    ):
        report = opened.subscriptions.load(
            read(stream, kind), strict=strict, progress=progress, check=opened.channels.check
        )
    if json:
        say_json(report.to_json())
    else:
        _tell(report, strict=strict)
    if report.faults:
        raise typer.Exit(Exit.USAGE if strict else Exit.PARTLY)


def export(
    file: Annotated[str, typer.Argument(help="A file, or - for standard output.")] = "-",
    format: FormatOption = None,
    state: Annotated[list[str] | None, typer.Option(help="Only those in this state.")] = None,
) -> None:
    """Write every subscriber as a record that import reads, byte for byte the same again.

    With their channels, whose addresses are secrets: keep the file as you keep the database.
    """
    from digest.model import SubscriberState
    from digest.subscriptions import write

    kind = _format(format or ("jsonl" if file == "-" else None), file)
    with session.register() as register:
        lines = write(register.records(chosen(SubscriberState, state)), kind)
        if file == "-":
            write_out(lines)
        else:
            write_file(Path(file), lines)


def _format(named: str | None, file: str) -> Format:
    from digest.subscriptions import Format, format_of

    if named is None:
        if file == "-":
            raise UsageError("Standard input has no ending.", mend="Add --format jsonl or csv.")
        return format_of(file)
    return chosen(Format, [named])[0]


@contextmanager
def reading(file: str) -> Iterator[BinaryIO]:
    if file == "-":
        yield sys.stdin.buffer
        return
    with ExitStack() as stack:
        try:
            stream = stack.enter_context(open(file, "rb"))
        except OSError as error:
            raise UsageError(f"Cannot read {file}: {error.strerror}.") from None
        yield stream


def write_out(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stdout.buffer.write(line.encode())
    sys.stdout.buffer.flush()


def write_file(path: Path, lines: Iterable[str]) -> None:
    """Whole or not at all, and for the owner's eyes only: it is full of addresses."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(handle, "w", encoding="utf-8", newline="") as stream:
            stream.writelines(lines)
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise DigestError(f"Cannot write {path}: {error.strerror}.") from None


def _tell(report: ImportReport, *, strict: bool) -> None:
    for fault in report.faults:
        warn(f"line {fault.line}: {fault.fault}")
    if strict and report.faults:
        say(f"Nothing imported: {counted(len(report.faults), 'line')} at fault.")
        return
    say(
        f"{report.added} added, {report.updated} changed, {report.unchanged} as they were,"
        f" {len(report.faults)} at fault."
    )
    if report.kept:
        say(f"{report.kept} stay unsubscribed or suspended.")
