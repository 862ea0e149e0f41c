"""Couriers: processes that send while a run composes, because Python composes on one core only.

    run      orders > | posted > … done >      compose | sum up | send | wait | send what is left
    courier             drain … drain | leave  < what became of it, after every commit

A courier is a worker like any other, with claims, leases and a journal of its own, so guarantees 2
and 3 are the outbox's here too. It sends mail and nothing else, and shares the account's sessions
with the run, which sends as well when it has composed (with a single session, when the courier is
done). Asked to end, or left alone by a run that was killed, it finishes the message in hand. One
that dies is only a worker that died: the run goes on, takes its claims over as soon as it is gone,
and sends itself what is left. So does it after a fault or where a rate is used up.
"""

from __future__ import annotations

import json
import logging
import os
import pickle
import signal
import subprocess
import sys
import threading
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from io import FileIO
from types import TracebackType
from typing import Final, Self

from digest import memory
from digest.clock import fixed_clock, system_clock
from digest.config import Settings, SmtpAccount
from digest.dispatch import Dispatch
from digest.ending import PATIENCE, asked_to_end
from digest.errors import DigestError
from digest.model import DeliveryState
from digest.outbox import Outbox, Tally
from digest.store.database import Database

log = logging.getLogger(__name__)

WORTH: Final = 5_000  #: digests of a run from which a process more is worth its start of a second
_LOOK: Final = 0.2  #: seconds between looks whether the run was asked to end
_POSTED: Final = b"posted\n"
_DONE: Final = b"done\n"


def number_of(settings: Settings, due: Callable[[int], int]) -> int:
    """How many couriers a run has, one a session at most; `due` counts digests up to a limit.

    Unless configured, a large run has one where there is a processor for it.
    """
    said = settings.delivery.processes
    wanted, least = (min(2, _processors()), WORTH) if said == "auto" else (said, 1)
    number = min(wanted - 1, *(one.sessions for one in _accounts(settings)))
    return number if number and due(least) >= least else 0


class Couriers:
    """The couriers of one run: `posted` when there is something to send, `finish` at its end.

    Left by an exception, they end with the message in hand.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        number: int,
        at: datetime | None,
        stop: threading.Event,
        lend: Callable[[int], None] = lambda parts: None,
    ) -> None:
        """`lend` tells the run's own post by how many it shares its sessions from now on."""
        fewest = min(one.sessions for one in _accounts(settings))
        self._parts = number + 1 if fewest > number else 0  #: 0: the couriers have them all
        self._lend = lend
        self._settings = [_share(settings, number, turn, self._parts) for turn in range(number)]
        self._at = at
        self._stop = stop
        self._couriers: list[_Courier] = []
        self._is_over = threading.Event()

    def __enter__(self) -> Self:
        if self._settings:
            self._start()
            threading.Thread(target=self._pass_on, daemon=True, name="couriers").start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_over.set()
        for courier in self._couriers:
            courier.leave()

    def _start(self) -> None:
        """As many as the machine has room for: a run can do without any."""
        for settings in self._settings:
            try:
                self._couriers.append(_Courier(settings, self._at))
            except OSError as error:
                log.warning(
                    "No courier could be started (%s); the run sends without it.",
                    error,
                    extra={"action": "courier_failed"},
                )
                return

    def posted(self) -> None:
        """Something was queued."""
        for courier in self._couriers:
            courier.tell(_POSTED)

    def finish(self, drain: Callable[[], Tally]) -> Tally:
        """Send beside them by `drain`, and wait until they have sent what they can.

        Returns what became of it. Faults are left out: who drains next meets them, or they are
        over.
        """
        for courier in self._couriers:
            courier.tell(_POSTED + _DONE)
        done = Tally()
        if self._couriers and self._parts:
            self._lend(self._parts)
            done.states.update(drain().states)
            self._lend(1)
        for courier in self._couriers:
            done.add(courier.wait())
        return done

    def _pass_on(self) -> None:
        """A run that was asked to end asks its couriers."""
        while not self._is_over.wait(_LOOK):
            if self._stop.is_set():
                for courier in self._couriers:
                    courier.ask_to_end()
                return


