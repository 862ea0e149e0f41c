"""`digest check`: is everything in place? Plain verdicts, each with its mend; changes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from digest.cli import session
from digest.cli.say import Exit, JsonOption, say, say_json
from digest.errors import ConfigError

if TYPE_CHECKING:
    from digest.doctor.case import Case
    from digest.doctor.findings import Finding


def check(json: JsonOption = False) -> None:
    """Look at the configuration, the database, the templates and the sources.

    Nothing is changed and nothing leaves this machine; `digest doctor` looks further. Exit code 2:
    the configuration is at fault; 1: something else is.
    """
    from digest.doctor.findings import examine, is_well
    from digest.doctor.looks import HERE

    case = examine_configuration(json)
    findings = list(examine(HERE, case))
    report(findings, json)
    if not is_well(findings):
        raise typer.Exit(Exit.FAULT)


def examine_configuration(json: bool) -> Case:
    """What is to be looked at; reports every fault of the configuration and leaves with code 2."""
    from digest.doctor.case import Case
    from digest.doctor.findings import fault

    try:
        return Case(session.settings(), session.config_file)
    except ConfigError as error:
        report([fault("configuration", one) for one in error.faults], json)
        raise typer.Exit(Exit.USAGE) from None


def report(findings: Iterable[Finding], json: bool) -> None:
    """The findings for people, or as `{"ok": …, "findings": […]}`."""
    from digest.doctor.findings import is_well

    found = list(findings)
    if json:
        say_json({"ok": is_well(found), "findings": [asdict(one) for one in found]})
        return
    for one in found:
        say(f"{one.verdict:<6} {one.about}: {one.told}")
        if one.mend:
            say(f"       -> {one.mend}")
