"""A small real IMAP4rev1 server on the loopback, with TLS: as much of it as reading a mailbox asks.

with Imapd(context, folders={"INBOX": [b"..."]}) as server:
    ...
    assert server.folders["INBOX"] == []
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self


@dataclass
class Imapd:
    """The server; `refuse` names commands that are answered with NO."""

    tls: ssl.SSLContext
    folders: dict[str, list[bytes]] = field(default_factory=lambda: {"INBOX": []})
    users: dict[str, str] = field(default_factory=lambda: {"bounces": "hush"})
    starttls: bool = False
    refuse: set[str] = field(default_factory=set)
    log: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.uids = {name: list(range(1, len(it) + 1)) for name, it in self.folders.items()}
        self.deleted: set[int] = set()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError, ssl.SSLError, EOFError):
                _Session(self, connection).run()


class _Session:
    """One connection, one after the other."""

    def __init__(self, server: Imapd, connection: socket.socket) -> None:
        self.server = server
        self.sock = connection
        self.folder = ""
        self.buffer = b""

    def run(self) -> None:
        try:
            self.talk()
        finally:
            self.sock.close()

    def talk(self) -> None:
        if not self.server.starttls:
            self._secure()
        self.send("* OK ready")
        command = ""
        while command != "LOGOUT":
            tag, _, rest = self.line().partition(" ")
            command = rest.upper().removeprefix("UID ").split(" ")[0]
            self.server.log.append(rest if command != "LOGIN" else "LOGIN")
            if command in self.server.refuse:
                self.send(f"{tag} NO not now")
                continue
            done = getattr(self, f"do_{command.lower()}")(rest)
            self.send(f"{tag} {done or 'OK done'}")
            if command == "STARTTLS":
                self._secure()

    def do_capability(self, rest: str) -> None:
        self.send(f"* CAPABILITY IMAP4rev1{' STARTTLS' if self.server.starttls else ''}")

    def do_starttls(self, rest: str) -> None:
        return None

    def do_login(self, rest: str) -> str:
        words = [word.strip('"') for word in rest.split(" ")[1:]]
        return "OK in" if self.server.users.get(words[0]) == words[1] else "NO wrong"

    def do_select(self, rest: str) -> str:
        self.folder = rest.partition(" ")[2].strip('"')
        if self.folder not in self.server.folders:
            return "NO no such folder"
        self.send(f"* {len(self.server.folders[self.folder])} EXISTS")
        return "OK [READ-WRITE] selected"

    def do_search(self, rest: str) -> None:
        uids = [uid for uid in self.server.uids[self.folder] if uid not in self.server.deleted]
        self.send(f"* SEARCH {' '.join(map(str, uids))}".rstrip())

    def do_fetch(self, rest: str) -> None:
        for place, uid, raw in self._named(rest.split(" ")[2]):
            most = int(re.findall(r"<0\.(\d+)>", rest)[0])
            part = raw[:most]
            self.sock.sendall(
                b"* %d FETCH (UID %d BODY[]<0> {%d}\r\n%b)\r\n" % (place, uid, len(part), part)
            )

    def do_copy(self, rest: str) -> str:
        name = rest.split(" ")[3].strip('"')
        if name not in self.server.folders:
            return "NO [TRYCREATE] no such folder"
        for _place, _uid, raw in self._named(rest.split(" ")[2]):
            self.server.folders[name].append(raw)
        return "OK copied"

    def do_store(self, rest: str) -> None:
        self.server.deleted.update(uid for _p, uid, _raw in self._named(rest.split(" ")[2]))

    def do_expunge(self, rest: str) -> None:
        uids, mails = self.server.uids[self.folder], self.server.folders[self.folder]
        for place in range(len(uids) - 1, -1, -1):
            if uids[place] in self.server.deleted:
                del uids[place], mails[place]
                self.send(f"* {place + 1} EXPUNGE")

    def do_logout(self, rest: str) -> None:
        self.send("* BYE")

    def _named(self, uids: str) -> list[tuple[int, int, bytes]]:
        wanted = {int(uid) for uid in uids.split(",")}
        both = zip(self.server.uids[self.folder], self.server.folders[self.folder], strict=True)
        return [(at, uid, raw) for at, (uid, raw) in enumerate(both, 1) if uid in wanted]

    def _secure(self) -> None:
        self.sock = self.server.tls.wrap_socket(self.sock, server_side=True)

    def line(self) -> str:
        while b"\r\n" not in self.buffer:
            data = self.sock.recv(65536)
            if not data:
                raise EOFError
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line.decode()

    def send(self, text: str) -> None:
        self.sock.sendall(text.encode() + b"\r\n")
