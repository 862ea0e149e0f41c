"""`digest embed`: the vectors that are missing under the configured model."""

from __future__ import annotations

from typing import Annotated

import typer

from digest.cli import session
from digest.cli.progress import counting
from digest.cli.say import JsonOption, counted, say, say_json


def embed(
    prune: Annotated[
        bool, typer.Option("--prune", help="Drop the vectors of models no longer in use.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Compute what is missing under the configured model, newest papers first.

    A run does this by itself; after a change of model it takes a while, and here one can watch. It
    may be interrupted and started again: nothing is computed twice.
    """
    with session.opened() as opened:
        likeness = opened.likeness
        missing = likeness.missing()
        with counting("Papers", len(missing)) as progress:
            likeness.embed(missing, progress=progress)
        dropped = likeness.vectors.forget(but=likeness.models()) if prune else 0
        models = likeness.models()
    if json:
        say_json({"models": models, "embedded": len(missing), "dropped": dropped})
        return
    if not models:
        say('Nothing to do: matching.embedder = "lexical" goes by the words alone.')
        return
    say(f"{counted(len(missing), 'paper')} embedded by {models[0]}.")
    if len(models) > 1:
        say(f"The best of each list are looked at again by {models[1]}.")
    if dropped:
        say(f"Vectors of other models dropped: {dropped}.")
