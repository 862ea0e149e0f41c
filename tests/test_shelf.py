from __future__ import annotations

from digest.shelf import Maker, Shelf


def test_what_is_asked_for_is_made_once() -> None:
    made: list[int] = []

    def double(number: int) -> int:
        made.append(number)
        return 2 * number

    maker = Maker(double, room=4)
    assert [maker[n] for n in (1, 2, 1, 2)] == [2, 4, 2, 4]
    assert made == [1, 2]


def test_it_never_holds_more_than_two_halves() -> None:
    maker = Maker(str, room=10)
    for number in range(1000):
        assert maker[number] == str(number)
        assert maker.kept <= 20


def test_what_is_in_use_stays_and_what_is_not_goes() -> None:
    shelf: Shelf[str, int] = Shelf(room=3)
    shelf.keep("used", 1)
    shelf.keep("unused", 2)
    for number in range(20):
        shelf.keep(f"other {number}", number)
        assert shelf.find("used") == 1
    assert shelf.find("unused") is None
