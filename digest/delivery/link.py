"""One session's socket and its conversation: moves bytes, keeps the deadline, never blocks."""

from __future__ import annotations

import selectors
import ssl
import time

from digest.delivery.account import Timeouts
from digest.delivery.conversation import Conversation, Step
from digest.delivery.session import Session

_CHUNK = 65536
_NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Link:
    """A conversation on a non-blocking socket. OSError from any verb: the connection is gone.

    `deadline` (monotonic) is when the reply now awaited must be there whole; only a complete reply
    moves it, so a drip of bytes does not.
    """

    def __init__(self, session: Session, talk: Conversation, timeouts: Timeouts) -> None:
        self.session = session
        self.talk = talk
        self.deadline = float("inf")
        self.watched = selectors.EVENT_READ
        self._timeouts = timeouts
        self._queue: list[bytes | memoryview] = []
        self._seen = -1
        self._limit = float("inf")
        self._is_tls = isinstance(session.sock, ssl.SSLSocket)

    @property
    def is_clogged(self) -> bool:
        """Whether the kernel has not taken everything."""
        return bool(self._queue)

    @property
    def unwritten(self) -> int:
        """Bytes the kernel has not taken yet."""
        return sum(map(len, self._queue)) + sum(map(len, self.talk.output))

    def begin(self) -> None:
        """Start on the next message."""
        self.talk.start()
        self._seen = -1
        self.flush()

    def advance(self) -> None:
        """Read what is there, answer it, write what can be written."""
        if self._queue:
            self._push()
        while True:
            try:
                data = self.session.sock.recv(_CHUNK)
            except _NOT_NOW:
                break
            if not data:
                raise ConnectionResetError("the server closed the connection")
            self.talk.feed(data)
            if not self._is_tls and len(data) < _CHUNK:
                break
        self.flush()

    def flush(self) -> None:
        """Write until done or until the kernel takes no more."""
        if self.talk.output:
            self._queue.extend(self.talk.output)
            self.talk.output.clear()
            self._push()
        self._set_deadline()

    def hasten(self, deadline: float) -> None:
        """Wait no longer than until `deadline`, whatever comes."""
        self._limit = min(self._limit, deadline)
        self.deadline = min(self.deadline, deadline)

    def _push(self) -> None:
        while self._queue:
            try:
                self._taken(self._write())
            except _NOT_NOW:
                break

    def _write(self) -> int:
        if not self._is_tls:
            return self.session.sock.sendmsg(self._queue)
        if len(self._queue) > 1:  # one record instead of one for each small command
            self._queue[:] = [b"".join(self._queue)]
        return self.session.sock.send(self._queue[0])

    def _taken(self, count: int) -> None:
        if count == sum(map(len, self._queue)):  # nearly always
            self._queue.clear()
            return
        done = 0
        while count >= len(self._queue[done]):
            count -= len(self._queue[done])
            done += 1
        del self._queue[:done]
        self._queue[0] = memoryview(self._queue[0])[count:]

    def _set_deadline(self) -> None:
        if self._seen == self.talk.replies:
            return
        self._seen = self.talk.replies
        if not self.talk.awaited:
            self.deadline = float("inf")
            return
        is_end = self.talk.awaited[0] is Step.END
        span = self._timeouts.end_of_data if is_end else self._timeouts.reply
        self.deadline = min(time.monotonic() + span, self._limit)
