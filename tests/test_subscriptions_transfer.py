"""Import and export: the same bytes again, faults by line, and nobody brought back."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import pytest

from digest.errors import InvalidChannel, InvalidSubscriber, UsageError
from digest.model import ChannelState, SubscriberState
from digest.store.database import Database
from digest.subscriptions import Format, Subscriptions, format_of, read, write
from digest.subscriptions.channels import Channels, Checked
from digest.subscriptions.transfer import BATCH
from tests.fakes import FrozenClock

KEYS = ("k" * 40,)
ADA, BO = "ada@example.org", "bo@example.org"

RICH = {
    "email": ADA,
    "name": "=HYPERLINK(1)",
    "timezone": "Europe/Lisbon",
    "cadence": "monthly",
    "hour": 6,
    "minute": 30,
    "monthday": 31,
    "state": "paused",
    "paused_until": "2026-12-01T00:00:00Z",
    "limit": 5,
    "language": "pt",
    "style": "compact",
    "trending": 3,
    "revisions": True,
    "muted_authors": ["Bo Lind"],
    "muted_words": ["fog", 'say "fog"; or not, then'],
    "created_at": "2026-01-05T09:00:00.123456Z",
    "confirmed_at": "2026-01-05T10:00:00Z",
    "interests": [
        {
            "name": "Lamps",
            "query": 'lantern* AND ("sea fog" OR author:"Ö. Å.")',
            "statement": "How far light reaches.\nIn fog, that is.",
            "examples": [{"title": "On lamps", "abstract": "A, b.", "positive": False}],
            "authors": ["Ada Mirza"],
            "limit": 3,
            "daily_volume": 2.5,
            "combine": "all",
            "paused": True,
        },
        {"name": "Ropes", "query": "rope"},
    ],
}
PLAIN = {"email": BO, "name": "'=quoted", "state": "unsubscribed"}


@pytest.fixture
def register(sqlite_database: Database, clock: FrozenClock) -> Subscriptions:
    return Subscriptions(sqlite_database, keys=KEYS, clock=clock)


def load(
    register: Subscriptions, data: bytes, format: Format = Format.JSONL, **options: Any
) -> dict[str, Any]:
    return register.load(read(io.BytesIO(data), format), **options).to_json()


def dump(register: Subscriptions, format: Format = Format.JSONL) -> bytes:
    return "".join(write(register.records(), format)).encode()


def lines(*records: Mapping[str, Any] | str) -> bytes:
    texts = (one if isinstance(one, str) else json.dumps(one) for one in records)
    return "\n".join(texts).encode()


@pytest.mark.parametrize("format", list(Format))
def test_what_is_exported_and_imported_is_the_same_bytes(
    database: Database, clock: FrozenClock, format: Format
) -> None:
    register = Subscriptions(database, keys=KEYS, clock=clock)
    assert load(register, lines(RICH, PLAIN))["added"] == 2
    exported = dump(register, format)
    for id_ in register.ids():
        register.remove(register.profiles([id_])[0].email)
    for address in (ADA, BO):
        register.lift(address)
    clock.tick(days=3)
    assert load(register, exported, format)["added"] == 2
    assert dump(register, format) == exported
    assert register.subscriber(ADA).name == "=HYPERLINK(1)"
    assert register.subscriber(BO).name == "'=quoted"


def test_csv_cells_are_never_formulas(register: Subscriptions) -> None:
    load(
        register,
        lines(*({"email": f"{n}@example.org", "name": f"{c}1"} for n, c in enumerate("=+-@"))),
    )
    rows = dump(register, Format.CSV).decode().splitlines()[1:]
    assert [row.split(",")[1][:2] for row in rows] == ["'=", "'+", "'-", "'@"]


HOOKS: dict[str, Any] = {
    "email": ADA,
    "channels": [
        {"kind": "webhook", "label": "lab", "address": "https://a.example/1", "secret": "s" * 20},
        {
            "kind": "webhook",
            "label": "gone",
            "address": "https://a.example/2",
            "secret": "t" * 20,
            "state": "disabled",
            "reason": "410 gone",
        },
    ],
}


def checked(kind: str, address: str) -> Checked:
    if kind != "webhook" or not address.startswith("https://"):
        raise InvalidChannel("address: must begin with https://.")
    return Checked(address, "a fresh secret")


@pytest.mark.parametrize("format", list(Format))
def test_channels_move_with_their_owners(
    database: Database, clock: FrozenClock, format: Format
) -> None:
    register = Subscriptions(database, keys=KEYS, clock=clock)
    assert load(register, lines(HOOKS), check=checked)["added"] == 1
    exported = dump(register, format)
    channels = Channels(database, check=checked, clock=clock)
    assert [(one.label, one.state, one.secret[:1]) for one in channels.of(ADA)] == [
        ("lab", ChannelState.ACTIVE, "s"),
        ("gone", ChannelState.DISABLED, "t"),
    ]
    assert load(register, exported, format, check=checked)["unchanged"] == 1
    register.remove(ADA)
    register.lift(ADA)
    assert load(register, exported, format, check=checked)["added"] == 1
    assert dump(register, format) == exported
    channels.remove(ADA, "lab")
    assert load(register, exported, format, check=checked)["updated"] == 1
    assert sorted(one.label for one in channels.of(ADA)) == ["gone", "lab"]


def test_a_wrong_channel_is_its_line_s_fault_and_names_no_address(register: Subscriptions) -> None:
    wrong: list[dict[str, Any]] = [
        {"email": ADA, "channels": [{"kind": "webhook", "address": "http://secret.example"}]},
        {"email": BO, "channels": [{"kind": "webhook", "adress": "https://secret.example"}]},
        {"email": "cy@example.org", "channels": "[{"},
        {
            "email": "di@example.org",
            "channels": [{"kind": "webhook", "address": "https://ok"}] * 11,
        },
    ]
    faults = [fault["fault"] for fault in load(register, lines(*wrong), check=checked)["faults"]]
    assert faults[0].startswith("channels (webhook): address: must begin with https://")
    assert "did you mean address?" in faults[1]
    assert "must be a list in JSON" in faults[2]
    assert faults[3].startswith("channels: ")
    assert "secret.example" not in " ".join(faults)
    assert "not taken here" in load(register, lines(HOOKS))["faults"][0]["fault"]


def test_too_many_channels_leave_the_rest_of_the_line(register: Subscriptions) -> None:
    def hooks(first: int, count: int) -> dict[str, Any]:
        addresses = [f"https://a.example/{n}" for n in range(first, first + count)]
        return {"email": ADA, "channels": [{"kind": "webhook", "address": a} for a in addresses]}

    assert load(register, lines(hooks(0, 9)), check=checked)["added"] == 1
    report = load(register, lines(hooks(9, 3) | {"name": "Ada"}), check=checked)
    assert (report["updated"], len(report["faults"])) == (1, 1)
    assert register.subscriber(ADA).name == "Ada"


@pytest.mark.parametrize("format", list(Format))
def test_a_second_import_changes_nothing(register: Subscriptions, format: Format) -> None:
    load(register, lines(RICH, PLAIN))
    exported = dump(register, format)
    report = load(register, exported, format)
    assert (report["added"], report["updated"], report["unchanged"]) == (0, 0, 2)


def test_good_lines_go_in_and_each_fault_has_its_line(register: Subscriptions) -> None:
    report = load(
        register,
        b"\xef\xbb\xbf"
        + lines(
            {"email": ADA},
            "",
            "{not json",
            {"email": "nobody"},
            '["a"]',
            {"email": BO, "interests": [{"name": "A", "query": "(a"}]},
            {"email": "ada@EXAMPLE.org"},
            {"email": "cy@example.org", "limit": float("nan")},
            {"email": "di@example.org"},
        )
        + b'\n{"email": "\xff"}\n'
        + b"[" * 100_000,
    )
    faults = {fault["line"]: fault["fault"] for fault in report["faults"]}
    assert report["added"] == 2
    assert list(faults) == [3, 4, 5, 6, 7, 8, 10, 11]
    for line, told in {
        3: "column 2",
        4: "email: is no e-mail address",
        5: "one {…} on each line",
        6: "interests (A).query:",
        7: "the same address is on line 1",
        8: "NaN is no number",
        10: "UTF-8",
        11: "not JSON",
    }.items():
        assert told in faults[line], line


def test_strict_is_all_or_nothing(register: Subscriptions) -> None:
    report = load(register, lines({"email": ADA}, {"email": "x"}), strict=True)
    assert (report["added"], len(report["faults"])) == (0, 1)
    assert register.ids() == []
    assert load(register, lines({"email": ADA}), strict=True)["added"] == 1


def test_strict_refuses_a_suppressed_address_with_all_others(register: Subscriptions) -> None:
    register.suppress(BO, reason="complaint")
    report = load(register, lines({"email": ADA}, {"email": BO}), strict=True)
    assert (report["added"], report["faults"][0]["line"]) == (0, 2)
    assert register.ids() == []


def test_import_brings_nobody_back(register: Subscriptions) -> None:
    load(register, lines({"email": ADA}, {"email": BO}))
    register.unsubscribe(ADA)
    register.remove(BO)
    report = load(
        register, lines({"email": ADA, "state": "active", "hour": 9}, {"email": BO, "hour": 9})
    )
    assert (report["updated"], report["kept"], len(report["faults"])) == (1, 1, 1)
    ada = register.subscriber(ADA)
    assert (ada.state, ada.schedule.hour, ada.next_due_at) == (
        SubscriberState.UNSUBSCRIBED,
        9,
        None,
    )


def test_what_a_record_does_not_mention_stays(register: Subscriptions) -> None:
    load(register, lines(RICH))
    before = register.subscriber(ADA)
    load(register, lines({"email": ADA, "limit": 9}))
    after = register.subscriber(ADA)
    assert (after.limit, after.interests, after.name) == (9, before.interests, before.name)


def test_changed_interests_keep_their_ids(register: Subscriptions) -> None:
    load(register, lines(RICH))
    before = {one.name: one.id for one in register.subscriber(ADA).interests}
    load(register, lines({"email": ADA, "interests": [{"name": "Ropes", "query": "rope*"}]}))
    after = register.subscriber(ADA).interests
    assert [(one.id, one.query) for one in after] == [(before["Ropes"], "rope*")]


def test_more_lines_than_a_batch_are_stored_with_progress(register: Subscriptions) -> None:
    done: list[int] = []
    many = lines(*({"email": f"r{number}@example.org"} for number in range(BATCH + 3)))
    assert load(register, many, progress=done.append)["added"] == BATCH + 3
    assert done == [BATCH, 3]


# --- CSV ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("email,name,hour\nada@example.org,Ada,9\n", id="plain"),
        pytest.param("\ufeffEmail;Name;Hour\r\nada@example.org;Ada;9\r\n", id="spreadsheet"),
        pytest.param("email\tname\thour\nada@example.org\tAda\t9", id="tabs"),
        pytest.param('"email","name","hour","limit"\n"ada@example.org","Ada","9"\n', id="short"),
    ],
)
def test_csv_as_people_write_it(register: Subscriptions, text: str) -> None:
    assert load(register, text.encode(), Format.CSV)["added"] == 1
    ada = register.subscriber(ADA)
    assert (ada.name, ada.schedule.hour, ada.limit) == ("Ada", 9, 12)


def test_csv_faults_have_the_line_on_which_the_row_begins(register: Subscriptions) -> None:
    text = (
        "email,name,interests\n"
        'ada@example.org,Ada,"[{""name"": ""A"",\n""query"": ""a""}]"\n'
        "bo@example.org,B,o,x\n"
        "\n"
        "cy@example.org,Cy,lamps\n"
        "di@example.org,Di\xff,\n"
    )
    report = load(register, text.encode("latin-1"), Format.CSV)
    faults = {fault["line"]: fault["fault"] for fault in report["faults"]}
    assert report["added"] == 1
    assert list(faults) == [4, 6, 7]
    assert "4 cells under 3 columns" in faults[4]
    assert "must be a list in JSON" in faults[6]
    assert "UTF-8" in faults[7]


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("emial,name", "did you mean email?"),
        ("name,hour", "there is no column email"),
        ("email,email", "'email' is there twice"),
    ],
)
def test_a_csv_header_that_makes_no_sense_stops_the_file(
    register: Subscriptions, header: str, told: str
) -> None:
    with pytest.raises(InvalidSubscriber) as caught:
        load(register, f"{header}\na@example.org,x\n".encode(), Format.CSV)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("name", "format"),
    [("a.jsonl", Format.JSONL), ("b.NDJSON", Format.JSONL), ("c.csv", Format.CSV)],
)
def test_the_ending_tells_the_format(name: str, format: Format) -> None:
    assert format_of(name) is format


def test_an_ending_that_tells_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="--format"):
        format_of("people")
