"""What can be looked at without leaving this machine: configuration, database, templates, folders.

Nothing is changed and nothing is asked of the network.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from digest.branding import brand_of
from digest.config import find
from digest.config.sources import AnySource
from digest.doctor.case import Case
from digest.doctor.findings import Finding, Look, fault, note, ok, seen
from digest.errors import TemplateFault
from digest.origins import make_source
from digest.rendering.email import CONTEXT
from digest.rendering.environment import Templates
from digest.sources.http import Fetcher
from digest.web.sheets import CONTEXT as PAGES


def _configuration(case: Case) -> Iterator[Finding]:
    file, settings = find(case.file), case.settings
    yield ok("configuration", str(file) if file else "from the environment")
    if file and file.stat().st_mode & 0o044:
        yield note(
            "configuration",
            f"{file} holds secrets and others on this machine can read it.",
            f"chmod 600 {file}",
        )
    if settings.site.operator_email == "you@example.org":
        yield fault(
            "configuration",
            "site.operator_email is still the example's.",
            "Set it to an address that you read.",
        )


def _database(case: Case) -> Iterator[Finding]:
    with case.database() as database:
        yield ok("database", f"{database.place} is up to date.")


def _templates(case: Case) -> Iterator[Finding]:
    templates = Templates(case.settings.site.templates, brand=brand_of(case.settings))
    faults = 0
    for name, known in (CONTEXT | PAGES).items():
        try:
            templates.check(name, known)
        except TemplateFault as error:
            faults += 1
            yield fault("templates", error.message, error.mend)
    if not faults:
        yield ok("templates", f"All {len(CONTEXT | PAGES)} compile.")


def _sources(case: Case) -> Iterator[Finding]:
    if not case.settings.sources:
        yield fault("sources", "There are none.", "Add a [[sources]] table.")
    fetcher = Fetcher()
    try:
        for source in case.settings.sources:
            yield from seen(f"source {source.name}", partial(_source, source, fetcher), case)
    finally:
        fetcher.close()


def _source(source: AnySource, fetcher: Fetcher, _case: Case) -> Iterator[Finding]:
    about = f"source {source.name}"
    if not source.enabled:
        yield note(about, "It is switched off.")
        return
    make_source(source, fetcher)
    if source.path and not source.path.exists():
        yield fault(about, f"There is no {source.path}.", "Mend its path.")
    else:
        yield ok(about, f"{source.kind}; `digest sources test` asks it.")


def _delivery(case: Case) -> Iterator[Finding]:
    delivery = case.settings.delivery
    yield _folder("delivery", delivery.spool)
    if delivery.channel == "mailbox":
        yield _folder("delivery", delivery.mailbox.path)
        yield note(
            "delivery",
            "Mails are written as files and sent to nobody.",
            'Set delivery.channel = "smtp" when you are ready.',
        )
    elif delivery.channel == "smtp":
        yield from _smtp(case)
    else:
        yield _program(delivery.sendmail.command[0])


def _smtp(case: Case) -> Iterator[Finding]:
    smtp, site = case.settings.delivery.smtp, case.settings.site
    yield ok("delivery", f"{smtp.host} on port {smtp.effective_port}.")
    for key in ("ca_file", "client_certificate", "client_key"):
        path = getattr(smtp, key)
        if path and not path.exists():
            yield fault("delivery", f"smtp.{key}: there is no {path}.")
    if site.base_url.startswith("http://"):
        yield note(
            "delivery",
            f"Mails will link to {site.base_url}, which only this machine can reach.",
            "Set site.base_url to where readers reach it.",
        )


def _program(name: str) -> Finding:
    if shutil.which(name):
        return ok("delivery", f"{name} takes the mail.")
    mend = "Install this machine's mail system, or mend delivery.sendmail.command."
    return fault("delivery", f"There is no program {name}.", mend)


def _folder(about: str, path: Path) -> Finding:
    """The nearest folder that is there must be writable; the rest is made when needed."""
    there = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    if there.is_dir() and os.access(there, os.W_OK):
        return ok(about, f"{path} can be written to.")
    return fault(about, f"{path} cannot be written to.", "Mend its owner.")


LOOKS: Final[Mapping[str, Look[Case]]] = {
    "configuration": _configuration,
    "database": _database,
    "templates": _templates,
    "sources": _sources,
    "delivery": _delivery,
}
