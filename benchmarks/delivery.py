"""How fast mail leaves:  python -m benchmarks.delivery [--messages N] [--rows N] [--url URL]

Everything in one run and as ratios, because machines differ: against Postfix's smtp-source on
Postfix's smtp-sink (apt install postfix), which counts what it accepted. `--url` adds an empty
PostgreSQL database to the table of claims.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import resource
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from benchmarks.peers import (
    R2E,
    SIZE,
    by_aiosmtplib,
    by_rss2email,
    by_smtp_source,
    by_smtplib,
    by_smtplib_and_email,
)
from digest.clock import system_clock
from digest.delivery.account import Account, Security
from digest.delivery.journal import Journal, uptime
from digest.delivery.smtp import SmtpSender
from digest.model import (
    Channel,
    Decision,
    Delivery,
    DeliveryId,
    DeliveryState,
    DigestId,
    Message,
    Outcome,
    Result,
    Settlement,
    SubscriberId,
)
from digest.outbox import Outbox, Route
from digest.store.database import Database
from digest.store.outbox import Batch, OutboxStore
from digest.store.schema import migrate
from tests.fakes import START
from tests.queued import fill

SINK = shutil.which("smtp-sink") or "/usr/sbin/smtp-sink"


@dataclass(frozen=True)
class Sink:
    """A running smtp-sink; `count` is what it accepted."""

    port: int
    counts: Path

    def count(self) -> int:
        """Its last line reads `sess=10 quit=10 mesg=5000`."""
        last = self.counts.read_text().rstrip("\r").rpartition("\r")[2]
        return int(last.rpartition("mesg=")[2] or 0)


@contextmanager
def sink() -> Iterator[Sink]:
    with tempfile.NamedTemporaryFile(suffix=".counts") as counts:
        port = _free_port()
        command = [SINK, "-c", *_as_nobody(), f"127.0.0.1:{port}", "1000"]
        process = subprocess.Popen(command, stdout=counts)
        try:
            _await(port)
            yield Sink(port, Path(counts.name))
        finally:
            process.kill()
            process.wait()


def ready(count: int) -> list[Message]:
    """Messages as the renderer would hand them over: 40 kB, CRLF, 7-bit, a dot here and there."""
    line = b"x" * 74 + b"=\r\n"
    body = (line * 50 + b".dot\r\n") * (SIZE // (50 * len(line)))
    return [
        Message(
            delivery_id=DeliveryId(number),
            channel=Channel.SMTP,
            address=f"reader{number}@example.org",
            message_id=f"<{number}@example.org>",
            payload=b"From: a@example.org\r\nSubject: %d\r\n\r\n" % number + body,
            envelope_from="bounces@example.org",
        )
        for number in range(1, count + 1)
    ]


class Silent:
    """A Witness that remembers nothing."""

    def handing(self, delivery: DeliveryId) -> None:
        return None

    def answered(self, outcome: Outcome) -> None:
        return None


# --- the wire -----------------------------------------------------------------------------------


def by_us(port: int, messages: Sequence[Message], sessions: int) -> None:
    account = Account("127.0.0.1", port, Security.NONE, sessions=sessions)
    with SmtpSender(account) as sender:
        outcomes = sum(one.result is Result.ACCEPTED for one in sender.send(messages, Silent()))
    assert outcomes == len(messages)


def wire(count: int) -> None:
    messages = ready(count)
    few = messages[: max(1, count // 10)]
    ways: list[tuple[str, int, Callable[[int], None]]] = [
        ("smtp-source -d -s 10", count, lambda port: by_smtp_source(port, count)),
        ("ours, 1 session", count, lambda port: by_us(port, messages, 1)),
        ("ours, 2 sessions", count, lambda port: by_us(port, messages, 2)),
        ("ours, 4 sessions", count, lambda port: by_us(port, messages, 4)),
        ("smtplib, ready bytes", len(few), lambda port: by_smtplib(port, few)),
        ("smtplib + EmailMessage", len(few), lambda port: by_smtplib_and_email(port, few)),
    ]
    if importlib.util.find_spec("aiosmtplib"):
        ways.append(("aiosmtplib, ready bytes", len(few), lambda port: by_aiosmtplib(port, few)))
    if R2E:
        some = max(1, count // 100)
        ways.append(("rss2email, from a feed", some, lambda port: by_rss2email(port, some)))
    rates = _interleaved(ways)
    print(f"\nReady messages of {SIZE // 1000} kB, counted at the sink; best of three")
    _table(rates, unit="messages/s")


def _interleaved(ways: Sequence[tuple[str, int, Callable[[int], None]]]) -> dict[str, float]:
    """The best of three rounds of each, in turn, so that a busy moment hits them all."""
    best: dict[str, float] = {}
    for _ in range(3):
        for name, count, way in ways:
            with sink() as target:
                began = time.perf_counter()
                way(target.port)
                rate = count / (time.perf_counter() - began)
                time.sleep(0.1)
                assert target.count() == count, f"{name}: {target.count()} of {count} arrived"
            best[name] = max(rate, best.get(name, 0.0))
    return best


# --- a distant server ---------------------------------------------------------------------------


def distance(count: int, delay: float = 0.01) -> None:
    """Round trips a message through a relay that holds every byte back for `delay` each way."""
    messages = ready(count)
    with sink() as target, far_away(target.port, delay) as port:
        began = time.perf_counter()
        by_us(port, messages, 1)
        ours = time.perf_counter() - began
    with sink() as target, far_away(target.port, delay) as port:
        began = time.perf_counter()
        by_smtplib(port, messages[: count // 4])
        theirs = (time.perf_counter() - began) * 4
    print(f"\nOne session over {2000 * delay:.0f} ms of round trip")
    for name, elapsed in (("ours", ours), ("smtplib", theirs)):
        trips = elapsed / count / (2 * delay)
        print(f"  {name:<28}{count / elapsed:>10,.0f} messages/s{trips:>8.2f} round trips each")


@contextmanager
def far_away(port: int, delay: float) -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", port))
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=_carry, args=(*pair, delay), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        listener.close()


def _carry(source: socket.socket, sink_: socket.socket, delay: float) -> None:
    """Pass bytes on, each after `delay`; a queue keeps the line full in between."""
    import queue

    waiting: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()

    def deliver() -> None:
        with suppress(OSError):
            while True:
                due, data = waiting.get()
                time.sleep(max(0.0, due - time.perf_counter()))
                if not data:
                    sink_.shutdown(socket.SHUT_WR)
                    return
                sink_.sendall(data)

    source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    threading.Thread(target=deliver, daemon=True).start()
    with suppress(OSError):
        while data := source.recv(1 << 18):
            waiting.put((time.perf_counter() + delay, data))
    waiting.put((time.perf_counter() + delay, b""))


# --- the queue ----------------------------------------------------------------------------------


def queue_rates(rows: int, url: str, batch: int = 500) -> None:
    print(f"\nClaim and settle, {rows:,} rows in batches of {batch}, durable commits")
    with tempfile.TemporaryDirectory() as folder:
        for name, place in (("SQLite", f"sqlite:///{folder}/digest.db"), ("PostgreSQL", url)):
            if place:
                _queue_rate(name, place, rows, batch)


def _queue_rate(name: str, url: str, rows: int, batch: int) -> None:
    database = Database(url)
    migrate(database)
    fill(database, 2 * rows)
    store = OutboxStore(database)
    spent = dict.fromkeys(("claim", "settle", "both at once"), 0.0)
    told: list[Settlement] = []
    for number in range(2 * rows // batch + 1):
        at_once = number > rows // batch
        with _adding(spent, "both at once" if at_once else "claim"):
            held = _claim(store, batch, told if at_once else ()).deliveries
        decided = [_delivered(delivery) for delivery in held]
        if not at_once:
            with _adding(spent, "settle"):
                store.settle(decided, now=START)
        told = decided
    database.dispose()
    told_rates = "".join(f"{rows / seconds:>12,.0f} {verb}" for verb, seconds in spent.items())
    print(f"  {name:<14}{told_rates}   rows/s")


def _claim(store: OutboxStore, batch: int, settling: Sequence[Settlement]) -> Batch:
    span = timedelta(minutes=15)
    return store.claim(
        Channel.SMTP, now=START, worker="one", limit=batch, lease=span, settling=settling
    )


@contextmanager
def _adding(spent: dict[str, float], verb: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    spent[verb] += time.perf_counter() - began


def _delivered(delivery: Delivery) -> Settlement:
    outcome = Outcome(delivery.id, Result.ACCEPTED, 250, "2.0.0 Ok: queued as 4ZKx2Q3v8kz1")
    return Settlement(delivery, outcome, Decision(DeliveryState.DELIVERED))


# --- all of it ----------------------------------------------------------------------------------


def drain(count: int) -> None:
    """From queued rows with ready messages to accepted and committed, on SQLite with a journal."""
    with tempfile.TemporaryDirectory() as folder, sink() as target:
        database = Database(f"sqlite:///{folder}/digest.db")
        migrate(database)
        fill(database, count)
        made = {message.delivery_id: message for message in ready(count)}
        account = Account("127.0.0.1", target.port, Security.NONE, sessions=2)

        def compose(deliveries: Sequence[Delivery]) -> Iterable[Message]:
            return [made[delivery.id] for delivery in deliveries]

        routes = [Route(Channel.SMTP, lambda: SmtpSender(account))]
        before = resource.getrusage(resource.RUSAGE_SELF)
        began = time.perf_counter()
        with Outbox(
            OutboxStore(database), compose, routes, spool=Path(folder), clock=system_clock
        ) as outbox:
            tally = outbox.drain()
        elapsed = time.perf_counter() - began
        after = resource.getrusage(resource.RUSAGE_SELF)
        database.dispose()
        time.sleep(0.1)
        assert tally.states[DeliveryState.DELIVERED] == target.count() == count
    user, system = after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime
    print("\nThe whole drain (SQLite, journal, 2 sessions), messages ready")
    print(
        f"  {count / elapsed:,.0f} messages/s; CPU a message: {user / count * 1e6:.0f} us user,",
        end="",
    )
    print(f" {system / count * 1e6:.0f} us system")


def journal(count: int = 100_000) -> None:
    delivery = Delivery(
        DeliveryId(1), DigestId(1), SubscriberId(1), Channel.SMTP, "a@b.example", 1, START
    )
    outcome = Outcome(DeliveryId(1), Result.ACCEPTED, 250, "2.0.0 Ok: queued as 4ZKx2Q3v8kz1")
    with tempfile.TemporaryDirectory() as folder:
        book = Journal(Path(folder), "one")
        book.hold_until(uptime() + 600)
        began = time.perf_counter()
        for _ in range(count):
            book.admit([delivery])
            book.handing(delivery.id)
            book.answered(outcome)
            book.settled([delivery.id])
        elapsed = time.perf_counter() - began
        book.close()
    print(f"\nJournal: {elapsed / count * 1e6:.1f} us a message, both marks and the release")


# --- machinery ----------------------------------------------------------------------------------


def _table(rates: dict[str, float], *, unit: str) -> None:
    first = next(iter(rates.values()))
    for name, rate in rates.items():
        print(f"  {name:<28}{rate:>10,.0f} {unit}{rate / first:>8.2f}")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _await(port: int) -> None:
    for _ in range(200):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.01)
    raise SystemExit("smtp-sink does not start")


def _as_nobody() -> list[str]:
    return ["-u", "nobody"] if os.geteuid() == 0 else []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=5_000)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--url", default="")
    parser.add_argument("--only", default="wire,distance,queue,drain,journal")
    given = parser.parse_args()
    parts: dict[str, Callable[[], None]] = {
        "wire": lambda: wire(given.messages),
        "distance": lambda: distance(given.messages // 25),
        "queue": lambda: queue_rates(given.rows, given.url),
        "drain": lambda: drain(given.messages),
        "journal": journal,
    }
    for name in given.only.split(","):
        parts[name]()


if __name__ == "__main__":
    main()
