"""Imports point down: the floors of docs/why/design.md, held."""

from __future__ import annotations

import subprocess
import sys

from tests.house.code import modules

#: From the ground up. A room may import rooms of lower floors only; on the ground floor, where the
#: vocabulary is, modules may also build on one another.
FLOORS: tuple[frozenset[str], ...] = (
    frozenset(
        {
            "digest",
            "model",
            "errors",
            "clock",
            "text",
            "identifiers",
            "latex",
            "symbols",
            "shelf",
            "phrases",
            "memory",
        }
    ),
    frozenset({"config", "network", "logs", "away", "ending"}),
    frozenset({"sources", "matching", "rendering", "delivery", "store", "tokens"}),
    frozenset(
        {
            "ingest",
            "edition",
            "outbox",
            "alerts",
            "operators",
            "pager",
            "rhythm",
            "subscriptions",
            "explaining",
            "searching",
            "summaries",
            "housekeeping",
            "branding",
            "metrics",
            "hub",
        }
    ),
    frozenset(
        {
            "letters",
            "access",
            "operations",
            "chat",
            "errands",
            "day",
            "bounces",
            "likeness",
            "feedback",
            "backtest",
            "importing",
            "pauses",
        }
    ),  # stories made of stories
    frozenset({"post", "channels", "origins", "groundwork"}),
    frozenset({"dispatch"}),
    frozenset({"wiring"}),
    frozenset({"notices"}),
    frozenset({"web", "scheduler", "demo"}),
    frozenset({"doctor"}),
    frozenset({"cli"}),
    frozenset({"__main__"}),
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}


def room_of(name: str) -> str:
    return name.split(".")[1] if "." in name else "digest"


def may_import(room: str, other: str) -> bool:
    here, there = FLOOR.get(room, -1), FLOOR.get(other, -1)
    return room == other or there < here or here == there == 0


def test_every_room_has_a_floor() -> None:
    assert {module.room for module in modules()} <= FLOOR.keys(), f"add the room in {__file__}"


def test_imports_point_down() -> None:
    wrong = [
        f"{module.shown}:{line}: {module.room} must not import {room_of(name)}"
        for module in modules()
        for line, name in module.imports()
        if not may_import(module.room, room_of(name))
    ]
    assert not wrong, "\n".join(wrong)


def test_imports_inside_functions_are_the_command_line_s_alone() -> None:
    wrong = [
        f"{module.shown}:{line}: {name}"
        for module in modules()
        if module.room != "cli"  # there they keep the start-up short
        for line, name in set(module.imports()) - set(module.imports(inside_functions=False))
    ]
    assert not wrong, "\n".join(wrong)


def test_no_module_imports_itself_in_a_round() -> None:
    graph = {module.name: {name for _, name in module.imports()} for module in modules()}
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join((*path[path.index(name) :], name))
        if name not in done:
            for other in sorted(graph.get(name, ())):
                visit(other, (*path, name))
            done.add(name)

    for name in sorted(graph):
        visit(name, ())


def test_a_run_on_a_file_loads_neither_alembic_nor_psycopg() -> None:
    """They are for migrating and for PostgreSQL, and take a seventh of what a process is."""
    heavy = "import sys, digest.wiring; print({'alembic', 'psycopg'} & sys.modules.keys())"
    found = subprocess.run(
        [sys.executable, "-c", heavy], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "set()"
