"""Workers in processes of their own, to be killed, frozen and stopped by tests.

    with Drainers() as drainers:
        pid = drainers.start(Task(database_url=…, port=…, spool=…))
        os.kill(pid, signal.SIGKILL)
        drainers.wait(pid)

One process imports the package and then forks a worker each time it is told to, so that a dozen
workers do not cost a dozen imports. A worker drains until nothing is due, then it is done. A
`Run` does what `digest run` does: the whole river once. `Compose` makes digests and sends nothing.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Task:
    """What a worker is to do; `first` and `lease` in seconds."""

    database_url: str
    port: int
    spool: str
    doubt: str = "resend"
    sessions: int = 2
    batch: int = 20
    lease: float = 900.0
    first: float = 0.0


@dataclass(frozen=True)
class Run:
    """The whole river once, as of `now` (ISO 8601)."""

    config: str
    now: str


@dataclass(frozen=True)
class Compose:
    """Digests for everyone due at `now` (ISO 8601), `batch` subscribers a transaction."""

    database_url: str
    now: str
    batch: int


class Drainers:
    """The process that forks workers."""

    def __enter__(self) -> Self:
        self._zygote = subprocess.Popen(
            [sys.executable, "-m", "tests.drainer"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert self._tell("ready?") == 0
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._zygote.communicate()

    def start(self, task: Task | Run | Compose) -> int:
        """Start a worker; returns its pid."""
        verb = {Task: "start", Run: "run", Compose: "compose"}[type(task)]
        return self._tell(f"{verb} {json.dumps(asdict(task))}")

    def wait(self, pid: int) -> int:
        """Wait until a worker has ended; its exit code, negative for a signal."""
        return self._tell(f"wait {pid}")

    def run(self, task: Task | Run | Compose) -> int:
        return self.wait(self.start(task))

    def _tell(self, command: str) -> int:
        assert self._zygote.stdin is not None
        assert self._zygote.stdout is not None
        print(command, file=self._zygote.stdin, flush=True)
        return int(self._zygote.stdout.readline())


def work(task: Task) -> None:
    """One worker's life: drain until nothing is due."""
    from digest.clock import system_clock
    from digest.delivery.account import Account, Security
    from digest.delivery.retry import Doubt, Policy
    from digest.delivery.smtp import SmtpSender
    from digest.model import Channel
    from digest.outbox import Outbox, Route
    from digest.store.database import Database
    from digest.store.outbox import OutboxStore
    from tests.queued import write_letter

    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    account = Account(
        host="127.0.0.1", port=task.port, security=Security.NONE, sessions=task.sessions
    )
    policy = Policy(first=timedelta(seconds=task.first), doubt=Doubt(task.doubt))
    with Outbox(
        OutboxStore(Database(task.database_url)),
        lambda deliveries: map(write_letter, deliveries),
        [Route(Channel.SMTP, lambda: SmtpSender(account, stop=stop), policy)],
        spool=Path(task.spool),
        clock=system_clock,
        stop=stop,
        batch=task.batch,
        lease=timedelta(seconds=task.lease),
    ) as outbox:
        while outbox.drain().states and not stop.is_set():
            pass


def run_whole(run: Run) -> None:
    """What `digest run` does between reading its arguments and telling what it did."""
    from digest.config import load
    from digest.wiring import open_app

    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with open_app(load(Path(run.config)), stop=stop) as app:
        app.run(datetime.fromisoformat(run.now))


def compose(task: Compose) -> None:
    """A composing process's life."""
    from digest.edition import Composer
    from digest.matching.engine import Matcher
    from digest.matching.lexical import LexicalScorer
    from digest.model import Channel
    from digest.store.database import Database
    from digest.store.editions import EditionStore
    from digest.store.papers import PaperStore
    from digest.store.subscribers import SubscriberStore

    database = Database(task.database_url)
    composer = Composer(
        EditionStore(database),
        PaperStore(database),
        SubscriberStore(database),
        Matcher(LexicalScorer([]), papers_a_day=100),
        routes=lambda subscriber: [(Channel.MAILBOX, subscriber.email)],
        batch=task.batch,
    )
    composer.compose(datetime.fromisoformat(task.now))


def serve() -> None:
    """Fork and reap as told on standard input."""
    import digest.wiring  # noqa: F401  paid for once, before the first fork
    import tests.queued  # noqa: F401

    for line in sys.stdin:
        match line.split(maxsplit=1):
            case ["start", task]:
                pid = os.fork()
                if pid == 0:
                    _live(lambda: work(Task(**json.loads(task))))
                print(pid, flush=True)
            case ["run", run]:
                pid = os.fork()
                if pid == 0:
                    _live(lambda: run_whole(Run(**json.loads(run))))
                print(pid, flush=True)
            case ["compose", task]:
                pid = os.fork()
                if pid == 0:
                    _live(lambda: compose(Compose(**json.loads(task))))
                print(pid, flush=True)
            case ["wait", pid]:
                print(os.waitstatus_to_exitcode(os.waitpid(int(pid), 0)[1]), flush=True)
            case _:
                print(0, flush=True)


def _live(verb: Callable[[], None]) -> None:
    code = 1
    try:
        verb()
        code = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)


if __name__ == "__main__":
    serve()
