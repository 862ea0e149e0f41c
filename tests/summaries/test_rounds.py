"""Rounds of summaries over a real store and a real server that speaks OpenAI's chat protocol."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from digest.config.summaries import SummariesSection
from digest.model import Listing, PaperId, Summary
from digest.store.budgets import BudgetStore
from digest.store.database import Database
from digest.store.leases import Lease
from digest.store.marks import MarkStore
from digest.store.papers import PaperStore
from digest.store.rows import PAPER
from digest.store.summaries import SummaryStore
from digest.summaries.endpoint import ANSWER_TOKENS
from digest.summaries.extract import MAKER
from digest.summaries.rounds import PAUSED, Round, Summaries, makers, paused_until
from tests.builders import listing
from tests.delivery.board import HANGUP, RESET, SILENCE, Board, Said
from tests.fakes import FrozenClock
from tests.summaries.talker import asked, completion, says
from tests.web.seeds import issue, remember, subscribe

ABSTRACT = (
    "Lanterns stand in many harbours, and in fog they are all that a pilot has to go by. "
    "We present a lantern that changes its colour with the thickness of the fog, so that its "
    "distance can be read from afar. "
    "On two winters of crossings, pilots who had it turned earlier and came less close to rocks."
)
CHOSEN = (
    "We present a lantern that changes its colour with the thickness of the fog, so that its "
    "distance can be read from afar."
)
WRITTEN = "A lantern whose colour follows the fog lets pilots read their distance from rocks."


@pytest.fixture
def board() -> Iterator[Board]:
    with Board() as board:
        yield board


@dataclass
class Desk:
    """A store with papers, and whoever sums them up."""

    database: Database
    clock: FrozenClock
    settings: SummariesSection

    def round(self, **changed: Any) -> Round:
        settings = self.settings.model_copy(update=changed)
        stop = threading.Event()
        return Summaries(settings, self.database, stop=stop, first_wait=0.01).make(self.clock)

    def shown(self, settings: SummariesSection | None = None) -> list[Summary | None]:
        store = PaperStore(self.database, makers=makers(settings or self.settings))
        return [paper.summary for paper in store.papers(self.ids()).values()]

    def texts(self) -> list[str]:
        return [one.text if one else "" for one in self.shown()]

    def ids(self) -> list[PaperId]:
        with self.database.read() as connection:
            ids = connection.execute(sa.select(PAPER.c.id).order_by(PAPER.c.id)).scalars()
            return [PaperId(id) for id in ids]

    def spent(self) -> int:
        """Tokens taken from the day's budget."""

        def look(key: str, cells: Any, now: float) -> tuple[int, Any]:
            return sum(number for _, number in cells.get("86400", [])), cells

        budgets = BudgetStore(self.database)
        return budgets.change(["summaries:tokens"], look)["summaries:tokens"]


def listings(count: int, **fields: Any) -> list[Listing]:
    return [listing(n, abstract=ABSTRACT, **fields) for n in range(1, count + 1)]


@pytest.fixture
def desk(sqlite_database: Database, clock: FrozenClock, board: Board) -> Desk:
    return make_desk(sqlite_database, clock, board)


def make_desk(database: Database, clock: FrozenClock, board: Board, count: int = 3) -> Desk:
    remember(database, listings(count))
    settings = SummariesSection.model_validate(
        {
            "kind": "openai:lamp-1",
            "url": board.url("/v1"),
            "key": "a key nobody may see",
            "sessions": 1,
            "timeout_seconds": 5,
            "deadline_seconds": 10,
        }
    )
    return Desk(database, clock, settings)


# --- chosen -----------------------------------------------------------------------------------


def test_sentences_are_chosen_without_anybody_being_asked(
    database: Database, clock: FrozenClock, board: Board
) -> None:
    desk = make_desk(database, clock, board)
    desk.settings = SummariesSection()
    assert desk.round() == Round(extracted=3)
    assert desk.shown() == [Summary(CHOSEN)] * 3
    assert desk.round() == Round()
    assert not board.posts


