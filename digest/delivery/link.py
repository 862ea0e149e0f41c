"""One session's socket and its conversation: moves bytes, keeps the deadline, never blocks."""

from __future__ import annotations

import ssl
from time import monotonic

from digest.delivery.account import Timeouts
from digest.delivery.conversation import Conversation, Step
from digest.delivery.session import Session

_CHUNK = 4096  #: of replies, which are short
_END = Step.END
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
        self.is_clogged = False  #: the kernel has not taken everything
        self.is_watched_for_room = False
        self._timeouts = timeouts
        self._seen = -1
        self._limit = float("inf")
        self._is_tls = isinstance(session.sock, ssl.SSLSocket)
        self._write = self._write_record if self._is_tls else session.sock.sendmsg
        self._read = session.sock.recv

    @property
    def unwritten(self) -> int:
        """Bytes the kernel has not taken yet."""
        return sum(map(len, self.talk.output))

    def begin(self) -> None:
        """Start on the next message."""
        self.talk.start()
        self._seen = -1
        self.flush()

    def advance(self) -> None:
        """Read what is there, answer it, write what can be written."""
        try:
            while data := self._read(_CHUNK):
                self.talk.feed(data)
                if len(data) < _CHUNK and not self._is_tls:
                    break
            else:
                raise ConnectionResetError("the server closed the connection")
        except _NOT_NOW:
            pass
        self.flush()

    def flush(self) -> None:
        """Write until done or until the kernel takes no more."""
        talk = self.talk
        if talk.output:
            self._push(talk.output)
        if self._seen == talk.replies:
            return
        self._seen = talk.replies
        self.deadline = float("inf")
        if awaited := talk.awaited:
            times = self._timeouts
            span = times.end_of_data if awaited[0] is _END else times.reply
            self.deadline = min(monotonic() + span, self._limit)

    def hasten(self, deadline: float) -> None:
        """Wait no longer than until `deadline`, whatever comes."""
        self._limit = min(self._limit, deadline)
        self.deadline = min(self.deadline, deadline)

    def _push(self, queue: list[bytes | memoryview]) -> None:
        try:
            while queue:
                count = self._write(queue)
                if count == sum(map(len, queue)):  # nearly always
                    queue.clear()
                else:
                    _take(count, queue)
        except _NOT_NOW:
            pass
        self.is_clogged = bool(queue)

    def _write_record(self, queue: list[bytes | memoryview]) -> int:
        """By TLS: one record instead of one for each small command."""
        queue[:] = [b"".join(queue)]
        return self.session.sock.send(queue[0])


def _take(count: int, queue: list[bytes | memoryview]) -> None:
    """The kernel took so many bytes of the queue, and not all."""
    done = 0
    while count >= len(queue[done]):
        count -= len(queue[done])
        done += 1
    del queue[:done]
    queue[0] = memoryview(queue[0])[count:]
