"""`digest templates …`: what mails and pages are drawn by, and the operator's own versions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from digest.cli import session
from digest.cli.say import Exit, JsonOption, counted, say, say_json, show_table, warn
from digest.errors import DigestError, UsageError

if TYPE_CHECKING:
    from digest.wiring import App

app = typer.Typer(no_args_is_help=True, help="What mails and pages are drawn by.")

Name = Annotated[str, typer.Argument(help="As `templates list` shows it.", metavar="NAME")]
Out = Annotated[Path | None, typer.Option(help="Write it to this file.", metavar="FILE")]

#: pages that need nobody's link, and where each is to be seen
_PAGES: Final = {
    "web/base.html.j2": "/",
    "web/parts.html.j2": "/",
    "web/archive.html.j2": "/",
    "web/search.html.j2": "/search?q=a",
    "web/sources.html.j2": "/sources",
    "web/feeds.html.j2": "/feeds",
    "web/link.html.j2": "/my",
    "web/fault.html.j2": "/nothing-is-here",
}


@app.command("list")
def list_(json: JsonOption = False) -> None:
    """Every template, and which of them this installation has a version of its own of."""
    folder = session.settings().site.templates
    rows = [(name, _is_own(folder, name)) for name in _known()]
    if json:
        say_json([{"name": name, "overridden": own} for name, own in rows])
        return
    show_table(("template", "whose"), [(name, "yours" if own else "") for name, own in rows])
    if folder is None:
        say("site.templates names no folder; a file put there replaces the one of its name.")


@app.command()
def check(json: JsonOption = False) -> None:
    """Compile every template and see that it asks for nothing it is not given. Exit code 1: no."""
    from digest.branding import brand_of
    from digest.errors import TemplateFault
    from digest.rendering.environment import Templates
    from digest.rendering.trial import try_templates

    settings = session.settings()
    templates = Templates(settings.site.templates, brand=brand_of(settings))
    faults = []
    for name, known in _known().items():
        try:
            templates.check(name, known)
        except TemplateFault as fault:
            faults.append({"template": name, "fault": fault.message, "mend": fault.mend})
    if not faults:
        try:
            try_templates(templates, settings.as_site())
        except TemplateFault as fault:
            faults.append({"template": "email", "fault": fault.message, "mend": fault.mend})
    strays = _strays(settings.site.templates)
    if json:
        say_json({"ok": not faults, "faults": faults, "unknown": strays})
    else:
        for one in faults:
            say(f"fault  {one['fault']}")
            if one["mend"]:
                say(f"       -> {one['mend']}")
        for stray in strays:
            say(f"note   {stray} replaces nothing; `digest templates list` shows the names.")
        if not faults:
            say(f"ok     All {len(_known())} compile, and a trial mail is drawn by them.")
    if faults:
        raise typer.Exit(Exit.FAULT)


@app.command()
def export(name: Name, out: Out = None) -> None:
    """Write the shipped template, to begin one's own version with."""
    from digest.rendering.environment import shipped_folder

    text = (shipped_folder() / _checked(name)).read_text("utf-8")
    if out is None:
        typer.echo(text, nl=False)
    else:
        _write(out, text)


@app.command()
def preview(
    name: Name,
    out: Out = None,
    email: Annotated[
        str | None, typer.Option(help="Whose digest; else somebody's.", metavar="EMAIL")
    ] = None,
) -> None:
    """Draw it with what is stored: a reader's digest of now, or a page as visitors see it."""
    with session.opened() as opened:
        text = _drawn(opened, _checked(name), email)
    if out is None:
        typer.echo(text)
    else:
        _write(out, text)


def _drawn(opened: App, name: str, email: str | None) -> str:
    from digest.rendering.email import ERRAND_HTML, ERRAND_TEXT

    if name in (ERRAND_HTML, ERRAND_TEXT):
        return _errand(opened, name)
    if name.startswith("email/"):
        rendered = opened.preview(email or _somebody(opened))
        return rendered.text if name.endswith(".txt.j2") else rendered.html
    return _page(opened, name)


def _errand(opened: App, name: str) -> str:
    from email import message_from_bytes
    from email.policy import SMTP

    from digest.model import DeliveryId, Errand, ErrandId, ErrandKind
    from digest.rendering.errand import compose_errand

    now, address = opened.clock(), opened.site.operator_email
    mail = compose_errand(
        Errand(ErrandId(0), ErrandKind.LINK, address, "en", now, now),
        "a-token-that-opens-nothing",
        delivery=DeliveryId(0),
        channel=opened.way_out().channel,
        site=opened.site,
        templates=opened.templates,
    )
    kind = "plain" if name.endswith(".txt.j2") else "html"
    part = message_from_bytes(mail.payload, policy=SMTP).get_body((kind,))
    return "" if part is None else str(part.get_content())


def _page(opened: App, name: str) -> str:
    from starlette.testclient import TestClient

    from digest.web.app import create_app
    from digest.web.opening import rooms_of

    place = _PAGES.get(name) or (_newest_paper(opened) if name == "web/paper.html.j2" else None)
    if place is None:
        raise UsageError(
            f"{name} is a page that only a reader's link opens.",
            mend="Open it in the browser by such a link; `digest templates check` compiles it.",
        )
    with TestClient(create_app(rooms_of(opened)), opened.site.base_url) as client:
        return client.get(place).text


def _newest_paper(opened: App) -> str:
    store = opened.papers
    papers = store.window(store.fetch_before(opened.clock()), store.latest_fetch()).papers
    number = papers[-1].id if papers else 1
    return f"/paper/{number}"


def _somebody(opened: App) -> str:
    from digest.model import SubscriberState

    record = next(opened.subscriptions.records((SubscriberState.ACTIVE,)), None)
    if record is None:
        raise UsageError("Nobody is subscribed.", mend="`digest subscribers add` adds someone.")
    return str(record["email"])


def _known() -> dict[str, frozenset[str]]:
    from digest.rendering.email import CONTEXT
    from digest.web.sheets import CONTEXT as PAGES

    return {name: CONTEXT.get(name) or PAGES[name] for name in sorted({*CONTEXT, *PAGES})}


def _checked(name: str) -> str:
    from difflib import get_close_matches

    if name in _known():
        return name
    near = get_close_matches(name, _known(), n=1)
    mend = f"Did you mean {near[0]}?" if near else "`digest templates list` shows them."
    raise UsageError(f"There is no template called {name!r}.", mend=mend)


def _is_own(folder: Path | None, name: str) -> bool:
    return folder is not None and (folder / name).is_file()


def _strays(folder: Path | None) -> list[str]:
    """Templates in the operator's folder that have no shipped one's name."""
    if folder is None or not folder.is_dir():
        return []
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*.j2"))
    return sorted(name for name in found if name not in _known())


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    except OSError as error:
        raise DigestError(f"Cannot write {path}: {error.strerror}.") from None
    warn(f"It is in {path} ({counted(len(text.encode()), 'byte')}).")
