"""Workers in processes of their own, to be killed, frozen and stopped by tests.

    with Drainers() as drainers:
        pid = drainers.start(Task(database_url=…, port=…, spool=…))
        os.kill(pid, signal.SIGKILL)
        drainers.wait(pid)

One process imports the package and then forks a worker each time it is told to, so that a dozen
workers do not cost a dozen imports. A worker drains until nothing is due, then it is done.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import asdict, dataclass
from datetime import timedelta
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

    def start(self, task: Task) -> int:
        """Start a worker; returns its pid."""
        return self._tell(f"start {json.dumps(asdict(task))}")

    def wait(self, pid: int) -> int:
        """Wait until a worker has ended; its exit code, negative for a signal."""
        return self._tell(f"wait {pid}")

    def run(self, task: Task) -> int:
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


def serve() -> None:
    """Fork and reap as told on standard input."""
    import tests.queued  # noqa: F401  paid for once, before the first fork

    for line in sys.stdin:
        match line.split(maxsplit=1):
            case ["start", task]:
                pid = os.fork()
                if pid == 0:
                    _live(Task(**json.loads(task)))
                print(pid, flush=True)
            case ["wait", pid]:
                print(os.waitstatus_to_exitcode(os.waitpid(int(pid), 0)[1]), flush=True)
            case _:
                print(0, flush=True)


def _live(task: Task) -> None:
    code = 1
    try:
        work(task)
        code = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)


if __name__ == "__main__":
    serve()
