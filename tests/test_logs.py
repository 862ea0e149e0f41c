"""The log: one line an event, the run's id on each, and no reader's address."""

from __future__ import annotations

import io
import json
import logging
import re

import pytest

from digest import logs


def written(format: str, *, addresses: bool = False, **extra: object) -> str:
    to = io.StringIO()
    logs.configure(level="info", format=format, addresses=addresses, to=to)
    log = logging.getLogger("digest.trial")
    log.debug("not this")
    try:
        raise ValueError("no such user ada.l+x@mail.example.org")
    except ValueError:
        log.exception("Refused for %s\nand more", "ada@example.org", extra=extra)
    return to.getvalue()


@pytest.mark.parametrize("format", ["text", "json"])
def test_addresses_are_left_out_wherever_they_come_from(format: str) -> None:
    told = written(format, action="refused", who="bo@example.org")
    assert not re.search(r"\bada\b", told)  # a run's id is hexadecimal: it may hold "ada"
    assert "bo@" not in told
    assert "…@mail.example.org" in told
    assert "not this" not in told
    assert logs.RUN in told
    wanted = written(format, addresses=True, who="bo@example.org")
    assert "ada@example.org" in wanted


def test_json_is_one_object_a_line() -> None:
    [line] = written("json", action="refused", count=3).splitlines()
    told = json.loads(line)
    assert (told["level"], told["action"], told["count"]) == ("error", "refused", 3)
    assert told["run"] == logs.RUN
    assert "ValueError" in told["trace"]


def test_a_message_cannot_begin_a_line_of_its_own() -> None:
    first, *_ = written("text", what="x\ny").splitlines()
    assert first.endswith("and more what=x\\ny")


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("ada@example.org", "…@example.org"),
        ("<ada.b+c@mx.example.org>: 550", "<…@mx.example.org>: 550"),
        ("ölga@bücher.example", "…@bücher.example"),
        ("smtp.example.org:587", "smtp.example.org:587"),
        ("a @ b", "a @ b"),
    ],
)
def test_cleaning(text: str, cleaned: str) -> None:
    assert logs.without_addresses(text) == cleaned
