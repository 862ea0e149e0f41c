"""docs/reference/cli.md: every command, argument and option, read from the functions themselves.

From typer's own declarations and not from its help texts, whose layout changes between versions.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

import typer
from typer.models import ArgumentInfo, OptionInfo, ParameterInfo

from digest.cli.entry import app, options
from digest.cli.say import Exit

_HEAD: Final = """# Command line

Results go to standard output, progress and logs to standard error. Every command that reports
takes `--json`: then standard output holds one JSON value and nothing else. `NO_COLOR` is honoured,
and progress bars appear on a terminal only. `DIGEST_TRACEBACK=1` shows the traceback of a fault of
ours.

## Exit codes { #exit-codes }

| code | meaning |
|---|---|
"""
_EXITS: Final = {
    Exit.DONE: "Done.",
    Exit.FAULT: "A fault of ours or of the set-up.",
    Exit.USAGE: "Wrong usage or configuration.",
    Exit.PARTLY: "Done, but a source, a delivery or a line failed.",
}

Command = Callable[..., Any]


def page() -> str:
    """The whole page as Markdown."""
    lines = [_HEAD + "\n".join(f"| {int(code)} | {told} |" for code, told in _EXITS.items()), ""]
    lines += ["## Options of every command { #options }", ""]
    lines += ["They stand before the command; `--config` may stand behind it as well.", ""]
    lines += _parameters(options)
    for name, command in walked(app):
        lines += _command(name, command)
    return "\n".join(lines).rstrip() + "\n"


def walked(group: typer.Typer, path: str = "digest") -> Iterator[tuple[str, Command | typer.Typer]]:
    """Every command and group by its whole name, in the order of `digest --help`."""
    for one in group.registered_commands:
        assert one.callback is not None
        yield f"{path} {one.name or one.callback.__name__.replace('_', '-')}", one.callback
    for inner in group.registered_groups:
        assert inner.typer_instance is not None
        yield f"{path} {inner.name}", inner.typer_instance
        yield from walked(inner.typer_instance, f"{path} {inner.name}")


def _command(name: str, command: Command | typer.Typer) -> Iterator[str]:
    if isinstance(command, typer.Typer):
        yield f"## `{name}` {{ #{_anchor(name)} }}\n\n{command.info.help}\n"
        return
    depth = "##" if name.count(" ") == 1 else "###"
    yield f"{depth} `{name}` {{ #{_anchor(name)} }}\n"
    yield f"```text\n{' '.join([name, *_usage(command)])}\n```\n"
    yield f"{inspect.cleandoc(command.__doc__ or '')}\n"
    yield from _parameters(command)


def _usage(command: Command) -> Iterator[str]:
    has_options = False
    for _, parameter, info, kind in _declared(command):
        if isinstance(info, ArgumentInfo):
            name = _metavar(parameter, info, kind).strip("[]")
            many = "…" if _is_list(kind) else ""
            yield f"{name}{many}" if _is_required(parameter) else f"[{name}{many}]"
        else:
            has_options = True
    if has_options:
        yield "[OPTIONS]"


def _parameters(command: Command) -> Iterator[str]:
    rows = [
        f"| {_spelt(name, parameter, info, kind)} | {_said(parameter, info, kind)} |"
        for name, parameter, info, kind in _declared(command)
    ]
    if rows:
        yield "| argument or option | meaning |\n|---|---|"
        yield from rows
        yield ""


def _declared(command: Command) -> Iterator[tuple[str, inspect.Parameter, ParameterInfo, Any]]:
    hints = get_type_hints(command, include_extras=True)
    for name, parameter in inspect.signature(command).parameters.items():
        hint = hints[name]
        assert get_origin(hint) is Annotated, f"{command}: {name} is not Annotated"
        kind, *marks = get_args(hint)
        info = next(mark for mark in marks if isinstance(mark, ParameterInfo))
        if not info.hidden:
            yield name, parameter, info, kind


def _spelt(name: str, parameter: inspect.Parameter, info: ParameterInfo, kind: Any) -> str:
    if isinstance(info, ArgumentInfo):
        return f"`{_metavar(parameter, info, kind).strip('[]')}`"
    assert isinstance(info, OptionInfo)
    given = _declarations(info) or _usual(name, kind)
    flags = [flag for one in given for flag in one.split("/")]
    value = "" if _plain(kind) is bool else f" {_metavar(parameter, info, kind)}"
    return ", ".join(f"`{flag}{value}`" for flag in flags)


def _declarations(info: OptionInfo) -> tuple[str, ...]:
    """As written down; inside Annotated, typer keeps the first where a default would be."""
    first = (info.default,) if isinstance(info.default, str) else ()
    return (*first, *(info.param_decls or ()))


def _usual(name: str, kind: Any) -> tuple[str, ...]:
    own = name.replace("_", "-")
    return (f"--{own}", f"--no-{own}") if _plain(kind) is bool else (f"--{own}",)


def _metavar(parameter: inspect.Parameter, info: ParameterInfo, kind: Any) -> str:
    if info.metavar:
        return info.metavar.replace("|", "\\|")
    if isinstance(info, ArgumentInfo):
        return parameter.name.upper().rstrip("_")
    return {int: "NUMBER", float: "NUMBER", Path: "PATH"}.get(_plain(kind)) or "TEXT"


def _said(parameter: inspect.Parameter, info: ParameterInfo, kind: Any) -> str:
    said = [re.sub(r"\s+", " ", info.help or "").strip().replace("|", "\\|")]
    if _is_required(parameter):
        said.append("Required.")
    elif parameter.default not in (None, False, "", inspect.Parameter.empty):
        value = getattr(parameter.default, "value", parameter.default)
        said.append(f"Default: `{str(value).lower() if value is True else value}`.")
    if isinstance(info, OptionInfo) and _is_list(kind):
        said.append("May be given several times.")
    bounds = [info.min, info.max]
    if bounds[0] is not None and bounds[1] is not None:
        said.append(f"From {bounds[0]} to {bounds[1]}.")
    elif bounds[0]:
        said.append(f"At least {bounds[0]}.")
    return " ".join(filter(None, said))


def _is_required(parameter: inspect.Parameter) -> bool:
    return parameter.default is inspect.Parameter.empty


def _is_list(kind: Any) -> bool:
    return any(get_origin(one) is list for one in (kind, *get_args(kind)))


def _plain(kind: Any) -> Any:
    """`int` of `int | None` and of `list[int] | None`."""
    while inner := [one for one in get_args(kind) if one is not type(None)]:
        kind = inner[0]
    return kind


def _anchor(name: str) -> str:
    return name.replace(" ", "-")
