"""`digest feedback`: a subscriber's word on a paper, and what their interests learn from it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli import session
from digest.cli.explain import Paper as PaperArgument
from digest.cli.say import JsonOption, say, say_json
from digest.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digest.model import Paper


class Word(StrEnum):
    UP = "up"
    DOWN = "down"
    UNDO = "undo"
    MUTE_AUTHOR = "mute-author"
    MUTE_WORD = "mute-word"
    UNMUTE_AUTHOR = "unmute-author"
    UNMUTE_WORD = "unmute-word"


def feedback(
    email: Annotated[str, typer.Argument(help="The subscriber's address.", metavar="EMAIL")],
    paper: PaperArgument,
    word: Annotated[
        Word,
        typer.Argument(
            help="up, down, undo, mute-author, mute-word, unmute-author or unmute-word."
        ),
    ],
    what: Annotated[
        str | None,
        typer.Argument(help="The author or the word to mute or unmute.", metavar="[WHAT]"),
    ] = None,
    interest: Annotated[
        str | None,
        typer.Option(help="The interest that learns from it; else the one that brought the paper."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Like or dislike a paper for someone, mute one of its authors or a word, or take that back.

    A liked paper becomes an example of the interest that brought it, a disliked one a
    counter-example; the next digest shows it.
    """
    taught: tuple[str, ...] = ()
    with session.opened() as opened:
        found, register = opened.papers.find(paper), opened.subscriptions
        match word:
            case Word.UP | Word.DOWN:
                liked = word is Word.UP
                heard = opened.feedback.hear(email, found, liked=liked, interest=interest)
                taught, muted = heard.interests, register.subscriber(email).mutes
            case Word.UNDO:
                taught = opened.feedback.take_back(email, found).interests
                muted = register.subscriber(email).mutes
            case Word.MUTE_AUTHOR:
                muted = register.mute(email, authors=[_author(found, what)])
            case Word.MUTE_WORD:
                muted = register.mute(email, words=[_word(what)])
            case Word.UNMUTE_AUTHOR:
                authors = register.subscriber(email).mutes.authors
                muted = register.unmute(email, authors=[_muted(authors, what)])
            case Word.UNMUTE_WORD:
                words = register.subscriber(email).mutes.words
                muted = register.unmute(email, words=[_muted(words, what)])
    if json:
        shown = {"authors": muted.authors, "words": muted.words}
        said = {"paper": found.key, "feedback": word.value, "interests": taught, "muted": shown}
        say_json(said)
        return
    say(f"Noted: {word.value} on {found.title}")
    if taught:
        say(f"Learnt by: {', '.join(taught)}.")
    elif word in (Word.UP, Word.DOWN):
        say("No interest learnt from it: none had brought it. --interest NAME names one.")


def _author(paper: Paper, name: str | None) -> str:
    """One of the paper's authors, as it writes them; by part of the name if that is clear."""
    wanted = (name or "").casefold()
    fitting = [author for author in paper.authors if wanted in author.casefold()]
    if len(fitting) == 1:
        return fitting[0]
    raise UsageError(
        "Which author?" if fitting else f"The paper has no author {name!r}.",
        mend=f"Name one of: {'; '.join(paper.authors[:20])}.",
    )


def _word(word: str | None) -> str:
    if not word or not word.strip():
        raise UsageError("Which word?", mend="digest feedback EMAIL PAPER mute-word WORD")
    return word


def _muted(muted: Sequence[str], name: str | None) -> str:
    """One of what is muted; by part of it if that is clear."""
    wanted = (name or "").casefold()
    same = [one for one in muted if one.casefold() == wanted]
    fitting = same or [one for one in muted if wanted in one.casefold()]
    if len(fitting) == 1:
        return fitting[0]
    raise UsageError(
        "Which of them?" if fitting else f"{name or 'Nothing'!r} is not muted.",
        mend=f"Muted: {'; '.join(muted) or 'nothing'}.",
    )
