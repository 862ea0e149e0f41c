"""The package's source as the house tests look at it: modules, functions and who imports whom."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "digest"
GENERATED = PACKAGE / "store" / "migrations"

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One file of the package."""

    path: Path
    text: str
    tree: ast.Module

    @property
    def name(self) -> str:
        parts = self.path.relative_to(ROOT).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def room(self) -> str:
        """`sources` for digest.sources.http; the package itself is `digest`."""
        return self.name.split(".")[1] if "." in self.name else "digest"

    @property
    def shown(self) -> str:
        return str(self.path.relative_to(ROOT))

    def functions(self) -> Iterator[Function]:
        return (node for node in ast.walk(self.tree) if isinstance(node, Function))

    def imports(self, *, inside_functions: bool = True) -> Iterator[tuple[int, str]]:
        """Line and dotted name of everything of ours that is imported when the code runs."""
        skipped = {id(node) for block in _typing_blocks(self.tree) for node in ast.walk(block)}
        if not inside_functions:
            skipped |= {id(node) for it in self.functions() for node in ast.walk(it)}
        for node in ast.walk(self.tree):
            if id(node) not in skipped:
                yield from ((node.lineno, name) for name in _imported(node))  # type: ignore[attr-defined]  # only statements give names


def _typing_blocks(tree: ast.Module) -> Iterator[ast.If]:
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield node


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [it.name for it in node.names if it.name.split(".")[0] == "digest"]
    if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "digest":
        return [_module_named(f"{node.module}.{it.name}") for it in node.names]
    return []


def _module_named(dotted: str) -> str:
    """`digest.model` for `digest.model.Paper`."""
    path = ROOT.joinpath(*dotted.split("."))
    is_module = path.with_suffix(".py").exists() or path.is_dir()
    return dotted if is_module else dotted.rpartition(".")[0]


@cache
def modules() -> tuple[Module, ...]:
    """Every module of the package but the generated migrations."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        if GENERATED not in path.parents:
            text = path.read_text("utf-8")
            found.append(Module(path, text, ast.parse(text)))
    return tuple(found)