@pytest.mark.parametrize(
    ("kind", "is_all"), [("off", True), ("extractive", True), ("openai:lamp-1", False)]
)
def test_a_mail_may_leave_early_where_no_model_has_yet_to_write(
    desk: Desk, board: Board, kind: str, is_all: bool
) -> None:
    settings = desk.settings.model_copy(update={"kind": kind})
    summaries = Summaries(settings, desk.database, stop=threading.Event())
    assert summaries.settle(desk.clock) is is_all
    assert desk.shown(settings) == [None if kind == "off" else Summary(CHOSEN)] * 3
    assert not board.posts


def test_off_is_off(desk: Desk) -> None:
    assert desk.round(kind="off") == Round()
    desk.round(kind="extractive")
    off = SummariesSection(kind="off")
    assert desk.shown(off) == [None] * 3


def test_a_new_version_is_summed_up_anew(desk: Desk) -> None:
    desk.settings = SummariesSection()
    desk.round()
    better = ABSTRACT.replace("changes its colour", "changes its  tune")
    remember(desk.database, [listing(2, abstract=better, version=2)])
    assert desk.shown()[1] is None
    assert desk.round() == Round(extracted=1)
    assert desk.texts()[1] == CHOSEN.replace("changes its colour", "changes its tune")


def test_what_was_announced_long_ago_is_left_alone(desk: Desk) -> None:
    desk.clock.tick(days=30)
    assert desk.round() == Round()


def test_a_paper_without_an_abstract_is_no_work(desk: Desk) -> None:
    desk.round(kind="extractive")
    remember(desk.database, [listing(9, abstract="")])
    assert desk.round(kind="extractive") == Round()


# --- written ----------------------------------------------------------------------------------


def test_a_model_s_sentences_are_kept_and_marked(
    database: Database, clock: FrozenClock, board: Board
) -> None:
    desk = make_desk(database, clock, board)
    board.on_this(*[says(WRITTEN)] * 3)
    assert desk.round(sessions=3) == Round(extracted=3, written=3, tokens=360)
    assert desk.shown() == [Summary(WRITTEN, is_written=True)] * 3
    assert [post.path for post in board.posts] == ["/v1/chat/completions"] * 3
    assert {post.headers["authorization"] for post in board.posts} == {
        "Bearer a key nobody may see"
    }
    assert {post.json["model"] for post in board.posts} == {"lamp-1"}
    assert {told["abstract"] for told in asked(board)} == {ABSTRACT}
    assert desk.spent() == 360
    assert desk.round() == Round()
    assert SummaryStore(database).counts() == {MAKER: 3, "openai:lamp-1/en/1": 3}


def test_nothing_of_subscribers_leaves(desk: Desk, board: Board) -> None:
    issue(desk.database, subscribe(desk.database))
    board.on_this(*[says(WRITTEN)] * 3)
    desk.round()
    for post in board.posts:
        assert set(post.json) == {"model", "messages", "max_tokens"}
        assert set(json.loads(post.json["messages"][1]["content"])) == {"title", "abstract"}


def test_what_digests_hold_and_what_is_voted_for_comes_first(desk: Desk, board: Board) -> None:
    remember(desk.database, [listing(4, abstract=ABSTRACT, votes=9)])
    reader = subscribe(desk.database)
    assert board.posts == []
    board.on_this(*[says(WRITTEN)] * 9)
    desk.round(papers_per_run=1)
    assert asked(board)[-1]["title"].endswith("part 4")
    issue(desk.database, reader)  # all four papers
    remember(desk.database, [listing(5, abstract=ABSTRACT, votes=100)])
    desk.round()
    assert asked(board)[-1]["title"].endswith("part 5")


def test_an_unusable_answer_is_not_asked_for_again(desk: Desk, board: Board) -> None:
    board.on_this(says("Visit https://evil.example now."), says(WRITTEN), says(WRITTEN))
    assert desk.round() == Round(extracted=3, written=2, refused=1, tokens=360)
    assert sorted(desk.texts()) == sorted([CHOSEN, WRITTEN, WRITTEN])
    assert desk.round() == Round()


