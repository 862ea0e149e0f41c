"""A real HTTP server on loopback that says exactly the bytes it is told, at the pace it is told."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Wire:
    """One accepted connection: the request's head is read, the answer is up to the script."""

    socket: socket.socket
    head: bytes = b""

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def drip(self, data: bytes, every: float) -> None:
        for n in range(len(data)):
            self.send(data[n : n + 1])
            time.sleep(every)


@dataclass
class Server:
    port: int
    heads: list[bytes] = field(default_factory=list)

    def url(self, path: str = "/", host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"


def answer(body: bytes = b"", *lines: str, status: str = "200 OK") -> bytes:
    """A whole HTTP/1.1 answer that closes the connection."""
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *lines]
    return "\r\n".join(head).encode("ascii") + b"\r\n\r\n" + body


@contextmanager
def serving(
    script: Callable[[Wire], None], context: ssl.SSLContext | None = None
) -> Iterator[Server]:
    """Runs `script` for every connection, in a thread of its own, until the block ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(listener.getsockname()[1])
    threads: list[threading.Thread] = []

    def serve(accepted: socket.socket) -> None:
        with suppress(OSError), accepted:
            talking = context.wrap_socket(accepted, server_side=True) if context else accepted
            wire = Wire(talking)
            while b"\r\n\r\n" not in wire.head and (piece := talking.recv(4096)):
                wire.head += piece
            server.heads.append(wire.head)
            script(wire)
            talking.close()

    def accept() -> None:
        while True:
            try:
                accepted, _ = listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=serve, args=(accepted,), daemon=True)
            threads.append(thread)
            thread.start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield server
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join(2)
        for thread in threads:
            thread.join(2)
