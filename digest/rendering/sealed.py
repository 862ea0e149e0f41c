"""A sealed value: a template may print it and see that it is there, and can do nothing else.

So what a template draws around it is the same whatever the value is. Anything that could make a
difference raises; the template has then to be drawn for every value.
"""

from __future__ import annotations

from typing import NoReturn


class Peeked(Exception):
    """A template looked into a sealed value. No TypeError: some filters would swallow that."""


class Sealed:
    """Printed as `drawn`, and nothing else; where `is_address`, `safe_url` lets it pass."""

    __slots__ = ("_drawn", "is_address")

    def __init__(self, drawn: str, *, is_address: bool = False) -> None:
        self._drawn = drawn
        self.is_address = is_address

    @staticmethod
    def opened(value: object) -> object:
        """What a plain-text template prints for a value; HTML asks for `__html__`."""
        return value._drawn if isinstance(value, Sealed) else value

    def __html__(self) -> str:
        return self._drawn

    def __str__(self) -> NoReturn:
        raise Peeked

    def __eq__(self, _other: object) -> NoReturn:
        raise Peeked

    def __hash__(self) -> NoReturn:
        raise Peeked

    def __int__(self) -> NoReturn:
        raise Peeked

    def __float__(self) -> NoReturn:
        raise Peeked
