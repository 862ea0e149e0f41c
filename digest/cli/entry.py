"""`main`: runs the command and turns every fault into one clean message and an exit code."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from digest import __version__
from digest.cli import (
    backtest,
    backup,
    bounces,
    channels,
    check,
    demo,
    doctor,
    embed,
    evaluate,
    explain,
    feedback,
    imports,
    init,
    interests,
    migrate,
    operators,
    outbox,
    papers,
    preview,
    purge,
    run,
    search,
    sendtest,
    serve,
    session,
    sources,
    status,
    subscribers,
    suppressions,
    templates,
    tokens,
)
from digest.cli.say import Exit, warn
from digest.errors import ConfigError, DigestError, QuerySyntaxError, UsageError

_HOISTED: Final = ("--config",)  #: these may stand behind the command as well

app = typer.Typer(
    name="digest",
    help="Each day's new research papers, and to each subscriber the few that matter.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command("init")(init.init)
app.command("check")(check.check)
app.command("doctor")(doctor.doctor)
app.command("run")(run.run)
app.command("demo")(demo.demo)
app.command("serve")(serve.serve)
app.command("web")(serve.web)
app.command("scheduler")(serve.scheduler)
app.command("worker")(serve.worker)
app.command("preview")(preview.preview)
app.add_typer(subscribers.app, name="subscribers")
app.add_typer(interests.app, name="interests")
app.add_typer(channels.app, name="channels")
app.add_typer(sources.app, name="sources")
app.add_typer(papers.app, name="papers")
app.add_typer(templates.app, name="templates")
app.command("embed")(embed.embed)
app.command("search")(search.search)
interests.app.command("import")(imports.interest)
sources.app.command("import")(imports.feeds)
app.command("backtest")(backtest.backtest)
app.command("evaluate")(evaluate.evaluate)
app.command("explain")(explain.explain)
app.command("feedback")(feedback.feedback)
app.add_typer(outbox.app, name="outbox")
app.add_typer(bounces.app, name="bounces")
app.add_typer(suppressions.app, name="suppressions")
app.add_typer(tokens.app, name="tokens")
app.add_typer(operators.app, name="operators")
app.command("migrate")(migrate.migrate)
app.command("status")(status.status)
app.command("send-test")(sendtest.send_test)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.command("move")(backup.move)
app.command("purge")(purge.purge)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"paper-digest {__version__}")
        raise typer.Exit


@app.callback()
def options(
    config: Annotated[
        Path | None,
        typer.Option(
            help="The configuration file; else DIGEST_CONFIG, else ./config.toml."
            " May stand behind the command as well.",
            metavar="FILE",
        ),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Tell what is done.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    session.config_file = config
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="%(levelname)s %(message)s",
        stream=sys.stderr,
        force=True,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        app(hoisted(given), prog_name="digest")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else Exit.FAULT
    except DigestError as error:
        return _told(error)
    except Exception as error:  # the last edge: a bug must not show as pages of traceback
        if os.environ.get("DIGEST_TRACEBACK"):
            raise
        warn(f"A fault of ours: {type(error).__name__}: {error}")
        warn("Please report it; DIGEST_TRACEBACK=1 shows where it happened.")
        return Exit.FAULT
    return Exit.DONE


def hoisted(arguments: Sequence[str]) -> list[str]:
    """With the options of `digest` itself moved in front of the command."""
    front: list[str] = []
    rest: list[str] = []
    pending = iter(arguments)
    for argument in pending:
        if argument == "--":
            rest += [argument, *pending]
        elif argument in _HOISTED:
            front += [argument, *[value for _, value in zip(range(1), pending, strict=False)]]
        elif argument.startswith(tuple(f"{name}=" for name in _HOISTED)):
            front.append(argument)
        else:
            rest.append(argument)
    return front + rest


def _told(error: DigestError) -> int:
    if isinstance(error, QuerySyntaxError):
        warn(error.pointer())
    warn(error.message)
    if error.mend:
        warn(error.mend)
    return Exit.USAGE if isinstance(error, ConfigError | UsageError) else Exit.FAULT
