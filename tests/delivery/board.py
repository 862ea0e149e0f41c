"""A real HTTP server on loopback that takes posts, remembers them, and answers as it is told.

    with Board() as board:
        board.on(429, headers={"Retry-After": "30"}, times=1)
        post(board.url("/hook/1"), …)
        board.posts[0].body

`Silence` never answers, `Hangup` closes after reading everything, `Reset` before.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True)
class Posted:
    """One post as it came; header names in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Said:
    """One answer; `status` 0: none."""

    status: int = 200
    body: bytes = b"ok"
    headers: Mapping[str, str] = field(default_factory=dict)
    path: str = ""
    is_silent: bool = False
    reads: bool = True


SILENCE = Said(is_silent=True)
HANGUP = Said(0)
RESET = Said(0, reads=False)


class Board:
    """The server. Answers given with `on` are used up in their order, then everything is fine."""

    def __init__(self) -> None:
        self.posts: list[Posted] = []
        self._answers: list[Said] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._accepted: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.connections = 0

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for open_ in (self._listener, *self._accepted):
            with suppress(OSError):
                open_.shutdown(socket.SHUT_RDWR)
            open_.close()
        for thread in self._threads:
            thread.join(2)

    def url(self, path: str = "/services/T0LANTERN/B0FOG/secretsecretsecret4f9Q") -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}{path}"

    def on(
        self,
        status: int = 200,
        body: bytes = b"ok",
        *,
        headers: Mapping[str, str] | None = None,
        path: str = "",
        times: int = 1,
    ) -> None:
        """Answer so to the next posts (to `path`, if there is one)."""
        self._answers += [Said(status, body, headers or {}, path)] * times

    def on_this(self, *answers: Said) -> None:
        self._answers += answers

    @property
    def bodies(self) -> list[bytes]:
        return [post.body for post in self.posts]

    def _start(self, verb: Any, *arguments: Any) -> None:
        thread = threading.Thread(target=verb, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._accepted.append(accepted)
            self._start(self._serve, accepted)

    def _serve(self, accepted: socket.socket) -> None:
        with suppress(OSError, ValueError), accepted, accepted.makefile("rb") as stream:
            while line := stream.readline():
                path = line.split()[1].decode()
                headers = {}
                while field_ := stream.readline().strip():
                    name, _, value = field_.decode().partition(":")
                    headers[name.lower()] = value.strip()
                answer = self._answer(path)
                if not answer.reads:
                    accepted.shutdown(socket.SHUT_RDWR)
                    return
                body = stream.read(int(headers.get("content-length", 0)))
                self.posts.append(Posted(path, headers, body))
                if answer.is_silent:
                    continue
                if not answer.status:
                    return
                accepted.sendall(_wire(answer))

    def _answer(self, path: str) -> Said:
        for n, answer in enumerate(self._answers):
            if answer.path in ("", path):
                return self._answers.pop(n)
        return Said()


def _wire(answer: Said) -> bytes:
    lines = [f"HTTP/1.1 {answer.status} Said", f"Content-Length: {len(answer.body)}"]
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + answer.body
