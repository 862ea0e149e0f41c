"""A run composes a batch whenever the sender wants more, and tells at its end what went wrong."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator

import pytest

from digest.config import load
from digest.day import Composing, Unwatched
from digest.edition import Composed
from digest.errors import StoreBusy
from digest.model import Skip
from digest.store.readers import Read, ReaderStore
from digest.wiring import open_app
from tests.installed import MORNING, Installation
from tests.smtpd import Smtpd

ONE = Composed(1), 1


class Watching(Unwatched):
    def __init__(self) -> None:
        self.moved = 0

    def composed(self, subscribers: int) -> None:
        self.moved += subscribers


def test_a_batch_is_composed_at_a_time_and_the_last_is_the_end() -> None:
    watcher = Watching()
    batches = [(Composed(3), 3), (Composed(2, Counter({Skip.NOTHING_NEW: 1})), 3)]
    composing = Composing(iter(batches), watcher, threading.Event(), at_once=1)
    seen = [(composing.more(), watcher.moved) for _ in range(3)]
    assert seen == [(True, 3), (True, 6), (False, 6)]
    assert composing.finish() == Composed(5, Counter({Skip.NOTHING_NEW: 1}))


def test_where_sending_is_slow_all_the_rest_is_composed_at_once() -> None:
    watcher = Watching()
    composing = Composing(iter([ONE] * 9), watcher, threading.Event(), at_once=2, patience=-1)
    assert [(composing.more(), watcher.moved) for _ in range(3)] == [
        (True, 2),
        (True, 9),
        (False, 9),
    ]


def test_what_was_not_asked_for_is_composed_at_the_end() -> None:
    composing = Composing(iter([ONE] * 9), Unwatched(), threading.Event())
    assert composing.more()
    assert composing.finish() == Composed(9)


def test_a_fault_ends_the_sending_first_and_is_told_at_the_end() -> None:
    def batches() -> Iterator[tuple[Composed, int]]:
        yield ONE
        yield ONE
        raise StoreBusy("The disk is full.")

    composing = Composing(batches(), Unwatched(), threading.Event())
    assert [composing.more() for _ in range(3)] == [True, False, False]  # two batches are sent
    with pytest.raises(StoreBusy, match="full"):
        composing.finish()


def test_asked_to_end_nothing_further_is_composed() -> None:
    stop = threading.Event()
    composing = Composing(iter([ONE] * 4), Unwatched(), stop, at_once=1)
    assert composing.more()
    stop.set()
    assert not composing.more()
    assert composing.finish() == Composed(1)


def test_what_composing_hands_over_is_what_would_be_read(
    sqlite_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with Smtpd() as server:
        world = Installation(tmp_path_factory.mktemp("world"), sqlite_url, server)
        world.write()
        world.announce(MORNING)
        world.subscribe(5)
        with open_app(load(world.config)) as app:
            app.ingest(lambda: MORNING)
            kept: list[Read] = []
            done = app.composer(MORNING, keep=kept.extend).compose(MORNING)
            stored = ReaderStore(app.database)
            read = stored.read([one.digest.id for one in kept])
    assert done.composed == len(kept) == 5
    assert [read[one.digest.id] for one in kept] == kept
    assert all(one.digest.sections for one in kept)
