"""Replay real days of arXiv through a local server, day by day, with or without kills.

    python benchmarks/replay.py FOLDER [--days 10] [--kills 50]

FOLDER holds `YYYY-MM.jsonl.gz` files with one paper a line: id, listed (date), title, authors,
categories, abstract. A server on the loopback interface gives each day as arXiv's RSS feed; the
real command `digest run --now …` is run once a day for ten subscribers with one interest each and
the mailbox channel. With `--kills N`, N of the runs are ended by SIGKILL at a random moment and
started again. At the end it counts, from the mail itself: no digest twice, none missing, no paper
twice to one reader; exit code 1 otherwise.
"""

from __future__ import annotations

import argparse
import email
import email.policy
import gzip
import json
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

INTERESTS = {
    "retrieval": {"query": 'retrieval OR "question answering" OR reranking'},
    "robots": {"query": "robot* AND (grasp* OR manipulation OR navigation)"},
    "vision": {"query": 'segmentation OR "object detection" NOT medical'},
    "medicine": {"statement": "machine learning for clinical decisions and medical images"},
    "fairness": {"statement": "fairness, bias and accountability of automated decisions"},
    "graphs": {"query": '"graph neural network*" OR "knowledge graph*"'},
    "speech": {"query": "speech OR audio", "statement": "recognising and producing speech"},
    "theory": {"query": "category:cs.DS OR category:cs.CC OR approximation"},
    "security": {"query": "(attack* OR vulnerab*) NOT author:smith"},
    "agents": {"statement": "language model agents that use tools and plan over long tasks"},
}
CATEGORIES = ["cs.CL", "cs.CV", "cs.LG", "cs.AI", "cs.RO", "cs.DS", "cs.CR", "cs.IR"]
Paper = dict[str, Any]


class ArxivDay(ThreadingHTTPServer):
    """Gives the current day as the RSS feed of rss.arxiv.org would."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.day = ""
        self.papers: list[Paper] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def feed(self) -> bytes:
        day = datetime.fromisoformat(self.day).replace(hour=5, tzinfo=UTC)
        items = "".join(_item(paper, day) for paper in self.papers)
        return (
            '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" '
            'xmlns:arxiv="http://arxiv.org/schemas/atom" '
            'xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>'
            "<title>updates on arXiv.org</title><link>http://rss.arxiv.org/</link>"
            f"<description>updates</description><pubDate>{format_datetime(day)}</pubDate>"
            f"<skipDays><day>Sunday</day><day>Saturday</day></skipDays>{items}</channel></rss>"
        ).encode()


class _Handler(BaseHTTPRequestHandler):
    server: ArxivDay

    def do_GET(self) -> None:
        body = self.server.feed()
        self.send_response(200)
        self.send_header("Content-Type", "application/rss+xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


def _item(paper: Paper, day: datetime) -> str:
    summary = f"arXiv:{paper['id']}v1 Announce Type: new \nAbstract: {paper['abstract']}"
    categories = "".join(f"<category>{escape(one)}</category>" for one in paper["categories"])
    return (
        f"<item><title>{escape(paper['title'])}</title>"
        f"<link>https://arxiv.org/abs/{paper['id']}</link>"
        f"<description>{escape(summary)}</description>"
        f'<guid isPermaLink="false">oai:arXiv.org:{paper["id"]}v1</guid>{categories}'
        f"<pubDate>{format_datetime(day)}</pubDate><arxiv:announce_type>new</arxiv:announce_type>"
        f"<dc:creator>{escape(', '.join(paper['authors']))}</dc:creator></item>"
    )


def days(folder: Path, number: int) -> Iterator[tuple[str, list[Paper]]]:
    """The newest `number` listing days with their papers, oldest first."""
    by_day: dict[str, list[Paper]] = defaultdict(list)
    for path in sorted(folder.glob("*.jsonl.gz"))[-2:]:
        with gzip.open(path, "rt") as lines:
            for line in lines:
                paper = json.loads(line)
                by_day[paper["listed"]].append(paper)
    listed = [day for day in sorted(by_day) if datetime.fromisoformat(day).weekday() < 5]
    for day in listed[-number:]:
        yield day, by_day[day]


class Installation:
    """A configured service in a folder of its own, driven by its command line."""

    def __init__(self, root: Path, url: str) -> None:
        self.root = root
        self.mail = root / "mail"
        (root / "config.toml").write_text(_config(root, url))
        self.command = [sys.executable, "-m", "digest", "--config", str(root / "config.toml")]

    def call(self, *arguments: str) -> str:
        done = subprocess.run(
            [*self.command, *arguments], capture_output=True, text=True, cwd=self.root, check=False
        )
        if done.returncode not in (0, 3):
            raise SystemExit(f"digest {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def run(self, now: str) -> dict[str, Any]:
        report: dict[str, Any] = json.loads(self.call("run", "--now", now, "--json"))
        return report

    def run_and_kill(self, now: str, after: float) -> bool:
        """Start a run and end it by SIGKILL after some seconds; whether it was still running."""
        process = subprocess.Popen(
            [*self.command, "run", "--now", now, "--json"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.root,
        )
        try:
            process.wait(after)
            return False
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            return True

    def subscribe(self, day: str) -> None:
        records = [
            {
                "email": f"{name}@example.org",
                "timezone": "UTC",
                "cadence": "daily",
                "hour": 7,
                "interests": [{"name": name, **interest}],
            }
            for name, interest in INTERESTS.items()
        ]
        path = self.root / "subscribers.jsonl"
        path.write_text("".join(json.dumps(one) + "\n" for one in records))
        self.call("subscribers", "import", str(path))


def _config(root: Path, url: str) -> str:
    return f"""