def test_another_language_is_another_maker(desk: Desk, board: Board) -> None:
    board.on_this(*[says(WRITTEN)] * 3)
    desk.round()
    german = desk.settings.model_copy(update={"language": "de"})
    assert desk.shown(german) == [Summary(CHOSEN)] * 3


def test_models_that_count_answers_otherwise_are_asked_so(desk: Desk, board: Board) -> None:
    told = b'{"error":{"message":"Unsupported: max_tokens. Use max_completion_tokens."}}'
    board.on(400, told)
    board.on_this(*[says(WRITTEN)] * 3)
    assert desk.round().written == 3
    limits = [{"max_tokens", "max_completion_tokens"} & set(post.json) for post in board.posts]
    assert limits == [{"max_tokens"}, *[{"max_completion_tokens"}] * 3]
    assert board.posts[0].json["max_tokens"] == ANSWER_TOKENS


# --- budget -----------------------------------------------------------------------------------


def test_the_day_s_tokens_hold_over_processes_and_come_back(
    database: Database, clock: FrozenClock, board: Board
) -> None:
    desk = make_desk(database, clock, board)
    board.on_this(*[says(WRITTEN, tokens=700)] * 3)
    first = desk.round(daily_tokens=1200)
    assert (first.written, first.tokens) == (1, 700)
    assert "1200 tokens are spent" in first.stopped
    assert "spent" in desk.round(daily_tokens=1200).stopped  # another process
    assert len(board.posts) == 1
    assert desk.texts().count(CHOSEN) == 2
    assert desk.round().written == 2


def test_an_answer_that_does_not_tell_costs_what_was_reserved(desk: Desk, board: Board) -> None:
    board.on_this(*[says(WRITTEN, tokens=None)] * 3)
    done = desk.round()
    assert done.tokens == desk.spent() > 3 * ANSWER_TOKENS


def test_more_than_was_reserved_counts(desk: Desk, board: Board) -> None:
    board.on_this(says(WRITTEN, tokens=400_000), says(WRITTEN, tokens=400_000))
    done = desk.round()
    assert (done.written, desk.spent()) == (2, 800_000)
    assert "spent" in done.stopped


def test_what_was_refused_cost_nothing(desk: Desk, board: Board) -> None:
    board.on(400, b"no", times=3)
    desk.round()
    assert desk.spent() == 0


# --- trouble ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        Said(500, b"oops"),
        Said(429, b"slow down", {"Retry-After": "0"}),
        Said(200, b"<html>Welcome</html>"),
        Said(200, b""),
        Said(200, b'{"choices": []}'),
        Said(200, b'{"choices": [{"message": {"content": null}}]}'),
        Said(200, b"[" * 100_000),
        Said(200, b"\xff\xfe\x00"),
        Said(200, completion(["not", "text"])),
        Said(200, b'{"pad": "' + b"x" * 400_000 + b'"}'),
        HANGUP,
        RESET,
    ],
    ids=[
        "500", "429", "a page", "nothing", "no choice", "no text", "nested", "bytes", "a list",
        "endless", "hung up", "reset",
    ],
)  # fmt: skip
def test_one_fault_is_tried_again(desk: Desk, board: Board, fault: Said) -> None:
    board.on_this(fault, *[says(WRITTEN)] * 3)
    done = desk.round(papers_per_run=1)
    assert (done.written, done.stopped) == (1, "")


def test_a_service_that_keeps_failing_is_left_alone_for_longer_and_longer(
    desk: Desk, board: Board, caplog: pytest.LogCaptureFixture
) -> None:
    board.on(503, b"away", times=20)
    caplog.set_level(logging.WARNING)
    pauses = []
    for _ in range(3):
        done = desk.round()
        assert (done.written, done.stopped) == (0, "HTTP 503: away")
        until, why = paused_until(desk.database, desk.clock()) or pytest.fail("not paused")
        assert why == "HTTP 503: away"
        pauses.append(until - desk.clock())
        asked_before = len(board.posts)
        assert "left alone" in desk.round().stopped
        assert len(board.posts) == asked_before
        desk.clock.set(until)
    assert pauses == [timedelta(minutes=5), timedelta(minutes=10), timedelta(minutes=20)]
    assert "a key nobody may see" not in caplog.text
    assert desk.texts() == [CHOSEN] * 3
    board._answers.clear()
    board.on_this(*[says(WRITTEN)] * 3)
    assert desk.round().written == 3
    assert MarkStore(desk.database).get(PAUSED) is None


