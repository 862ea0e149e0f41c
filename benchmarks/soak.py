"""Guarantee 2 for as long as you like:  python -m benchmarks.soak [--minutes N] [--seed N]

Trial after trial on both engines, each with dice: whole runs killed while they read, compose and
send; one to four workers killed, frozen past their lease and thawed, or asked to stop; PostgreSQL
gone for up to ten seconds; a server that hangs up after end-of-data, answers 421, 451 or late.
After each trial everything due must have left: nobody missing, nobody twice but those in doubt.
Real processes, a real server on the loopback; the first fault ends the soak with its seed.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from digest.store.database import Database
from digest.store.schema import migrate
from tests import postgres
from tests.drainer import Drainers, Task
from tests.installed import MORNING, Installation
from tests.queued import change, fill, row, states
from tests.smtpd import Drop, Late, Smtpd

READERS, QUEUED = 60, 500
LONGEST_OUTAGE = 10.0  #: seconds


@dataclass
class Tally:
    """What all trials together did and found."""

    trials: Counter[str] = field(default_factory=Counter)
    deeds: Counter[str] = field(default_factory=Counter)
    messages: int = 0
    doubted: int = 0
    twice: int = 0
    missing: int = 0

    def __str__(self) -> str:
        trials = ", ".join(f"{count} {name}" for name, count in sorted(self.trials.items()))
        deeds = ", ".join(f"{count} {name}" for name, count in sorted(self.deeds.items()))
        return (
            f"{trials}\n  {deeds}\n  {self.messages:,} messages accepted, {self.missing} missing,"
            f" {self.doubted} in doubt, {self.twice} of these twice, 0 twice without doubt"
        )


@dataclass
class Soak:
    """The dice, the processes and the servers of one soak."""

    dice: random.Random
    drainers: Drainers
    server: postgres.Postgres
    tally: Tally = field(default_factory=Tally)

    def trial(self) -> None:
        kind = self.dice.choice(("runs", "workers"))
        engine = self.dice.choice(("sqlite", "postgres"))
        doubt = self.dice.choice(("hold", "resend"))
        with tempfile.TemporaryDirectory(prefix="digest-soak-") as name, Smtpd(delay=0.001) as smtp:
            folder = Path(name)
            url = self._database(engine, folder)
            self._misbehave(smtp)
            if kind == "runs":
                self._runs(Installation(folder / "installed", url, smtp, doubt))
            else:
                self._workers(Task(url, smtp.port, str(folder / "spool"), doubt, lease=2.0), smtp)
            self.tally.messages += len(smtp.accepted)
            assert smtp.breaches == [], smtp.breaches
            if engine == "postgres":
                self.server.give_back(url)
        self.tally.trials[f"{kind} on {engine} ({doubt})"] += 1

    def _database(self, engine: str, folder: Path) -> str:
        if engine == "postgres":
            url = self.server.lend()
            self.server.make_durable(url)
            return url
        template = folder.parent / f"digest-soak-{os.getpid()}.db"
        if not template.exists():
            database = Database(f"sqlite:///{template}")
            migrate(database)
            database.dispose()
        return f"sqlite:///{shutil.copyfile(template, folder / 'digest.db')}"

    def _misbehave(self, smtp: Smtpd) -> None:
        """Some faults on the wire, each for a few messages."""
        for _ in range(self.dice.randrange(4)):
            verb, act = self.dice.choice(
                (
                    ("END", Drop(accept=True)),
                    ("END", Drop()),
                    ("END", Drop(reset=True)),
                    ("END", Late("250 2.0.0 accepted", after=0.4, accept=True)),
                    ("MAIL", "421 4.3.2 closing"),
                    ("RCPT", "451 4.7.1 greylisted"),
                    ("DATA", "451 4.3.0 later"),
                )
            )
            smtp.on(verb, act, times=self.dice.randint(1, 3), skip=self.dice.randrange(80))

    # --- whole runs -----------------------------------------------------------------------------

    def _runs(self, world: Installation) -> None:
        world.write()
        world.announce(MORNING)
        world.subscribe(READERS)
        for turn in range(self.dice.randint(3, 10)):
            pid = self.drainers.start(world.run(MORNING + timedelta(minutes=turn)))
            time.sleep(self.dice.uniform(0.0, 1.0))
            os.kill(pid, signal.SIGKILL)
            self.tally.deeds["runs killed"] += self.drainers.wait(pid) == -signal.SIGKILL
        for hours in range(1, 9):  # long enough for what was deferred
            assert self.drainers.run(world.run(MORNING + timedelta(hours=hours))) == 0
        assert max(world.digests().values()) == 1, "two digests for one date"
        assert world.digests().total() == READERS, "a digest is missing"
        copies, held = world.copies(), world.states()["uncertain"]
        self._judge(Counter(copies.values()), world.missing(1), held, world.in_doubt(), world.doubt)

    # --- workers on a queue ---------------------------------------------------------------------

    def _workers(self, task: Task, smtp: Smtpd) -> None:
        database = Database(task.database_url)
        fill(database, QUEUED)
        pids = [self.drainers.start(task) for _ in range(self.dice.randint(1, 4))]
        for _ in range(self.dice.randint(2, 8)):
            time.sleep(self.dice.uniform(0.0, 0.4))
            pids[0] = self._do_something(pids[0], task)
            self.dice.shuffle(pids)
        for pid in pids:
            self.drainers.wait(pid)
        time.sleep(task.lease)  # for what a frozen one that was killed has left
        while set(states(database).values()) & {"queued", "deferred", "sending"}:
            for number, state in states(database).items():
                if state == "deferred":
                    change(database, number, next_attempt_at=MORNING - timedelta(days=1))
            self.drainers.run(task)
        told = states(database)
        doubted = sum(row(database, number)["doubts"] > 0 for number in told)
        held = sum(state == "uncertain" for state in told.values())
        database.dispose()
        copies = Counter(smtp.recipients)
        self._judge(Counter(copies.values()), QUEUED - len(copies), held, doubted, task.doubt)

    def _do_something(self, pid: int, task: Task) -> int:
        """To one worker or to their database; returns the pid of the worker that goes on."""
        deed = self.dice.choice(("killed", "stopped", "frozen", "outage"))
        if deed == "outage":
            if not task.database_url.startswith("postgres"):
                return pid
            self.server.stop(hard=self.dice.random() < 0.5)
            time.sleep(self.dice.uniform(0.2, LONGEST_OUTAGE))
            self.server.start()
            self.tally.deeds["outages"] += 1
            return pid
        self.tally.deeds[f"workers {deed}"] += 1
        if deed == "frozen":
            os.kill(pid, signal.SIGSTOP)
            time.sleep(self.dice.uniform(0.0, 2 * task.lease))
            os.kill(pid, signal.SIGCONT)
            return pid
        os.kill(pid, signal.SIGKILL if deed == "killed" else signal.SIGTERM)
        self.drainers.wait(pid)
        return self.drainers.start(task)

    # --- the count ------------------------------------------------------------------------------

    def _judge(
        self, copies: Counter[int], missing: int, held: int, doubted: int, doubt: str
    ) -> None:
        """`copies` counts how many messages were accepted once, twice, …"""
        twice = sum(count for times, count in copies.items() if times > 1)
        assert max(copies, default=0) <= (1 if doubt == "hold" else 2), "more often than the policy"
        assert twice <= doubted, "twice without a doubt"
        assert missing <= held, "missing, and nobody told"
        self.tally.doubted += doubted
        self.tally.twice += twice
        self.tally.missing += missing - min(missing, held)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    given = parser.parse_args()
    until = time.monotonic() + 60 * given.minutes
    with Drainers() as drainers, postgres.running() as server:
        soak = Soak(random.Random(given.seed), drainers, server)
        try:
            while time.monotonic() < until:
                soak.trial()
        finally:
            print(f"Seed {given.seed}: {soak.tally}")


if __name__ == "__main__":
    main()
