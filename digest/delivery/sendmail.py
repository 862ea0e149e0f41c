"""The smtp channel through a program: each message to a local `sendmail` on its standard input.

For hosts whose mail system has no port for us. Slow beside SMTP (a process a message), and all it
tells is an exit code of sysexits.h.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import Final, Self

from digest.delivery.base import Witness
from digest.delivery.envelope import path
from digest.delivery.replies import one_line
from digest.errors import DeliveryFault
from digest.model import Message, Outcome, Result

_NOBODY: Final = (os.EX_NOUSER, os.EX_NOHOST)
_REFUSED: Final = (os.EX_DATAERR, *_NOBODY)
_OURS: Final = (os.EX_USAGE, os.EX_NOPERM, os.EX_CONFIG)


class SendmailSender:
    """A Sender that runs `command` with `-f sender -- recipient` for each message."""

    def __init__(
        self, command: Sequence[str] = ("/usr/sbin/sendmail", "-i"), *, timeout: float = 300.0
    ) -> None:
        self._command = tuple(command)
        self._timeout = timeout

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    def send(self, messages: Iterable[Message], witness: Witness) -> Iterator[Outcome]:
        for message in messages:
            recipient, sender = path(message.address), path(message.envelope_from)
            if recipient is None or (sender is None and message.envelope_from):
                why = "not an address that mail can be sent to"
                yield Outcome(message.delivery_id, Result.REFUSED, reply=why, recipient_fault=True)
                continue
            witness.handing(message.delivery_id)
            outcome = self._run(message, sender or "<>", recipient)
            witness.answered(outcome)
            yield outcome

    def _run(self, message: Message, sender: str, recipient: str) -> Outcome:
        command = [*self._command, "-f", sender, "--", recipient]
        try:
            done = subprocess.run(
                command,
                input=message.payload.replace(b"\r\n", b"\n"),
                capture_output=True,
                timeout=self._timeout,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Outcome(message.delivery_id, Result.UNCERTAIN, reply="no answer in time")
        except OSError as error:
            raise DeliveryFault(
                f"{self._command[0]} cannot be run: {error.strerror}.",
                mend="Check the path of sendmail.",
            ) from error
        return self._judge(message, done.returncode, one_line(done.stderr))

    def _judge(self, message: Message, code: int, said: str) -> Outcome:
        reply = said or f"{self._command[0]} ended with {code}"
        if code == 0:
            return Outcome(message.delivery_id, Result.ACCEPTED, reply=said)
        if code < 0:
            return Outcome(message.delivery_id, Result.UNCERTAIN, reply=reply)
        if code in _OURS:
            raise DeliveryFault(f"{reply}.", mend="Check the command for sendmail.")
        if code in _REFUSED:
            blamed = code in _NOBODY
            return Outcome(message.delivery_id, Result.REFUSED, reply=reply, recipient_fault=blamed)
        return Outcome(message.delivery_id, Result.DEFERRED, reply=reply)