[site]
name = "Replay"
operator_email = "operator@example.org"
secret_keys = ["{"0123456789abcdef" * 3}"]
[database]
url = "sqlite:///{root}/digest.db"
[[sources]]
kind = "arxiv"
name = "arXiv"
categories = {json.dumps(CATEGORIES)}
url = "{url}"
[delivery]
channel = "mailbox"
spool = "{root}/spool"
[delivery.mailbox]
path = "{root}/mail"
[web]
allow_private_addresses = true
"""


def read_mail(folder: Path) -> list[tuple[str, str, str, list[str]]]:
    """(reader, date, Message-ID, arXiv ids) of every mail."""
    found = []
    for path in sorted(folder.rglob("*.eml")):
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        body = message.get_body(("plain",))
        text = body.get_content() if body else ""
        ids = re.findall(r"^ +https://arxiv\.org/abs/(\S+)\s*$", text, re.MULTILINE)
        date = message["Date"].datetime.date().isoformat()
        found.append((str(message["To"]), date, str(message["Message-ID"]), ids))
    return found


def judge(mail: list[tuple[str, str, str, list[str]]], expected: Counter[str]) -> list[str]:
    """What is wrong with the mail: twice, missing, a paper twice."""
    faults = []
    for what, number in Counter((to, date) for to, date, _, _ in mail).items():
        if number > 1:
            faults.append(f"{number} digests for {what}")
    for to in {to for to, *_ in mail}:
        papers = Counter(paper for reader, _, _, ids in mail if reader == to for paper in ids)
        faults += [f"{paper} {n} times to {to}" for paper, n in papers.items() if n > 1]
    sent = Counter(date for _, date, _, _ in mail)
    faults += [
        f"{day}: {sent[day]} digests delivered, {number} composed"
        for day, number in expected.items()
        if sent[day] != number
    ]
    return faults


def replay(folder: Path, number: int, kills: int, seed: int) -> int:
    chance = random.Random(seed)
    server = ArxivDay()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as place:
        site = Installation(Path(place), server.url)
        site.call("migrate")
        expected: Counter[str] = Counter()
        calendar = list(days(folder, number))
        site.subscribe(calendar[0][0])
        killed, usual = 0, 3.0
        print("day         listings    new  composed  skipped  delivered  kills")
        for step, (day, papers) in enumerate(calendar):
            server.day, server.papers = day, papers
            now = f"{day}T{7:02}:30:00+00:00"
            share = round(kills * (step + 1) / len(calendar)) - killed
            hits = sum(_kill_one(site, now, chance, usual) for _ in range(share))
            killed += share
            began = time.monotonic()
            report = site.run(now)
            usual = 0.7 * usual + 0.3 * (time.monotonic() - began) if kills else usual
            skipped = sum(report["digests"]["skipped"].values())
            expected[day] = len([m for m in read_mail(site.mail) if m[1] == day])
            source = report["sources"]["arXiv"]
            print(
                f"{day}  {source['listings']:8}  {source['new_papers']:5}  "
                f"{report['digests']['composed']:8}  {skipped:7}  "
                f"{report['deliveries']['delivered']:9}  {hits:5}"
            )
            if expected[day] + skipped < len(INTERESTS) and not kills:
                print(f"   {len(INTERESTS) - expected[day] - skipped} readers unaccounted for")
        again = site.run(f"{calendar[-1][0]}T08:30:00+00:00")
        mail = read_mail(site.mail)
        faults = judge(mail, expected)
        if again["digests"]["composed"] or again["deliveries"]["delivered"]:
            faults.append("a run with nothing due sent something")
        faults += _unaccounted(site, calendar)
    server.shutdown()
    print(f"{len(mail)} digests, {sum(len(ids) for *_, ids in mail)} papers listed.")
    print("\n".join(faults) if faults else "Nobody missing, nothing twice.")
    return 1 if faults else 0


def _kill_one(site: Installation, now: str, chance: random.Random, usual: float) -> bool:
    """Start runs until one is still running at its moment, ever earlier, and is killed there."""
    within = usual
    while not site.run_and_kill(now, chance.uniform(0.0, within)):
        within *= 0.8
    return True


def _unaccounted(site: Installation, calendar: list[tuple[str, list[Paper]]]) -> list[str]:
    """Every reader has a digest delivered or a stored skip for every date."""
    import sqlite3

    with sqlite3.connect(site.root / "digest.db") as database:
        digests = set(database.execute("select subscriber_id, local_date from digest"))
        skips = set(database.execute("select subscriber_id, local_date from skip"))
        unsettled = database.execute(
            "select count(*) from delivery where state != 'delivered'"
        ).fetchone()[0]
        readers = [row[0] for row in database.execute("select id from subscriber")]
        delivered = database.execute("select count(*) from delivery").fetchone()[0]
    faults = [f"{unsettled} deliveries unsettled"] if unsettled else []
    if delivered != len(read_mail(site.mail)):
        faults.append(f"{delivered} delivered in the books, {len(read_mail(site.mail))} in the box")
    for day, _ in calendar:
        missing = [who for who in readers if (who, day) not in digests | skips]
        faults += [f"{day}: nothing on record for reader {who}" for who in missing]
    return faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--days", type=int, default=10)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    return replay(options.folder, options.days, options.kills, options.seed)


if __name__ == "__main__":
    raise SystemExit(main())
