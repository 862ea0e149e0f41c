"""`digest check`: is everything in place? Plain verdicts, each with its mend; changes nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from digest.cli import session
from digest.cli.say import Exit, JsonOption, say, say_json
from digest.errors import ConfigError, DigestError, TemplateFault

if TYPE_CHECKING:
    from digest.config import AnySource, Settings
    from digest.sources.http import Fetcher


class Verdict(StrEnum):
    OK = "ok"
    NOTE = "note"  #: works, and you may want to know
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    about: str
    verdict: Verdict
    told: str
    mend: str = ""


Look = Callable[["Settings"], Iterator[Finding]]


def check(json: JsonOption = False) -> None:
    """Look at the configuration, the database, the templates and the sources.

    Nothing is changed and nothing leaves this machine. Exit code 2: the configuration is at fault;
    1: something else is.
    """
    try:
        settings = session.settings()
    except ConfigError as error:
        _report([Finding("configuration", Verdict.FAULT, fault) for fault in error.faults], json)
        raise typer.Exit(Exit.USAGE) from None
    findings = [
        finding for about, look in LOOKS.items() for finding in _seen(about, look, settings)
    ]
    _report(findings, json)
    if any(finding.verdict is Verdict.FAULT for finding in findings):
        raise typer.Exit(Exit.FAULT)


def _seen(about: str, look: Look, settings: Settings) -> Iterator[Finding]:
    try:
        yield from look(settings)
    except DigestError as error:
        yield Finding(about, Verdict.FAULT, error.message, error.mend)


def _configuration(settings: Settings) -> Iterator[Finding]:
    from digest.config import find

    file = find(session.config_file)
    yield Finding("configuration", Verdict.OK, str(file) if file else "from the environment")
    if file and file.stat().st_mode & 0o044:
        yield Finding(
            "configuration",
            Verdict.NOTE,
            f"{file} holds secrets and others on this machine can read it.",
            f"chmod 600 {file}",
        )
    if settings.site.operator_email == "you@example.org":
        yield Finding(
            "configuration",
            Verdict.FAULT,
            "site.operator_email is still the example's.",
            "Set it to an address that you read.",
        )


def _database(settings: Settings) -> Iterator[Finding]:
    from digest.store.database import Database
    from digest.store.schema import require_current

    database = Database(settings.database.url.get_secret_value())
    try:
        require_current(database)
        yield Finding("database", Verdict.OK, f"{database.place} is up to date.")
    finally:
        database.dispose()


def _templates(settings: Settings) -> Iterator[Finding]:
    from digest.rendering.email import CONTEXT
    from digest.rendering.environment import Templates

    templates = Templates(settings.site.templates)
    faults = 0
    for name, known in CONTEXT.items():
        try:
            templates.check(name, known)
        except TemplateFault as error:
            faults += 1
            yield Finding("templates", Verdict.FAULT, error.message, error.mend)
    if not faults:
        yield Finding("templates", Verdict.OK, f"All {len(CONTEXT)} compile.")


def _sources(settings: Settings) -> Iterator[Finding]:
    from digest.sources.http import Fetcher

    if not settings.sources:
        yield Finding("sources", Verdict.FAULT, "There are none.", "Add a [[sources]] table.")
    fetcher = Fetcher()
    try:
        for source in settings.sources:
            yield from _seen(f"source {source.name}", partial(_source, source, fetcher), settings)
    finally:
        fetcher.close()


def _source(source: AnySource, fetcher: Fetcher, _settings: Settings) -> Iterator[Finding]:
    from digest.wiring import make_source

    about = f"source {source.name}"
    if not source.enabled:
        yield Finding(about, Verdict.NOTE, "It is switched off.")
        return
    make_source(source, fetcher)
    if source.path and not source.path.exists():
        yield Finding(about, Verdict.FAULT, f"There is no {source.path}.", "Mend its path.")
    else:
        yield Finding(about, Verdict.OK, f"{source.kind}; `digest sources test` asks it.")


def _delivery(settings: Settings) -> Iterator[Finding]:
    delivery = settings.delivery
    yield _folder("delivery", delivery.spool)
    if delivery.channel == "mailbox":
        yield _folder("delivery", delivery.mailbox.path)
        yield Finding(
            "delivery",
            Verdict.NOTE,
            "Mails are written as files and sent to nobody.",
            'Set delivery.channel = "smtp" when you are ready.',
        )
    else:
        yield from _smtp(settings)


def _smtp(settings: Settings) -> Iterator[Finding]:
    smtp = settings.delivery.smtp
    yield Finding("delivery", Verdict.OK, f"{smtp.host} on port {smtp.effective_port}.")
    for key in ("ca_file", "client_certificate", "client_key"):
        path = getattr(smtp, key)
        if path and not path.exists():
            yield Finding("delivery", Verdict.FAULT, f"smtp.{key}: there is no {path}.")
    if settings.site.base_url.startswith("http://"):
        yield Finding(
            "delivery",
            Verdict.NOTE,
            f"Mails will link to {settings.site.base_url}, which only this machine can reach.",
            "Set site.base_url to where readers reach it.",
        )


def _folder(about: str, path: Path) -> Finding:
    """The nearest folder that is there must be writable; the rest is made when needed."""
    there = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    if there.is_dir() and os.access(there, os.W_OK):
        return Finding(about, Verdict.OK, f"{path} can be written to.")
    return Finding(about, Verdict.FAULT, f"{path} cannot be written to.", "Mend its owner.")


LOOKS: dict[str, Look] = {
    "configuration": _configuration,
    "database": _database,
    "templates": _templates,
    "sources": _sources,
    "delivery": _delivery,
}


def _report(findings: list[Finding], json: bool) -> None:
    if json:
        is_good = all(finding.verdict is not Verdict.FAULT for finding in findings)
        say_json({"ok": is_good, "findings": [asdict(finding) for finding in findings]})
        return
    for finding in findings:
        say(f"{finding.verdict:<6} {finding.about}: {finding.told}")
        if finding.mend:
            say(f"       -> {finding.mend}")
