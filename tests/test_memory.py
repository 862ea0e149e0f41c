"""How often Python looks for cycles of garbage."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from digest import memory


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


def test_works_that_make_much_may_overlap() -> None:
    memory.look_seldom()
    seldom = gc.get_threshold()
    first, second = memory.making_much(), memory.making_much()
    with first:
        hardly = gc.get_threshold()
        second.__enter__()
        memory.look_seldom()
        assert gc.get_threshold() == hardly > seldom
    assert gc.get_threshold() == hardly
    second.__exit__(None, None, None)
    assert gc.get_threshold() == seldom


def test_a_work_that_fails_is_over() -> None:
    memory.look_seldom()
    seldom = gc.get_threshold()

    @memory.making_much()
    def work() -> None:
        assert gc.get_threshold() != seldom
        raise ValueError("spilt")

    for _ in range(2):
        with pytest.raises(ValueError, match="spilt"):
            work()
        assert gc.get_threshold() == seldom


class Knot:
    """Garbage that only a look for cycles can find."""

    def __init__(self) -> None:
        self.itself = self


def test_what_a_work_leaves_is_not_looked_through_at_once_but_with_all_the_rest() -> None:
    memory.look_seldom()
    looks: list[str] = []

    def look(phase: str, _told: dict[str, int]) -> None:
        looks.append(phase)

    lost = weakref.ref(Knot())
    gc.callbacks.append(look)
    try:
        with memory.making_much():
            left = [[number] for number in range(100_000)]
        left += [[number] for number in range(1_000)]
    finally:
        gc.callbacks.remove(look)
    assert not looks
    gc.collect()
    assert lost() is None
    assert gc.get_freeze_count() == 0
    assert len(left) == 101_000
