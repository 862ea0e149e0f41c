"""What the doctor says of good and bad domains, servers, machines and runs."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from digest.cli import main
from digest.doctor import domain, machine, running, ways
from digest.doctor.case import Case
from digest.doctor.findings import Finding, Verdict, examine, fault, ok
from digest.doctor.looks import looks
from digest.model import Verdict as SourceVerdict
from digest.store.database import Database
from digest.store.leases import new_holder
from digest.store.marks import MarkStore
from digest.store.papers import Fetch, PaperStore, SourceMemory
from tests.doctor.dnsd import serving
from tests.fakes import FrozenClock
from tests.imapd import Imapd
from tests.scheduler.conftest import make_settings
from tests.smtpd import Smtpd

GOOD = {
    "example.org": {"TXT": ['"v=spf1 ip4:203.0.113.7 ip4:8.8.4.4 -all"']},
    "_dmarc.example.org": {"TXT": ['"v=DMARC1; p=quarantine; rua=mailto:d@example.org"']},
    "mail.example.org": {"A": ["8.8.4.4"]},
    "4.4.8.8.in-addr.arpa": {"PTR": ["mail.example.org."]},
}
MakeCase = Callable[..., Case]


@pytest.fixture
def make_case(sqlite_url: str, tmp_path: Path, clock: FrozenClock) -> MakeCase:
    def make(**fields: Any) -> Case:
        delivery = {
            "channel": "smtp",
            "spool": str(tmp_path / "spool"),
            "from_address": "digest@example.org",
            "smtp": {"host": "mail.example.org"} | fields.pop("smtp", {}),
            **fields.pop("delivery", {}),
        }
        more = {name: fields.pop(name) for name in ("resolver",) if name in fields}
        settings = make_settings(tmp_path, sqlite_url, delivery=delivery, **fields)
        return Case(settings, clock=clock, **more)

    return make


def told(findings: Iterator[Finding]) -> list[tuple[str, str]]:
    return [(one.verdict.value, one.told) for one in findings]


def zone(**changes: Any) -> dict[str, Any]:
    names = {"org": "example.org", "dmarc": "_dmarc.example.org", "ptr": "4.4.8.8.in-addr.arpa"}
    return GOOD | {names[name]: value for name, value in changes.items()}


def txt(*texts: str) -> dict[str, list[str]]:
    return {"TXT": [f'"{text}"' for text in texts]}


@pytest.mark.parametrize(
    ("look", "records", "verdict", "says"),
    [
        pytest.param("spf", {}, "ok", "lets mail.example.org send", id="spf"),
        pytest.param("spf", {"org": {}}, "fault", "has no SPF record", id="no spf"),
        pytest.param("spf", {"org": txt("v=spf1 -all", "v=spf1 a -all")}, "fault", "2", id="two"),
        pytest.param("spf", {"org": txt("v=spf1 +all")}, "fault", "lets everybody", id="+all"),
        pytest.param("spf", {"org": txt("v=spf1 -all")}, "note", "does not name", id="not named"),
        pytest.param(
            "spf", {"org": txt("v=spf1 include:example.org -all")}, "fault", "more than", id="deep"
        ),
        pytest.param("dmarc", {}, "ok", "p=quarantine", id="dmarc"),
        pytest.param("dmarc", {"dmarc": {}}, "fault", "has no DMARC", id="no dmarc"),
        pytest.param("dmarc", {"dmarc": txt("v=DMARC1; p=none")}, "note", "no reports", id="none"),
        pytest.param("dmarc", {"dmarc": txt("v=DMARC1; x=y")}, "fault", "no p=", id="no policy"),
        pytest.param("dmarc", {"dmarc": txt("v=DMARC1; p=none", "v=DMARC1")}, "fault", "2", id="2"),
        pytest.param("names", {}, "ok", "8.8.4.4 is mail.example.org", id="ptr"),
        pytest.param("names", {"ptr": {}}, "fault", "has no name", id="no ptr"),
        pytest.param("names", {"ptr": {"PTR": ["x.example."]}}, "fault", "lead back", id="astray"),
        pytest.param("dkim", {}, "note", "your relay must", id="the relay signs"),
    ],
)
def test_the_domain(
    make_case: MakeCase, look: str, records: dict[str, Any], verdict: str, says: str
) -> None:
    with serving(zone(**records)) as resolver:
        found = told(getattr(domain, f"look_at_{look}")(make_case(resolver=resolver)))
    assert found[0][0] == verdict, found
    assert says in found[0][1]


def write_key(folder: Path) -> Path:
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    path = folder / "dkim.pem"
    path.write_bytes(pem)
    return path


@pytest.mark.parametrize("case", ["right", "none", "another", "test", "astray"])
def test_the_key_we_sign_with(make_case: MakeCase, tmp_path: Path, case: str) -> None:
    key = write_key(tmp_path)
    records = {
        "right": [domain.record_for(key)],
        "none": [],
        "another": ["v=DKIM1; k=ed25519; p=c29tZXRoaW5n"],
        "test": [f"{domain.record_for(key)}; t=y"],
        "astray": [domain.record_for(key)],
    }[case]
    signer = "elsewhere.net" if case == "astray" else "example.org"
    dkim = {"domain": signer, "selector": "s1", "private_key": str(key)}
    with serving(GOOD | {f"s1._domainkey.{signer}": txt(*records)}) as resolver:
        found = list(domain.look_at_dkim(make_case(resolver=resolver, delivery={"dkim": dkim})))
    verdicts = {
        "right": ["ok"],
        "none": ["fault"],
        "another": ["fault"],
        "test": ["note"],
        "astray": ["ok", "fault"],
    }
    assert [one.verdict.value for one in found] == verdicts[case]
    if case in ("none", "another"):
        assert domain.public_key(key) in found[0].mend, "what to publish is said"


def test_the_mail_server(make_case: MakeCase) -> None:
    with Smtpd() as server:
        smtp = {"host": "127.0.0.1", "port": server.port, "security": "none"}
        assert told(ways.look_at_smtp(make_case(smtp=smtp))) == [("ok", "It answers without TLS.")]
        assert not server.accepted
        wants_tls = smtp | {"security": "starttls"}
        [(verdict, says)] = told(ways.look_at_smtp(make_case(smtp=wants_tls)))
        assert (verdict, "does not offer STARTTLS" in says) == ("fault", True)
    [(verdict, says)] = told(ways.look_at_smtp(make_case(smtp=smtp)))
    assert (verdict, "cannot be reached" in says) == ("fault", True)


def test_unsubscribing_must_be_reachable(make_case: MakeCase) -> None:
    found = list(ways.look_at_unsubscribe(make_case(site=site("http://127.0.0.1:9"))))
    assert [one.verdict for one in found] == [Verdict.FAULT, Verdict.FAULT]
    assert "is not https" in found[0].told


def site(base_url: str) -> dict[str, Any]:
    key = "a-key-that-is-long-enough-to-sign-with"
    return {"operator_email": "ops@example.org", "secret_keys": [key], "base_url": base_url}


@pytest.mark.parametrize(
    ("free", "verdict"),
    [(10_000_000_000, "ok"), (400_000_000, "note"), (10_000, "fault")],
    ids=["room", "little", "none"],
)
def test_room(free: int, verdict: str) -> None:
    assert machine.judge_room(Path("/x"), free).verdict == verdict


@pytest.mark.parametrize(("off", "verdict"), [(3, "ok"), (-90, "note"), (4000, "fault")])
def test_the_clock(off: int, verdict: str) -> None:
    now = datetime(2026, 11, 20, 6, tzinfo=UTC)
    assert machine.judge_clock(now, now + timedelta(seconds=off), "x").verdict == verdict


def answer(database: Database, clock: FrozenClock, verdict: SourceVerdict) -> None:
    lease = (papers := PaperStore(database)).lease(new_holder())
    assert lease.acquire()
    papers.remember(Fetch("Lamps", "feed", clock(), verdict, SourceMemory(), "a line"), [], lease)
    lease.release()


def test_a_clock_that_was_set_back(
    make_case: MakeCase, sqlite_database: Database, clock: FrozenClock
) -> None:
    answer(sqlite_database, clock, SourceVerdict.QUIET)
    clock.tick(hours=-2)
    [(verdict, says)] = told(machine.look_at_clock(make_case()))
    assert (verdict, "still to come" in says) == ("fault", True)


def test_sources_by_what_they_answered(
    make_case: MakeCase, sqlite_database: Database, clock: FrozenClock
) -> None:
    def verdict() -> str:
        [found] = running.look_at_sources(make_case())
        return found.verdict.value

    assert verdict() == "note", "never read"
    answer(sqlite_database, clock, SourceVerdict.FRESH)
    assert verdict() == "ok"
    clock.tick(hours=1)
    answer(sqlite_database, clock, SourceVerdict.UNREACHABLE)
    assert verdict() == "note"
    clock.tick(hours=30)
    assert verdict() == "fault"


def test_whether_anything_runs(
    make_case: MakeCase, sqlite_database: Database, clock: FrozenClock
) -> None:
    assert [one[0] for one in told(running.look_at_heartbeats(make_case()))] == ["note"]
    MarkStore(sqlite_database).set("heartbeat/scheduler/here", clock(), pid=1)
    assert [one[0] for one in told(running.look_at_heartbeats(make_case()))] == ["ok"]
    clock.tick(minutes=10)
    [(verdict, says)] = told(running.look_at_heartbeats(make_case()))
    assert (verdict, "did not say goodbye" in says) == ("fault", True)


def test_a_replaced_host_is_no_fault_where_another_beats(
    make_case: MakeCase, sqlite_database: Database, clock: FrozenClock
) -> None:
    def beat(host: str) -> list[tuple[str, str]]:
        MarkStore(sqlite_database).set(f"heartbeat/worker/{host}", clock(), pid=1)
        return told(running.look_at_heartbeats(make_case()))

    beat("worker-old")
    clock.tick(hours=1)
    [(now, _), (then, says)] = beat("worker-new")
    assert (now, then, "worker-old last beat" in says) == ("ok", "note", True)
    clock.tick(days=1)
    assert [verdict for verdict, _ in beat("worker-new")] == ["ok"]


@pytest.mark.parametrize(("program", "verdict"), [("true", "ok"), ("no-such-program", "fault")])
def test_mail_through_this_machine_s_own_system(
    make_case: MakeCase, program: str, verdict: str
) -> None:
    sendmail = {"channel": "sendmail", "sendmail": {"command": [program]}}
    case = make_case(delivery=sendmail)
    found = [one for one in looks(case)["delivery"](case) if program in one.told]
    assert [one.verdict.value for one in found] == [verdict]
    assert {"SPF", "DKIM", "DMARC", "bounces", "List-Unsubscribe"} <= looks(case).keys()
    assert not {"SMTP", "PTR"} & looks(case).keys()


def test_a_look_that_fails_is_a_finding() -> None:
    def breaks(subject: str) -> Iterator[Finding]:
        yield ok("x", "so far")
        raise RuntimeError(subject)

    looks = {"x": breaks, "y": lambda subject: [fault("y", subject)]}
    found = list(examine(looks, "why"))
    assert [(one.about, one.verdict.value) for one in found] == [
        ("x", "ok"),
        ("x", "fault"),
        ("y", "fault"),
    ]


def test_the_command(
    tmp_path: Path, sqlite_url: str, capfd: pytest.CaptureFixture[str], sqlite_template: Path
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(
        '[site]\noperator_email = "ops@example.org"\n'
        'secret_keys = ["a-key-that-is-long-enough-to-sign-with"]\n'
        f'[database]\nurl = "{sqlite_url}"\n'
        '[matching]\nembedder = "lexical"\n'
        '[[sources]]\nkind = "feed"\nname = "Lamps"\npath = "feed.xml"\n'
    )
    (tmp_path / "feed.xml").write_text("<rss/>")
    assert main(["--config", str(config), "doctor", "--json"]) == 0
    said = json.loads(capfd.readouterr().out)
    assert said["ok"]
    about = {one["about"] for one in said["findings"]}
    assert {"configuration", "database", "disk", "clock", "templates", "embedder"} <= about
    assert {"scheduler", "digests", "source Lamps", "delivery"} <= about
    (tmp_path / "feed.xml").unlink()
    assert main(["--config", str(config), "doctor"]) == 1
    assert "fault  source Lamps" in capfd.readouterr().out
    config.write_text("[site]\n")
    assert main(["--config", str(config), "doctor"]) == 2


# --- the bounce mailbox -------------------------------------------------------------------------


@pytest.fixture
def mailbox(tmp_path: Path) -> Iterator[tuple[Imapd, dict[str, Any]]]:
    """A mailbox with a mail in it, and what the configuration says of it."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(tls)
    with Imapd(tls, {"INBOX": [b"Subject: a bounce\r\n\r\nno such user"]}) as server:
        yield (
            server,
            {
                "address": "bounces@example.org",
                "imap_host": "localhost",
                "imap_port": server.port,
                "imap_username": "bounces",
                "imap_password": "hush",
                "imap_ca": str(tmp_path / "ca.pem"),
            },
        )


