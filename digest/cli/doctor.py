"""`digest doctor`: looks at everything, the network and your mail domain too."""

from __future__ import annotations

import typer

from digest.cli.check import examine_configuration, report
from digest.cli.say import Exit, JsonOption


def doctor(json: JsonOption = False) -> None:
    """Look at everything this installation rests on, and say what to mend.

    Configuration, database, disk, clock, templates, sources, embedder, scheduler; and where mail is
    sent: SMTP, SPF, DKIM, DMARC, PTR, unsubscribing, bounces. Nothing is changed and nothing sent.
    Exit code 1: something is at fault; 2: the configuration is.
    """
    from digest.doctor.findings import examine, is_well
    from digest.doctor.looks import looks

    case = examine_configuration(json)
    findings = list(examine(looks(case), case))
    report(findings, json)
    if not is_well(findings):
        raise typer.Exit(Exit.FAULT)