def test_a_long_wait_is_granted_and_nobody_waits_for_it(desk: Desk, board: Board) -> None:
    board.on(429, b"", headers={"Retry-After": "1800"})
    started = time.monotonic()
    desk.round()
    assert time.monotonic() - started < 3
    until, _ = paused_until(desk.database, desk.clock()) or pytest.fail("not paused")
    assert until == desk.clock() + timedelta(minutes=30)


@pytest.mark.parametrize("status", [401, 403, 404, 302])
def test_a_wrong_key_or_model_is_told_at_once(desk: Desk, board: Board, status: int) -> None:
    board.on(status, b"who are you?", headers={"Location": board.url("/elsewhere")})
    assert desk.round().stopped.startswith(f"HTTP {status}")
    assert len(board.posts) == 1
    assert "left alone" in desk.round().stopped


def test_one_refused_paper_does_not_stop_the_others(desk: Desk, board: Board) -> None:
    board.on(400, b"a content policy")
    board.on_this(says(WRITTEN), says(WRITTEN))
    assert desk.round() == Round(extracted=3, written=2, refused=1, tokens=240)
    assert desk.round() == Round()


def test_a_service_that_refuses_everything_may_be_mended(desk: Desk, board: Board) -> None:
    board.on(400, b"no such parameter", times=3)
    assert desk.round().stopped == "HTTP 400: no such parameter"
    desk.clock.tick(minutes=6)
    board.on_this(*[says(WRITTEN)] * 3)
    assert desk.round().written == 3


def test_silence_ends_at_the_deadline(desk: Desk, board: Board) -> None:
    board.on_this(*[SILENCE] * 9)
    started = time.monotonic()
    done = desk.round(deadline_seconds=2, timeout_seconds=30, sessions=2)
    assert time.monotonic() - started < 4
    assert done.written == 0
    assert done.stopped
    assert desk.texts() == [CHOSEN] * 3


def test_a_host_that_is_not_there(desk: Desk) -> None:
    done = desk.round(url="http://127.0.0.1:9/v1")
    assert "could not be reached" in done.stopped


def test_one_round_at_a_time(desk: Desk) -> None:
    other = Lease(desk.database, "summaries", "elsewhere/1/x", timedelta(seconds=60))
    assert other.acquire()
    assert desk.round().stopped == "another process makes them"
    other.release()
    assert desk.round(kind="extractive").extracted == 3


def test_asked_to_stop_it_stops(desk: Desk, board: Board) -> None:
    stop = threading.Event()
    stop.set()
    Summaries(desk.settings, desk.database, stop=stop).make(desk.clock)
    assert not board.posts


def test_a_summary_goes_with_its_paper(database: Database, clock: FrozenClock) -> None:
    remember(database, listings(2))
    Summaries(SummariesSection(), database, stop=threading.Event()).make(clock)
    with database.write() as connection:
        connection.execute(sa.delete(PAPER))
    assert SummaryStore(database).counts() == {}


def test_papers_that_became_one_have_one_summary(database: Database, clock: FrozenClock) -> None:
    first, second = listings(2)
    other = replace(second, title="Another", authors=("Cy Dee",), ids=replace(second.ids, doi=None))
    remember(database, [first, other])
    desk = Desk(database, clock, SummariesSection())
    desk.round()
    both = replace(first, ids=replace(first.ids, doi="10.1000/x"))
    remember(database, [both, replace(other, ids=replace(other.ids, doi="10.1000/x"))])
    desk.round()
    assert desk.texts() == [CHOSEN] * len(desk.ids())