@pytest.mark.parametrize(
    ("change", "verdict", "says"),
    [
        pytest.param({}, "ok", "INBOX on localhost can be opened.", id="good"),
        pytest.param({"imap_password": "wrong"}, "fault", "", id="a wrong password"),
        pytest.param({"imap_folder": "Elsewhere"}, "fault", "Elsewhere", id="no such folder"),
        pytest.param({"imap_ca": None}, "fault", "certificate", id="an unknown certificate"),
        pytest.param({"imap_port": 9}, "fault", "localhost", id="nobody there"),
    ],
)
def test_the_bounce_mailbox_is_opened_and_left_as_it_was(
    make_case: MakeCase,
    mailbox: tuple[Imapd, dict[str, Any]],
    change: dict[str, Any],
    verdict: str,
    says: str,
) -> None:
    server, bounces = mailbox
    case = make_case(delivery={"bounces": bounces | change})
    (finding,) = examine({"bounces": ways.look_at_bounces}, case)
    assert (finding.verdict.value, says in f"{finding.told} {finding.mend}") == (verdict, True)
    assert "hush" not in f"{finding.told} {finding.mend}"
    assert len(server.folders["INBOX"]) == 1
    assert not [line for line in server.log if "FETCH" in line or "STORE" in line]


def test_without_a_mailbox_or_webhooks_what_comes_back_is_not_read(make_case: MakeCase) -> None:
    (finding,) = examine({"bounces": ways.look_at_bounces}, make_case())
    assert finding.verdict is Verdict.NOTE
    assert not list(examine({"bounces": ways.look_at_bounces}, make_case(delivery=POSTMARK)))


POSTMARK = {"bounces": {"postmark_password": "hush"}}