class _Courier:
    """One courier's process, from the run's side."""

    def __init__(self, settings: Settings, at: datetime | None) -> None:
        # Its modules are ours, whatever lies in the folder where we were started.
        path = os.pathsep.join(place or os.getcwd() for place in sys.path)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "digest.courier"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
        )
        self._said = Tally()
        self._was_asked = False
        self._ears = threading.Thread(target=self._hear, daemon=True, name="courier")
        self._ears.start()
        orders = pickle.dumps((settings, at, logging.getLogger().level))
        self.tell(b64encode(orders) + b"\n")

    def tell(self, word: bytes) -> None:
        assert self._process.stdin is not None
        with suppress(OSError, ValueError):  # it has left, and is missed by nobody
            self._process.stdin.write(word)
            self._process.stdin.flush()

    def ask_to_end(self) -> None:
        self._was_asked = True
        self._process.terminate()

    def wait(self) -> Tally:
        """What became of what it sent, once it has ended."""
        self._process.wait()  # before it hears that nobody is there any more
        self.leave()
        is_late = self._was_asked and self._process.returncode == -signal.SIGTERM
        if self._process.returncode and not is_late:
            log.warning(
                "A courier ended with %d; the run sends by itself what it left.",
                self._process.returncode,
                extra={"action": "courier_lost"},
            )
        return self._said

    def leave(self) -> None:
        """As a run that was killed leaves it: it ends with the message in hand."""
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.close()
        self._process.wait()
        self._ears.join()

    def _hear(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as said:
            for line in said:
                with suppress(ValueError):  # half a line: its last word
                    self._said = _told(line)


def _told(line: str | bytes) -> Tally:
    states = json.loads(line)["states"]
    return Tally(Counter({DeliveryState(state): count for state, count in states.items()}))


def _processors() -> int:
    """Processors that we may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        return os.cpu_count() or 1


def _accounts(settings: Settings) -> list[SmtpAccount]:
    return [settings.delivery.smtp, *settings.delivery.smtp.fallbacks]


def _share(settings: Settings, number: int, turn: int, parts: int) -> Settings:
    """The settings of one of `number` couriers: theirs are the sessions but the run's part."""

    def part(account: SmtpAccount) -> dict[str, int]:
        theirs = account.sessions - (account.sessions // parts if parts else 0)
        return {"sessions": theirs // number + (turn < theirs % number)}

    delivery = settings.delivery
    fallbacks = [one.model_copy(update=part(one)) for one in delivery.smtp.fallbacks]
    smtp = delivery.smtp.model_copy(update={**part(delivery.smtp), "fallbacks": fallbacks})
    shared = delivery.model_copy(update={"smtp": smtp})
    return settings.model_copy(update={"delivery": shared})


# --- in the courier's process ---------------------------------------------------------------------


class _Round:
    """Drains whenever the run says that something was posted, until it says that it is done."""

    def __init__(self, words: FileIO, say: Callable[[str], None], stop: threading.Event) -> None:
        self._words = words
        self._say = say
        self._stop = stop
        self._news = threading.Event()
        self._is_last = False
        self._before = Tally()  #: of the drains that are over

    def go(self, outbox: Outbox) -> None:
        threading.Thread(target=self._listen, daemon=True, name="words").start()
        is_over = False
        while not (is_over or self._stop.is_set()):
            if not self._news.wait(_LOOK):
                continue
            self._news.clear()
            is_over = self._is_last
            tally = outbox.drain()
            self._before.add(tally)
            self.tell(Tally())
            is_over = is_over or bool(tally.faults or tally.waits)

    def tell(self, tally: Tally) -> None:
        """What became of everything so far, `tally` of it in the drain now under way."""
        states = self._before.states + tally.states
        self._say(json.dumps({"states": {state.value: count for state, count in states.items()}}))

    def _listen(self) -> None:
        for word in self._words:
            self._is_last = self._is_last or word == _DONE
            self._news.set()
        self._stop.set()  # the run is no more
        self._news.set()


def main() -> None:
    """A courier's life, from its orders on standard input to its last word on standard output."""
    # Unbuffered: a thread that waits in a buffered reader cannot be left at the end.
    words = FileIO(sys.stdin.fileno(), closefd=False)
    settings, at, level = pickle.loads(b64decode(words.readline()))
    logging.basicConfig(level=level, format="%(levelname)s %(message)s")
    memory.look_seldom()
    memory.keep_large_apart()
    clock = system_clock if at is None else fixed_clock(at)
    stop = threading.Event()
    database = Database(settings.database.url.get_secret_value())
    try:
        with asked_to_end(stop, patience=PATIENCE):
            round_ = _Round(words, _say, stop)
            dispatch = Dispatch(settings, database, stop=stop)
            with dispatch.mails(clock, progress=round_.tell) as outbox:
                round_.go(outbox)
    except DigestError as error:
        log.error("%s", error, extra={"action": "courier_fault"})
        sys.exit(1)
    finally:
        database.dispose()


def _say(line: str) -> None:
    with suppress(OSError):  # nobody hears it: the run was killed
        print(line, flush=True)


if __name__ == "__main__":
    main()
