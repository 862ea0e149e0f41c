"""The house's yardstick: small modules, small functions, one clock, names that say something."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from statistics import median, quantiles

from tests.house.code import Function, modules

LONGEST_MODULE = 400
LONGEST_FUNCTION = 60
#: The vocabulary is one page on purpose: it is read from top to bottom, before anything else.
LONG_ON_PURPOSE = {"digest/model.py"}
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "manager", "service", "common", "misc"}

#: What tells the time by itself; `digest.clock` is where it is asked for.
CLOCKS = {
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "dt.datetime.now",
    "dt.datetime.utcnow",
    "datetime.datetime.now",
    "date.today",
    "dt.date.today",
    "time.time",
    "time.localtime",
    "time.gmtime",
}


def lines(function: Function) -> int:
    """Lines of the body, without the docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def none_of(wrong: Iterable[str]) -> None:
    found = list(wrong)
    assert not found, "\n".join(found)


def test_modules_are_short() -> None:
    none_of(
        f"{module.shown}: {module.text.count(chr(10))} lines"
        for module in modules()
        if module.shown not in LONG_ON_PURPOSE and module.text.count("\n") > LONGEST_MODULE
    )


def test_functions_are_short() -> None:
    none_of(
        f"{module.shown}:{function.lineno}: {function.name} has {lines(function)} lines"
        for module in modules()
        for function in module.functions()
        if lines(function) > LONGEST_FUNCTION
    )


def test_most_modules_and_functions_are_shorter_still() -> None:
    bodies = [lines(function) for module in modules() for function in module.functions()]
    assert median(module.text.count("\n") for module in modules()) <= 150
    assert median(bodies) <= 7
    assert quantiles(bodies, n=10)[-1] <= 25


def test_only_the_clock_asks_for_the_time() -> None:
    none_of(
        f"{module.shown}:{node.lineno}: {ast.unparse(node)}"
        for module in modules()
        if module.name != "digest.clock"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node) in CLOCKS
    )


def test_names_say_something() -> None:
    none_of(it.shown for it in modules() if EMPTY_NAMES & set(it.name.split(".")))


def test_every_module_says_what_it_is() -> None:
    none_of(it.shown for it in modules() if it.text.strip() and not ast.get_docstring(it.tree))


def test_exceptions_to_the_tools_say_why() -> None:
    none_of(
        f"{module.shown}:{number}: say why"
        for module in modules()
        for number, line in enumerate(module.text.splitlines(), 1)
        for mark in ("# noqa", "# type: ignore")
        if mark in line and not line.partition(mark)[2].partition("#")[2].strip()
    )
