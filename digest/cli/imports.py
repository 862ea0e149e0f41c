"""`digest interests import`, `digest sources import`: a start from what a reader has elsewhere."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli import session
from digest.cli.interests import Email
from digest.cli.say import Exit, JsonOption, counted, say, say_json, warn
from digest.errors import UsageError

if TYPE_CHECKING:
    from digest.importing import Imported, Works
    from digest.importing.opml import Feeds
    from digest.wiring import App

_NAMES = {"bibtex": "My library", "zotero": "My Zotero library", "file": "My library"}


def interest(
    email: Email,
    bibtex: Annotated[Path | None, typer.Option(help="A BibTeX file.", metavar="FILE")] = None,
    zotero: Annotated[
        str | None,
        typer.Option(
            help="A Zotero library: its number, groups/NUMBER, or an exported file."
            " ZOTERO_API_KEY opens a private one.",
            metavar="LIBRARY",
        ),
    ] = None,
    orcid: Annotated[str | None, typer.Option(help="The works of an ORCID.", metavar="ID")] = None,
    arxiv_author: Annotated[
        str | None,
        typer.Option(help="The papers of an arXiv author page: warner_s_1.", metavar="ID"),
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="A file: BibTeX, RIS, CSL JSON or Zotero RDF.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="The interest's name; one that exists gets more examples.")
    ] = None,
    most: Annotated[
        int, typer.Option("--limit", help="At most so many examples, the newest.", min=1, max=500)
    ] = 50,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Store nothing.")] = False,
    json: JsonOption = False,
) -> None:
    """Make an interest from a library of papers: each becomes an example of what is wanted.

    Works that are stored here bring their abstracts. Exit code 3: some entries could not be read.
    """
    given = {
        "bibtex": bibtex,
        "zotero": zotero,
        "orcid": orcid,
        "arxiv_author": arxiv_author,
        "file": file,
    }
    named = {kind: str(value) for kind, value in given.items() if value is not None}
    if len(named) != 1:
        mend = "Give one of --bibtex, --zotero, --orcid, --arxiv-author or --file."
        raise UsageError("Which library?", mend=mend)
    ((kind, said),) = named.items()
    with session.opened() as opened:
        library = _read(opened, kind, said)
        wanted = name or _NAMES.get(kind, f"Papers of {said}")
        taken = opened.importer.take(email, wanted, library, most=most, dry_run=dry_run)
    _tell(taken, dry_run=dry_run, json=json)
    if taken.faults:
        raise typer.Exit(Exit.PARTLY)


def _read(opened: App, kind: str, said: str) -> Works:
    from digest.importing.files import read_library

    if kind in ("bibtex", "file") or (kind == "zotero" and Path(said).is_file()):
        return read_library(Path(said))
    with opened.origins.services() as services:
        if kind == "zotero":
            return services.zotero(said, key=os.environ.get("ZOTERO_API_KEY", ""))
        return services.orcid(said) if kind == "orcid" else services.arxiv_author(said)


def _tell(taken: Imported, *, dry_run: bool, json: bool) -> None:
    for fault in taken.faults[:10]:
        warn(f"Left out: {fault}")
    if len(taken.faults) > 10:
        warn(f"and {len(taken.faults) - 10} more.")
    if json:
        say_json(taken.to_json())
        return
    verb = "would learn" if dry_run else "learns"
    examples = counted(taken.examples, "example")
    say(f"{taken.interest} {verb} from {examples} of {counted(taken.works, 'work')}:")
    for title in taken.titles[:5]:
        say(f"  {title}")
    if taken.examples > 5:
        say(f"  and {taken.examples - 5} more")
    say(f"{taken.known} of them are stored here, {taken.with_abstract} have an abstract.")
    if not dry_run:
        say("`digest backtest EMAIL INTEREST` shows what it would have sent.")


def feeds(
    opml: Annotated[Path, typer.Argument(help="The list of feeds a reader exported.")],
    append: Annotated[
        bool, typer.Option("--append", help="Add them at the end of the configuration file.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Turn an OPML list of feeds into [[sources]], to be pasted into the configuration.

    With --append they are added to the end of the file; nothing that stands there is changed.
    Exit code 3: something in the list is no feed.
    """
    from digest.importing.files import read_file
    from digest.importing.opml import read_opml

    settings = session.settings()
    found = read_opml(
        read_file(opml),
        str(opml),
        names=[one.name for one in settings.sources],
        urls=[str(url) for one in settings.sources if (url := getattr(one, "url", None))],
    )
    if append and found.feeds:
        _append(found)
    _tell_feeds(found, append=append, json=json)
    if found.faults:
        raise typer.Exit(Exit.PARTLY)


def _append(found: Feeds) -> None:
    from digest.config.loading import find

    place = find(session.config_file)
    if place is None:
        raise UsageError("There is no configuration file.", mend="`digest init` writes one.")
    added = "".join(f"\n{feed.toml()}" for feed in found.feeds)
    try:
        tomllib.loads(place.read_text("utf-8-sig") + "\n" + added)
    except tomllib.TOMLDecodeError as error:
        mend = "Paste what `digest sources import` prints where it belongs."
        raise UsageError(f"{place} takes no [[sources]] at its end.", mend=mend) from error
    with place.open("a", encoding="utf-8") as stream:
        stream.write("\n" + added)
    warn(f"Added to {place}; `digest sources test` asks them.")


def _tell_feeds(found: Feeds, *, append: bool, json: bool) -> None:
    for fault in found.faults:
        warn(f"Left out: {fault}.")
    if json:
        new = [{"name": feed.name, "url": feed.url} for feed in found.feeds]
        say_json({"feeds": new, "known": found.known, "faults": found.faults})
        return
    if not append:
        say("\n".join(feed.toml() for feed in found.feeds))
    known = f", {len(found.known)} configured already" if found.known else ""
    warn(f"{counted(len(found.feeds), 'new feed')}{known}.")
