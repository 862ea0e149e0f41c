"""How often Python looks for cycles of garbage."""

from __future__ import annotations

import gc
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
