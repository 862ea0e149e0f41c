"""A run composes a batch whenever the sender wants more, and tells at its end what went wrong."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

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
    composing = Composing(iter(batches), watcher, threading.Event())
    seen = [(composing.more(), watcher.moved) for _ in range(3)]
    assert seen == [(True, 3), (True, 6), (False, 6)]
    assert composing.finish() == Composed(5, Counter({Skip.NOTHING_NEW: 1}))


def test_where_sending_is_slow_all_the_rest_is_composed_at_once() -> None:
    watcher = Watching()
    composing = Composing(iter([ONE] * 9), watcher, threading.Event(), patience=-1)
    assert [(composing.more(), watcher.moved) for _ in range(3)] == [
        (True, 1),
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
    assert [composing.more() for _ in range(3)] == [True, True, False]  # two batches are sent
    with pytest.raises(StoreBusy, match="full"):
        composing.finish()


def test_asked_to_end_nothing_further_is_composed() -> None:
    stop = threading.Event()
    composing = Composing(iter([ONE] * 4), Unwatched(), stop)
    assert composing.more()
    stop.set()
    assert not composing.more()
    assert composing.finish() == Composed(1)


def test_where_sending_waits_a_bit_more_is_composed_up_to_what_is_kept_at_hand() -> None:
    watcher, ahead = Watching(), [0]
    steps = [ONE, None, None, ONE, None, ONE]
    composing = Composing(iter(steps), watcher, threading.Event(), ahead=lambda: ahead[0])
    assert composing.more()
    assert [(composing.meanwhile(), watcher.moved) for _ in range(3)] == [
        (True, 1),
        (True, 1),
        (True, 2),
    ]
    ahead[0] = 10_000
    assert not composing.meanwhile()
    assert composing.more()  # nothing is left to be sent: a whole batch, whatever was begun
    assert watcher.moved == 3
    ahead[0] = 0
    assert not composing.meanwhile()
    assert composing.finish() == Composed(3)


def test_where_sending_is_slow_composing_goes_on_however_far_ahead() -> None:
    composing = Composing(
        iter([ONE, None, ONE]),
        Unwatched(),
        threading.Event(),
        ahead=lambda: 10_000,
        patience=-1,
    )
    assert composing.more()
    assert [composing.meanwhile() for _ in range(3)] == [True, True, False]
    assert composing.finish() == Composed(2)


def test_a_fault_while_sending_waits_is_told_at_the_end() -> None:
    def steps() -> Iterator[tuple[Composed, int] | None]:
        yield None
        raise StoreBusy("The disk is full.")

    composing = Composing(steps(), Unwatched(), threading.Event())
    assert [composing.meanwhile() for _ in range(3)] == [True, False, False]
    assert not composing.more()
    with pytest.raises(StoreBusy, match="full"):
        composing.finish()


def test_asked_to_end_nothing_is_composed_while_sending_waits() -> None:
    stop = threading.Event()
    composing = Composing(iter([None, ONE]), Unwatched(), stop)
    assert composing.meanwhile()
    stop.set()
    assert not composing.meanwhile()
    assert composing.finish() == Composed()


def test_a_run_composes_while_the_server_thinks(
    sqlite_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """And everybody gets one mail, as ever."""
    watcher, seen = Watching(), list[tuple[int, int]]()
    with Smtpd(delay=0.02) as server:
        world = Installation(tmp_path_factory.mktemp("world"), sqlite_url, server)
        world.write()
        world.announce(MORNING)
        world.subscribe(40)
        with open_app(load(world.config)) as app:
            app.ingest(lambda: MORNING)
            composer = replace(app.composer(MORNING, keep=app.readers.keep), batch=2)
            composing = Composing(
                composer.steps(MORNING),
                watcher,
                threading.Event(),
                ahead=app.readers.count,
            )

            def meanwhile() -> bool:
                seen.append((watcher.moved, len(server.accepted)))
                return composing.meanwhile()

            with (
                app.outbox(lambda: MORNING) as outbox,
                app.post.lull.filled_by(meanwhile),
            ):
                tally = outbox.drain(composing.more)
        assert composing.finish().composed == tally.states.total() == 40
        assert len(set(server.recipients)) == len(server.accepted) == 40
    assert any(moved > accepted + 10 for moved, accepted in seen)


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
