"""The command line as an operator meets it: what it prints where, and with which exit code."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from digest import __version__
from digest.cli import main
from digest.cli.entry import hoisted

ADA, BO = "ada@example.org", "bo@example.org"
NOW = "2026-11-20T12:00:00Z"

FEED = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0"><channel><title>Lamp Letters</title><link>https://lamps.example.org/</link>
<item><title>Lanterns in sea fog</title><link>https://lamps.example.org/1</link>
<guid>https://lamps.example.org/1</guid><author>ada@example.org (Ada Mirza)</author>
<description>We measure how far a lantern shines in fog.</description>
<pubDate>Fri, 20 Nov 2026 06:00:00 GMT</pubDate></item>
<item><title>Ropes that remember</title><link>https://lamps.example.org/2</link>
<guid>https://lamps.example.org/2</guid><author>bo@example.org (Bo Lind)</author>
<description>A rope keeps the shape of its last knot.</description>
<pubDate>Fri, 20 Nov 2026 06:00:00 GMT</pubDate></item>
</channel></rss>
"""


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Digest = Callable[..., Said]


@pytest.fixture
def digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Digest:
    """Runs a command in an empty directory, in an environment that configures nothing."""
    for name in list(os.environ):
        if name.startswith("DIGEST_") or name == "CREDENTIALS_DIRECTORY":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str | Path) -> Said:
        capfd.readouterr()
        code = main([str(argument) for argument in arguments])
        return Said(code, *capfd.readouterr())

    return run


