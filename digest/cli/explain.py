"""`digest explain`: why a paper was in someone's digest, or why not."""

from __future__ import annotations

from typing import Annotated

import typer

from digest.cli import session
from digest.cli.say import JsonOption, say, say_json

Paper = Annotated[
    str,
    typer.Argument(
        help="An arXiv id, a DOI, a PubMed id, an address, or a number of `digest papers list`.",
        metavar="PAPER",
    ),
]


def explain(
    email: Annotated[str, typer.Argument(help="The subscriber's address.", metavar="EMAIL")],
    paper: Paper,
    json: JsonOption = False,
) -> None:
    """Why this paper was in this subscriber's digest, or why not."""
    with session.opened() as opened:
        answer = opened.explain(email, paper)
    if json:
        said = {"sent": answer.sent, "headline": answer.headline, "steps": answer.steps}
        say_json(said)
        return
    say(answer.headline)
    for step in answer.steps:
        say(f"  {step}")
