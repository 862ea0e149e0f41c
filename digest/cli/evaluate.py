"""`digest evaluate`: how good matching is, measured on a judged collection."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.progress import steps
from digest.cli.say import JsonOption, counted, say, say_json, show_table
from digest.errors import UsageError

if TYPE_CHECKING:
    from digest.matching.base import Embedder
    from digest.matching.evaluation import Report

_CHOICES = "static, minilm, bert:FOLDER, onnx:FOLDER or sentence-transformers:NAME"


def evaluate(
    folder: Annotated[
        Path,
        typer.Argument(
            help="A folder with corpus.jsonl(.gz), queries.jsonl and qrels.tsv.", metavar="FOLDER"
        ),
    ],
    embedder: Annotated[str, typer.Option(help=f"{_CHOICES}.")] = "static",
    second_stage: Annotated[
        str,
        typer.Option(help="The model that looks at the best again: auto, off, or as above."),
    ] = "auto",
    judged_only: Annotated[
        bool,
        typer.Option("--judged-only", help="Rank only the papers that a query's judgements name."),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Measure matching on a collection with judgements: every method, every measure.

    It scores with the very code that makes digests, and needs no configuration. Papers and text
    stay on this machine.
    """
    from digest.matching.evaluation import evaluate as measure

    if not folder.is_dir():
        mend = "Give a folder with corpus.jsonl(.gz), queries.jsonl and qrels.tsv."
        raise UsageError(f"{folder} is no folder.", mend=mend)
    first, second = _embedder(embedder), _second(second_stage, embedder)
    with steps("Papers") as progress:
        report = measure(
            folder, embedder=first, second=second, judged_only=judged_only, report=progress
        )
    if json:
        say_json(report.to_json())
    else:
        _tell(report, first, second)


def _embedder(choice: str) -> Embedder:
    from digest.matching.embeddings import open_embedder

    if choice.startswith("openai:"):
        raise UsageError("--embedder: an endpoint would be sent the collection.", mend=_CHOICES)
    return open_embedder(choice, key="--embedder")


def _second(choice: str, first: str) -> Embedder | None:
    from digest.matching.bert import installed_minilm

    if choice == "auto":
        choice = "minilm" if installed_minilm() else "off"
    return None if choice in ("off", first) else _embedder(choice)


def _tell(report: Report, first: Embedder, second: Embedder | None) -> None:
    measures = list(next(iter(report.methods.values())))
    rows = [
        [name, *(f"{values[one]:.3f}" for one in measures)]
        for name, values in report.methods.items()
    ]
    show_table(["method", *(f"#{one}" for one in measures)], rows)
    say()
    say("95 % of bootstrap samples lie between:")
    spans = [
        [name, *(f"{low:.3f}-{high:.3f}" for low, high in map(values.__getitem__, measures))]
        for name, values in report.intervals.items()
    ]
    show_table(["method", *(f"#{one}" for one in measures)], spans)
    say()
    say(f"{counted(report.documents, 'paper')}, {counted(report.queries, 'query', 'queries')}.")
    say(f"Embedder {first.id}" + (f", second stage {second.id}." if second else "."))
