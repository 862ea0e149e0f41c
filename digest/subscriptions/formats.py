"""The two file formats of subscriber records: JSON Lines and CSV.

Reading gives every record with the number of the line it begins on, or the fault of that line;
nothing but a header that makes no sense stops a file. In CSV, lists are JSON in a cell, an empty
cell says nothing, and a cell that a spreadsheet would run as a formula is written behind an
apostrophe that reading takes away again.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from itertools import chain
from pathlib import PurePath
from typing import Any, BinaryIO, Final, NoReturn

from digest.errors import InvalidSubscriber, UsageError
from digest.subscriptions.records import SubscriberRecord

COLUMNS: Final = (*SubscriberRecord.model_fields, "channels")
_LONGEST_CELL: Final = 16 * 1024 * 1024
_UNDECODED: Final = re.compile("[\ud800-\udfff]")
_FORMULA: Final = re.compile(r"'*[=+\-@\t\r]")


class Format(StrEnum):
    JSONL = "jsonl"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class Line:
    """A record or the fault of one line, never both; `number` counts from 1."""

    number: int
    record: Mapping[str, Any] | None = None
    fault: str = ""


def format_of(name: str) -> Format:
    """By the file's ending; raises UsageError."""
    ending = PurePath(name).suffix.lower()
    if ending in (".jsonl", ".ndjson", ".json"):
        return Format.JSONL
    if ending in (".csv", ".txt"):
        return Format.CSV
    raise UsageError(f"{name}: the ending tells no format.", mend="Add --format jsonl or csv.")


def read(stream: BinaryIO, format: Format) -> Iterator[Line]:
    return _read_csv(stream) if format is Format.CSV else _read_jsonl(stream)


def write(records: Iterable[Mapping[str, Any]], format: Format) -> Iterator[str]:
    """The records as text, line by line with line ends."""
    return _write_csv(records) if format is Format.CSV else _write_jsonl(records)


# --- JSON Lines ---------------------------------------------------------------------------------


def _write_jsonl(records: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    return (json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def _read_jsonl(stream: BinaryIO) -> Iterator[Line]:
    for number, raw in enumerate(stream, start=1):
        if number == 1:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        if raw.strip():
            yield _json_line(number, raw)


def _json_line(number: int, raw: bytes) -> Line:
    try:
        value = json.loads(raw.decode("utf-8"), parse_constant=_no_number)
    except UnicodeDecodeError:
        return Line(number, fault="this is not UTF-8 text; save the file as UTF-8")
    except json.JSONDecodeError as error:
        return Line(number, fault=f"this is not JSON: {error.msg} (column {error.colno})")
    except (ValueError, RecursionError) as error:
        return Line(number, fault=f"this is not JSON: {error}")
    if not isinstance(value, dict):
        return Line(number, fault="this is no object; write one {…} on each line")
    return Line(number, value)


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


# --- CSV ----------------------------------------------------------------------------------------


def _write_csv(records: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for record in records:
        writer.writerow([_cell(record.get(column)) for column in COLUMNS])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case list():
            return json.dumps(value, ensure_ascii=False) if value else ""
    text = str(value)
    return f"'{text}" if _FORMULA.match(text) else text


def _read_csv(stream: BinaryIO) -> Iterator[Line]:
    csv.field_size_limit(_LONGEST_CELL)
    text = io.TextIOWrapper(stream, "utf-8-sig", errors="surrogateescape", newline="")
    first = text.readline()
    rows = csv.reader(chain([first], text), delimiter=_delimiter(first))
    begins = 1
    try:
        header = [_column(cell) for cell in next(rows, [])]
        _check_header(header)
        begins = rows.line_num + 1
        for row in rows:
            if any(row):
                yield _csv_line(begins, header, row)
            begins = rows.line_num + 1
    except csv.Error as error:
        yield Line(begins, fault=f"this is not CSV: {error}; the rest was not read")
    finally:
        text.detach()  # the stream is the caller's to close


def _delimiter(first: str) -> str:
    """Spreadsheets of half the world write semicolons."""
    return max(",;\t", key=first.count)


def _column(cell: str) -> str:
    return cell.strip().lower().replace(" ", "_").replace("-", "_")


def _check_header(header: list[str]) -> None:
    faults = [f"column {name!r} is unknown{_near(name)}" for name in header if name not in COLUMNS]
    faults += [f"column {name!r} is there twice" for name in COLUMNS if header.count(name) > 1]
    if "email" not in header:
        faults.append("there is no column email")
    if faults:
        raise InvalidSubscriber(
            f"line 1: {'; '.join(faults)}.", mend=f"Columns: {', '.join(COLUMNS)}."
        )


def _near(name: str) -> str:
    near = get_close_matches(name, COLUMNS, n=1)
    return f" (did you mean {near[0]}?)" if near else ""


def _csv_line(number: int, header: list[str], row: list[str]) -> Line:
    if len(row) > len(header):
        fault = f"it has {len(row)} cells under {len(header)} columns; quote cells that hold commas"
        return Line(number, fault=fault)
    if any(_UNDECODED.search(cell) for cell in row):
        return Line(number, fault="this is not UTF-8 text; save the file as UTF-8")
    cells = zip(header, row, strict=False)  # missing cells at the end say nothing
    return Line(number, {name: _plain(cell) for name, cell in cells if cell.strip()})


def _plain(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