@pytest.fixture(scope="session")
def initialised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory in which `init` has been, with one feed configured."""
    folder = tmp_path_factory.mktemp("initialised")
    assert (
        main(["init", "--config", str(folder / "config.toml"), "--email", "ops@example.org"]) == 0
    )
    (folder / "feed.xml").write_text(FEED, "utf-8")
    write_sources(folder, '[[sources]]\nkind = "feed"\nname = "Lamps"\npath = "feed.xml"\n')
    return folder


@pytest.fixture
def ready(digest: Digest, initialised: Path, tmp_path: Path) -> Digest:
    """Runs a command in a copy of that directory."""
    shutil.copytree(initialised, tmp_path, dirs_exist_ok=True)
    return digest


def write_sources(folder: Path, text: str) -> None:
    """Put these [[sources]] in the place of those that are configured."""
    config = folder / "config.toml"
    parts = re.split(r"^(?=\[\[sources\]\]|# --- )", config.read_text("utf-8"), flags=re.MULTILINE)
    kept = [part for part in parts if not part.startswith("[[sources]]")]
    config.write_text("".join(kept) + text, "utf-8")


# --- the frame ----------------------------------------------------------------------------------


def test_version(digest: Digest) -> None:
    assert digest("--version") == Said(0, f"paper-digest {__version__}\n", "")


@pytest.mark.parametrize(
    ("given", "run_as"),
    [
        (["run", "--config", "a.toml"], ["--config", "a.toml", "run"]),
        (["run", "--config=a.toml", "--json"], ["--config=a.toml", "run", "--json"]),
        (["--config", "a.toml", "run"], ["--config", "a.toml", "run"]),
        (["run", "--", "--config", "x"], ["run", "--", "--config", "x"]),
        (["run", "--config"], ["--config", "run"]),
    ],
)
def test_the_config_may_stand_behind_the_command(given: list[str], run_as: list[str]) -> None:
    assert hoisted(given) == run_as


@pytest.mark.parametrize(
    "arguments",
    [
        ["nothing"],
        ["run", "--nothing"],
        ["subscribers", "add"],
        ["run", "--now", "tomorrow"],
        ["feedback", ADA, "1", "sideways"],
        ["subscribers", "list", "--state", "happy"],
        ["outbox", "list", "--state", "happy"],
        ["subscribers", "pause", ADA, "--until", "Christmas"],
        ["subscribers", "edit", ADA],
        ["subscribers", "import", "no-such-file.jsonl"],
        ["subscribers", "import", "-"],
        ["subscribers", "show", ADA],
        ["subscribers", "add", "ada"],
        ["subscribers", "add", ADA, "--timezone", "Mars"],
        ["subscribers", "add", ADA, "--query", "(lamp"],
        ["papers", "show", "2511.99999"],
        ["sources", "test", "No such"],
        ["explain", ADA, "1"],
        ["preview", ADA],
        ["run", "--only", ADA],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_exit_2_with_a_message_and_no_result(
    ready: Digest, arguments: list[str]
) -> None:
    said = ready(*arguments)
    assert (said.code, said.out) == (2, "")
    assert said.err.strip()
    assert "Traceback" not in said.err


@pytest.mark.parametrize("command", ["run", "check", "subscribers list", "migrate"])
def test_a_configuration_at_fault_is_exit_2_with_every_fault(
    digest: Digest, tmp_path: Path, command: str
) -> None:
    (tmp_path / "config.toml").write_text('[site]\nnmae = "x"\n[digest]\nhour = 99\n')
    said = digest(*command.split())
    told = said.out + said.err
    assert said.code == 2
    for key in ("site.nmae", "site.secret_keys", "site.operator_email", "digest.hour"):
        assert key in told


def test_a_query_s_fault_is_shown_under_its_column(ready: Digest) -> None:
    said = ready("subscribers", "add", ADA, "--query", "lamp AND (fog")
    assert said.err.splitlines()[:2] == ["lamp AND (fog", "         ^"]


def test_a_database_that_is_not_there_yet_says_what_to_do(digest: Digest, tmp_path: Path) -> None:
    digest("init", "--email", "ops@example.org")
    (tmp_path / "digest.db").unlink()
    said = digest("subscribers", "list")
    assert said.code == 1
    assert "digest migrate" in said.err
    assert digest("migrate", "--json").json["before"] is None
    assert digest("subscribers", "list").code == 0


def test_python_m_digest_is_the_same_and_starts_without_the_heavy_rooms(tmp_path: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "digest", "--help"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "subscribers" in said.stdout
    for module in ("sqlalchemy", "numpy", "httpx", "pydantic", "jinja2"):
        assert f" {module}\n" not in said.stderr, module


def test_a_pipe_that_closes_early_is_no_traceback(ready: Digest, tmp_path: Path) -> None:
    for number in range(3):
        ready("subscribers", "add", f"r{number}@example.org")
    said = subprocess.run(
        f"{sys.executable} -m digest subscribers export | head -c 1",
        shell=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == "{"
    assert "Traceback" not in said.stderr


# --- init and check -----------------------------------------------------------------------------


def test_init_writes_a_private_file_with_a_key_and_makes_the_database(
    digest: Digest, tmp_path: Path
) -> None:
    said = digest("init", "--email", "ops@example.org", "--base-url", "https://papers.example.org")
    config = tmp_path / "config.toml"
    assert said.code == 0
    assert "digest check" in said.out
    assert config.stat().st_mode & 0o077 == 0
    site = tomllib.loads(config.read_text())["site"]
    assert (site["operator_email"], site["base_url"]) == (
        "ops@example.org",
        "https://papers.example.org",
    )
    assert len(site["secret_keys"][0]) >= 32
    assert site["secret_keys"][0] not in said.out + said.err
    assert digest("subscribers", "list", "--json").json == []


def test_init_leaves_what_is_there(digest: Digest, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("mine")
    said = digest("init")
    assert said.code == 2
    assert "is there already" in said.err
    assert (tmp_path / "config.toml").read_text() == "mine"


def test_init_takes_the_place_it_is_given(digest: Digest, tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    assert digest("init", "--config", "etc/digest.toml").code == 0
    assert (tmp_path / "etc/digest.db").exists()
    assert digest("subscribers", "list", "--config", "etc/digest.toml").code == 0


def test_init_with_a_bad_value_leaves_nothing_behind(digest: Digest, tmp_path: Path) -> None:
    said = digest("init", "--email", "ops")
    assert said.code == 2
    assert "site.operator_email" in said.err
    assert list(tmp_path.iterdir()) == []


def test_init_where_nothing_can_be_written(digest: Digest, tmp_path: Path) -> None:
    said = digest("init", "--config", "no/such/folder/config.toml")
    assert said.code == 1
    assert "Cannot write" in said.err


def test_check_finds_everything_in_place(ready: Digest) -> None:
    said = ready("check", "--json")
    assert (said.code, said.json["ok"]) == (0, True)
    about = {finding["about"]: finding["verdict"] for finding in said.json["findings"]}
    for name in ("configuration", "database", "templates", "source Lamps"):
        assert about[name] == "ok", name


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        pytest.param(lambda folder: (folder / "feed.xml").unlink(), "There is no", id="source"),
        pytest.param(lambda folder: (folder / "digest.db").unlink(), "migrate", id="database"),
        pytest.param(
            lambda folder: (folder / "digest.db").write_text("x" * 4096),
            "not an SQLite database",
            id="no-database",
        ),
        pytest.param(lambda folder: write_sources(folder, ""), "There are none", id="no-sources"),
        pytest.param(
            lambda folder: (folder / "mail").write_text("a file"), "cannot be written", id="mail"
        ),
        pytest.param(
            lambda folder: override(folder, "email/digest.txt.j2", "{{ subjcet }}"),
            "subjcet",
            id="template-name",
        ),
        pytest.param(
            lambda folder: override(folder, "email/card.html.j2", "{% if %}"),
            "card.html.j2:1",
            id="template-syntax",
        ),
    ],
)
def test_check_names_what_is_not_in_place(
    ready: Digest, tmp_path: Path, spoil: Callable[[Path], object], told: str
) -> None:
    spoil(tmp_path)
    said = ready("check")
    assert said.code == 1
    assert told in said.out
    assert "fault" in said.out


def override(folder: Path, name: str, text: str) -> None:
    path = folder / "own" / name
    path.parent.mkdir(parents=True)
    path.write_text(text)
    config = folder / "config.toml"
    config.write_text(config.read_text().replace('#templates = "templates"', 'templates = "own"'))


def test_check_notes_a_file_of_secrets_that_others_can_read(ready: Digest, tmp_path: Path) -> None:
    (tmp_path / "config.toml").chmod(0o644)
    said = ready("check")
    assert said.code == 0
    assert "chmod 600" in said.out


# --- subscribers and interests ------------------------------------------------------------------


def test_a_subscriber_comes_changes_and_goes(ready: Digest) -> None:
    added = ready(
        "subscribers", "add", ADA, "--name", "Ada", "--timezone", "Europe/Lisbon",
        "--hour", "06:45", "--query", "lantern*", "--json",
    ).json  # fmt: skip
    assert (added["hour"], added["minute"], added["interests"][0]["query"]) == (6, 45, "lantern*")
    assert ready("subscribers", "edit", ADA, "--limit", "3", "--json").json["limit"] == 3
    paused = ready("subscribers", "pause", ADA, "--until", "2099-01-01", "--json").json
    assert paused["paused_until"] == "2099-01-01T00:00:00Z"
    assert ready("subscribers", "resume", ADA, "--json").json["state"] == "active"
    assert ready("subscribers", "unsubscribe", ADA, "--json").json["state"] == "unsubscribed"
    assert ready("subscribers", "resume", ADA).code == 2
    assert ready("subscribers", "resume", ADA, "--they-asked").code == 0
    assert ready("subscribers", "list", "--state", "active", "--json").json[0]["email"] == ADA
    assert ready("subscribers", "remove", ADA).code == 0
    assert ready("subscribers", "list", "--json").json == []
    assert ready("subscribers", "add", ADA).code == 2
    assert ready("subscribers", "suppress", ADA, "--lift", "--json").json["changed"] is True
    assert ready("subscribers", "add", ADA).code == 0


def test_a_query_of_five_thousand_parentheses_is_kept(ready: Digest) -> None:
    ready("subscribers", "add", ADA)
    query = "(" * 5_000 + "lantern" + ")" * 5_000
    assert ready("interests", "add", ADA, "Deep", "--query", query).code == 0
    assert ready("interests", "list", ADA, "--json").json[0]["query"] == query
    assert ready("backtest", ADA, "Deep", "--days", "1", "--json").code == 0
    said = ready("interests", "add", ADA, "Long", "--query", "lantern " * 2_501)
    assert (said.code, "20,000" in said.err) == (2, True), said.err


def test_interests_come_change_and_go(ready: Digest) -> None:
    ready("subscribers", "add", ADA)
    interests = ("interests", "add", ADA, "Lamps", "--query", "lantern*", "--example", "Sea fog")
    assert ready(*interests, "--not-like", "Ropes", "--limit", "2").code == 0
    assert ready("interests", "edit", ADA, "Lamps", "--rename", "Lights", "--pause").code == 0
    listed = ready("interests", "list", ADA, "--json").json
    assert [(it["name"], it["paused"], it["limit"]) for it in listed] == [("Lights", True, 2)]
    assert [(one["title"], one["positive"]) for one in listed[0]["examples"]] == [
        ("Sea fog", True),
        ("Ropes", False),
    ]
    assert ready("interests", "remove", ADA, "Lights").code == 0
    assert ready("interests", "list", ADA, "--json").json == []


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_what_is_exported_is_imported(ready: Digest, tmp_path: Path, ending: str) -> None:
    ready("subscribers", "add", ADA, "--query", "lantern*")
    ready("subscribers", "add", BO)
    file = tmp_path / f"people.{ending}"
    assert ready("subscribers", "export", file).code == 0
    assert file.stat().st_mode & 0o077 == 0
    assert ready("subscribers", "export", "--format", ending).out == file.read_text()
    assert ready("subscribers", "import", file, "--json").json["unchanged"] == 2


def test_import_tells_faults_by_line(ready: Digest, tmp_path: Path) -> None:
    file = tmp_path / "people.jsonl"
    file.write_text(f'{{"email": "{ADA}"}}\n{{"email": "bo"}}\n')
    strict = ready("subscribers", "import", file, "--strict")
    assert strict.code == 2
    assert strict.err.startswith("line 2: email:")
    assert ready("subscribers", "list", "--json").json == []
    partly = ready("subscribers", "import", file, "--json")
    assert (partly.code, partly.json["added"], partly.json["faults"][0]["line"]) == (3, 1, 2)


# --- the run ------------------------------------------------------------------------------------


@pytest.fixture
def subscribed(ready: Digest) -> Digest:
    added = ("subscribers", "add", ADA, "--cadence", "daily", "--hour", "7")
    assert ready(*added, "--interest", "Lamps", "--query", "lantern*").code == 0
    return ready


def test_a_run_reads_composes_and_delivers_once(subscribed: Digest, tmp_path: Path) -> None:
    first = subscribed("run", "--now", NOW, "--json")
    assert (first.code, first.err) == (0, "")
    assert first.json == {
        "sources": {"Lamps": {"verdict": "fresh", "listings": 2, "new_papers": 2}},
        "digests": {"composed": 1, "skipped": {}},
        "deliveries": {"delivered": 1, "deferred": 0, "refused": 0, "uncertain": 0},
    }
    assert len(list((tmp_path / "mail").rglob("*.eml"))) == 1
    again = subscribed("run", "--now", "2026-11-20T13:00:00Z", "--json").json
    assert again["digests"]["composed"] == 0
    assert len(list((tmp_path / "mail").rglob("*.eml"))) == 1
    assert "1 delivered" not in subscribed("run", "--now", "2026-11-20T14:00:00+00:00").out


def test_a_run_tells_people_what_it_did(subscribed: Digest) -> None:
    said = subscribed("run", "--now", NOW)
    assert "1 digest composed." in said.out
    assert re.search(r"Lamps +fresh +2 +2", said.out)


def test_a_run_with_a_failed_source_is_exit_3(subscribed: Digest, tmp_path: Path) -> None:
    (tmp_path / "feed.xml").write_text("<html><body>Down for the night.</body></html>")
    said = subscribed("run", "--now", NOW, "--json")
    assert (said.code, said.json["sources"]["Lamps"]["verdict"]) == (3, "broken")


def test_a_dry_run_stores_and_sends_nothing(subscribed: Digest, tmp_path: Path) -> None:
    assert subscribed("run", "--now", NOW, "--dry-run", "--json").code == 0
    assert not (tmp_path / "mail").exists() or not list((tmp_path / "mail").rglob("*.eml"))
    assert subscribed("run", "--now", NOW, "--json").json["digests"]["composed"] == 1


def test_only_one_subscriber_is_served(subscribed: Digest) -> None:
    subscribed("subscribers", "add", BO, "--cadence", "daily", "--query", "rope*")
    served = subscribed("run", "--now", NOW, "--only", BO, "--json").json
    assert served["digests"]["composed"] == 1
    assert subscribed("run", "--now", NOW, "--json").json["digests"]["composed"] == 1


def test_papers_sources_and_outbox_can_be_looked_at(subscribed: Digest) -> None:
    subscribed("run", "--now", NOW)
    papers = subscribed("papers", "list", "--now", NOW, "--json").json
    assert {paper["title"] for paper in papers} == {"Lanterns in sea fog", "Ropes that remember"}
    shown = subscribed("papers", "show", "https://lamps.example.org/1")
    assert "Lanterns in sea fog" in shown.out
    sources = subscribed("sources", "list", "--json").json
    assert [(one["name"], one["kind"], one["verdict"]) for one in sources] == [
        ("Lamps", "feed", "fresh")
    ]
    assert subscribed("outbox", "list", "--json").json == []
    delivered = subscribed("outbox", "list", "--state", "delivered", "--json").json
    assert [(one["subscriber"], one["papers"]) for one in delivered] == [(ADA, 1)]


def test_sources_test_asks_and_stores_nothing(ready: Digest, tmp_path: Path) -> None:
    said = ready("sources", "test", "--json")
    assert (said.code, said.json["Lamps"]["listings"]) == (0, 2)
    assert ready("papers", "list", "--days", "9999", "--json").json == []
    (tmp_path / "feed.xml").write_text("nothing of the sort")
    assert ready("sources", "test").code == 3


def test_a_preview_shows_what_would_come(subscribed: Digest, tmp_path: Path) -> None:
    subscribed("run", "--now", NOW, "--only", ADA)
    subscribed("subscribers", "add", BO, "--cadence", "daily", "--query", "rope*")
    said = subscribed("preview", BO, "--html", "out.html", "--now", NOW)
    assert said.code == 0
    assert "Ropes that remember" in said.out
    assert "Ropes that remember" in (tmp_path / "out.html").read_text()
    assert subscribed("preview", BO, "--now", NOW, "--json").json["subject"]


def test_feedback_and_mutes_are_stored(subscribed: Digest) -> None:
    subscribed("run", "--now", NOW)
    paper = "https://lamps.example.org/1"
    assert subscribed("feedback", ADA, paper, "up").code == 0
    muted = subscribed("feedback", ADA, paper, "mute-author", "--json").json["muted"]
    assert muted["authors"] == ["Ada Mirza"]
    assert subscribed("feedback", ADA, paper, "mute-author", "Nobody").code == 2
    assert subscribed("feedback", ADA, paper, "mute-word", "fog").code == 0
    assert subscribed("subscribers", "show", ADA, "--json").json["muted_words"] == ["fog"]
    assert subscribed("feedback", ADA, paper, "unmute-word", "storm").code == 2
    assert subscribed("feedback", ADA, paper, "unmute-word", "Fog").code == 0
    left = subscribed("feedback", ADA, paper, "unmute-author", "mirza", "--json").json["muted"]
    assert left == {"authors": [], "words": []}


def test_explain_answers_for_sent_and_unsent(subscribed: Digest) -> None:
    subscribed("run", "--now", NOW)
    sent = subscribed("explain", ADA, "https://lamps.example.org/1", "--json").json
    unsent = subscribed("explain", ADA, "https://lamps.example.org/2", "--json").json
    assert (sent["sent"], unsent["sent"]) == (True, False)
    assert subscribed("explain", ADA, "https://lamps.example.org/2").out.strip()


def test_progress_is_for_a_terminal_and_on_standard_error(
    subscribed: Digest, tmp_path: Path
) -> None:
    ours, theirs = os.openpty()
    said = subprocess.run(
        [sys.executable, "-m", "digest", "run", "--now", NOW, "--json"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=theirs,
        check=True,
    )
    os.close(theirs)
    shown = os.read(ours, 100_000).decode(errors="replace")  # it may end inside a letter
    os.close(ours)
    assert json.loads(said.stdout)["digests"]["composed"] == 1
    assert "Sources" in shown


# --- the demo -----------------------------------------------------------------------------------


def test_the_demo_serves_every_reader_once_and_names_its_page(digest: Digest) -> None:
    first = digest("demo", "--json").json
    assert first["digests"]["composed"] >= 6
    assert first["deliveries"]["delivered"] == first["digests"]["composed"]
    assert Path(first["page"]).is_file()
    again = digest("demo")
    assert again.code == 0
    assert "Nothing is sent twice" in again.out
    assert again.out.rstrip().endswith(Path(first["page"]).as_uri())
