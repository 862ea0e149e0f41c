"""Charts: the numbers they hold, the room they take, the words they come with."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.web.desk.charts import (
    HEIGHT,
    TOP,
    Series,
    by_day,
    days_until,
    stacked,
    strip,
)

SERIES = (Series("delivered", "sent"), Series("refused", "refused"))
COUNTS = st.fixed_dictionaries(
    {}, optional={"delivered": st.integers(0, 10**9), "refused": st.integers(0, 10**9)}
)


def test_a_bar_is_as_high_as_its_number() -> None:
    chart = stacked("x", "Mails", [("1 May", {"delivered": 30, "refused": 10})], SERIES)
    low, high = chart.parts
    assert (low.kind, low.height, low.y) == ("delivered", HEIGHT * 0.75, TOP + HEIGHT * 0.25)
    assert (high.kind, high.height, high.y) == ("refused", HEIGHT * 0.25, TOP)
    assert high.label == "1 May: 10 refused"
    assert [word.text for word in chart.grid] == ["40", "20"]


def test_a_chart_says_in_words_what_it_shows() -> None:
    columns = [("1 May", {"delivered": 1}), ("2 May", {"delivered": 1999, "refused": 1})]
    chart = stacked("x", "Mails", columns, SERIES)
    assert chart.says == "In 2 days: 2,000 sent, 1 refused. Most on 2 May: 2,000."
    assert chart.heads == ("Day", "sent", "refused")
    assert chart.rows == (("1 May", "1", "0"), ("2 May", "1,999", "1"))


def test_what_never_happened_takes_no_colour() -> None:
    chart = stacked("x", "Mails", [("1 May", {"delivered": 1})], SERIES)
    assert [one.kind for one in chart.legend] == ["delivered"]
    assert chart.heads == ("Day", "sent")


@pytest.mark.parametrize("columns", [[], [("1 May", {})], [("1 May", {"refused": 0})]], ids=str)
def test_nothing_is_told_as_nothing(columns: list[tuple[str, dict[str, int]]]) -> None:
    chart = stacked("x", "Mails", columns, SERIES)
    assert chart.is_empty
    assert not chart.parts
    assert chart.says.startswith("Nothing in")


@given(st.lists(COUNTS, min_size=1, max_size=40))
def test_whatever_the_numbers_all_stays_inside(counts: list[dict[str, int]]) -> None:
    columns = [(f"day {n}", one) for n, one in enumerate(counts)]
    chart = stacked("x", "Mails", columns, SERIES)
    for part in chart.parts:
        assert part.x >= 0
        assert part.x + part.width <= 100
        assert part.y + part.height <= TOP + HEIGHT + 0.2
        assert part.y >= TOP - 3.2  # the smallest part is drawn a little higher than it is
    assert all(0 <= word.x <= 100 for word in chart.feet)
    assert len(chart.feet) <= 6
    assert chart.feet[0].text == columns[-1][0]


def test_a_strip_has_a_cell_a_day_and_tells_the_last() -> None:
    cells = [("1 May", "delivered", "fresh"), ("2 May", "", ""), ("3 May", "refused", "broken")]
    chart = strip("x", "Health", cells)
    assert [part.kind for part in chart.parts] == ["delivered", "none", "refused"]
    assert chart.rows == (("1 May", "fresh"), ("3 May", "broken"))
    assert chart.says.endswith("3 May: broken.")
    assert strip("x", "Health", [("1 May", "", "")]).is_empty


def test_days_go_up_to_the_last() -> None:
    days = days_until(date(2026, 3, 1), 3)
    assert days == [date(2026, 2, 27), date(2026, 2, 28), date(2026, 3, 1)]
    assert [label for label, _ in by_day(days, lambda on: {})] == ["27 Feb", "28 Feb", "1 Mar"]
