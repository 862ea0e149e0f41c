"""The words under each paper of a mail: more like this, less, never this author or word again.

    GET   /f/TOKEN/PAPER/up|down|mute    what will happen, with one button
    POST  the same                       it happens, and there is a button to undo it

No login: the token is the reader's. A mail scanner that follows the link changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated, Final

from fastapi import APIRouter, Depends
from starlette.responses import Response

from digest.errors import InvalidSubscriber, UnknownPaper
from digest.model import Mutes, Paper, PaperId, Subscriber
from digest.rendering.language import Language, message
from digest.rendering.spans import clean, line
from digest.rendering.view import clean_title
from digest.subscriptions.records import check
from digest.tokens import Purpose
from digest.web.forms import Fault, Form, Posted
from digest.web.reader import Reader, find_reader, number_of, reader_of
from digest.web.visit import Visit, Visiting

router = APIRouter()

_AUTHORS: Final = 20  #: names offered to be muted


class Word(StrEnum):
    """What a reader may say of a paper."""

    UP = "up"
    DOWN = "down"
    MUTE = "mute"


@dataclass(frozen=True, slots=True)
class Words:
    """The page's words for one thing to say."""

    title: str
    button: str
    done: str


_WORDS: Final = {
    Word.UP: Words(
        message("More like this?"),
        message("Yes, more like this"),
        message("Noted: more like this."),
    ),
    Word.DOWN: Words(
        message("Less like this?"),
        message("Yes, less like this"),
        message("Noted: less like this."),
    ),
    Word.MUTE: Words(
        message("Never again?"),
        message("Never show these again"),
        message("Noted: never again."),
    ),
}


@dataclass(frozen=True, slots=True)
class Saying:
    """One reader about one paper."""

    visit: Visit
    subscriber: Subscriber
    paper: Paper
    here: str

    @property
    def language(self) -> Language:
        return self.visit.speaking(self.subscriber.language)

    @property
    def reader(self) -> Reader:
        return reader_of(self.visit, self.subscriber)


def _saying(visit: Visiting, token: str, paper: str) -> Saying:
    ids = visit.rooms.tokens.read(Purpose.FEEDBACK, token)
    subscriber = find_reader(visit, ids[0] if ids else 0)
    id = PaperId(number_of(paper))
    found = visit.rooms.papers.papers([id]).get(id)
    if found is None:
        raise UnknownPaper("The paper is no longer stored.")
    return Saying(visit, subscriber, found, f"/f/{token}/{id}")


Told = Annotated[Saying, Depends(_saying)]


@router.get("/f/{token}/{paper}/{word}")
def show(saying: Told, word: Word) -> Response:
    """What will happen."""
    return _page(saying, word)


@router.post("/f/{token}/{paper}/{word}")
def say(saying: Told, word: Word, form: Posted) -> Response:
    """It happens, or is undone."""
    is_undone = form.text("do") == "undo"
    if word is Word.MUTE:
        return _unmute(saying, form) if is_undone else _mute(saying, form)
    feedback, email = saying.visit.rooms.feedback, saying.subscriber.email
    if is_undone:
        feedback.take_back(email, saying.paper)
        return _page(saying, word, done=saying.language.text("Undone."))
    heard = feedback.hear(email, saying.paper, liked=word is Word.UP)
    done = [saying.language.text(_WORDS[word].done)]
    if heard.interests:
        names = saying.language.listed([line(name, 80) for name in heard.interests])
        done.append(saying.language.say("It teaches: {interests}.", interests=names))
    return _page(saying, word, done=saying.language.paragraph(*done), is_undoable=True)


def _mute(saying: Saying, form: Form) -> Response:
    language, wanted = saying.language, _named(saying, form)
    if not (wanted.authors or wanted.words):
        fault = Fault(language.text("Tick an author, or type a word."))
        return _page(saying, Word.MUTE, faults={"word": fault}, muted=wanted)
    try:
        record = {"muted_authors": list(wanted.authors), "muted_words": list(wanted.words)}
        check({"email": saying.subscriber.email, **record})
        register = saying.visit.rooms.subscriptions
        register.mute(saying.subscriber.email, authors=wanted.authors, words=wanted.words)
    except InvalidSubscriber as error:
        return _page(saying, Word.MUTE, faults={"word": Fault.of(error, language)}, muted=wanted)
    done = language.text(_WORDS[Word.MUTE].done)
    return _page(saying, Word.MUTE, done=done, is_undoable=True, muted=wanted)


def _unmute(saying: Saying, form: Form) -> Response:
    wanted = _named(saying, form)
    register, email = saying.visit.rooms.subscriptions, saying.subscriber.email
    register.unmute(email, authors=wanted.authors, words=wanted.words)
    told = replace(saying, subscriber=find_reader(saying.visit, saying.subscriber.id))
    return _page(told, Word.MUTE, done=saying.language.text("Undone."))


def _named(saying: Saying, form: Form) -> Mutes:
    """Authors of this paper that are ticked, and one word or phrase."""
    known = dict.fromkeys(saying.paper.authors[:_AUTHORS])
    ticked = tuple(name for place, name in enumerate(known) if place in form.numbers("author"))
    word = line(form.text("word"))
    return Mutes(ticked, (word,) if word else ())


def _page(
    saying: Saying,
    word: Word,
    *,
    done: str = "",
    is_undoable: bool = False,
    faults: dict[str, Fault] | None = None,
    muted: Mutes | None = None,
) -> Response:
    language, words = saying.language, _WORDS[word]
    return saying.visit.private(
        "web/feedback.html.j2",
        status=400 if faults else 200,
        language=language,
        title=language.text(words.title),
        button=language.text(words.button),
        word=word.value,
        here=saying.here,
        paper=clean_title(saying.paper),
        paper_url=saying.visit.links.paper(saying.paper),
        authors=_authors(saying, muted),
        silenced=[] if is_undoable else _silenced(saying),
        typed=muted.words[0] if muted and muted.words else "",
        done=done,
        is_undoable=is_undoable,
        faults=faults or {},
        home=saying.reader.home,
    )


def _authors(saying: Saying, muted: Mutes | None) -> list[tuple[str, bool]]:
    """The paper's authors, each with whether it is ticked."""
    ticked = muted.authors if muted else ()
    names = dict.fromkeys(saying.paper.authors[:_AUTHORS])
    return [(clean(name), name in ticked) for name in names]


def _silenced(saying: Saying) -> list[tuple[int, str]]:
    """The paper's authors of whom nothing is shown already, each with its place."""
    muted = {one.casefold() for one in saying.subscriber.mutes.authors}
    names = dict.fromkeys(saying.paper.authors[:_AUTHORS])
    return [(place, clean(name)) for place, name in enumerate(names) if name.casefold() in muted]
