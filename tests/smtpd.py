"""A real SMTP and LMTP server on the loopback that does what a test tells it to.

    with Smtpd() as server:
        server.on("RCPT", "450 4.2.1 try later", match="bo@", times=1)
        server.on("END", Drop(accept=True))
        ...
        assert server.recipients == [...]

It records every message it accepted, one thread a connection, and every breach of the protocol by
the client (`breaches`): commands in one write that PIPELINING does not allow, a MAIL inside a
transaction, a line without CR LF.
"""

from __future__ import annotations

import base64
import contextlib
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

GROUPED = ("RSET", "MAIL", "RCPT")  #: what may be followed by more in one group (RFC 2920)


@dataclass(frozen=True)
class Drop:
    """Close the connection instead of answering; `accept`: keep the message first."""

    accept: bool = False
    reset: bool = False  #: with RST instead of FIN


@dataclass(frozen=True)
class Silence:
    """Never answer; `accept`: keep the message first."""

    accept: bool = False


@dataclass(frozen=True)
class Drip:
    """Answer one byte at a time."""

    reply: str
    pause: float


@dataclass(frozen=True)
class Late:
    """Answer after a while."""

    reply: str
    after: float
    accept: bool = False


Act = str | Drop | Silence | Drip | Late


@dataclass
class Rule:
    verb: str
    act: Act
    match: str
    times: int
    skip: int

    def applies(self, verb: str, argument: str) -> bool:
        if verb != self.verb or self.match not in argument or self.times <= 0:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        return True


@dataclass(frozen=True)
class Mail:
    """One accepted message, as it came (dots unstuffed)."""

    sender: str
    recipient: str
    data: bytes
    session: int
    parameters: str = ""


@dataclass
class Smtpd:
    """The server; bound on entering, on `port` (or at `path`, for LMTP)."""

    offers: tuple[str, ...] = ("PIPELINING", "SIZE 10000000", "8BITMIME", "SMTPUTF8")
    lmtp: bool = False
    path: str = ""
    tls: ssl.SSLContext | None = None
    implicit_tls: bool = False
    users: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0  #: before every write, as a far-away server
    accepted: list[Mail] = field(default_factory=list)
    breaches: list[str] = field(default_factory=list)
    sessions: int = 0
    reads: int = 0  #: groups of bytes answered, over all sessions
    log: list[str] = field(default_factory=list)  #: every command line, without arguments of AUTH
    rules: list[Rule] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lock = threading.Lock()
        self.closing = threading.Event()
        self._connections: set[socket.socket] = set()

    def on(
        self, verb: str, act: Act, *, match: str = "", times: int = 10**9, skip: int = 0
    ) -> None:
        """Answer `verb` (CONNECT, EHLO, MAIL, RCPT, DATA, END, …) by `act` from now on."""
        with self.lock:
            self.rules.insert(0, Rule(verb, act, match, times, skip))

    @property
    def recipients(self) -> list[str]:
        with self.lock:
            return [mail.recipient for mail in self.accepted]

    @property
    def port(self) -> int:
        return 0 if self.path else int(self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        if self.path:
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(self.path)
        else:
            self._listener = socket.socket()
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(50)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.closing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()
        self._thread.join(5)

    def hang_up(self) -> None:
        """Cut every connection."""
        with self.lock:
            connections = list(self._connections)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def act_on(self, verb: str, argument: str) -> Act | None:
        with self.lock:
            return next((rule.act for rule in self.rules if rule.applies(verb, argument)), None)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self.lock:
                self.sessions += 1
                self._connections.add(connection)
                number = self.sessions
            threading.Thread(target=self._talk, args=(connection, number), daemon=True).start()

    def _talk(self, connection: socket.socket, number: int) -> None:
        talk = _Talk(self, connection, number)
        try:
            talk.run()
        except (OSError, _Done):
            pass
        finally:
            talk.sock.close()
            with self.lock:
                self._connections.discard(connection)


class _Done(Exception):
    """The connection is over."""


class _Talk:
    """One connection."""

    def __init__(self, server: Smtpd, sock: socket.socket, number: int) -> None:
        self.server = server
        self.sock = sock
        self.number = number
        self.buffer = b""
        self.replies: list[bytes] = []
        self.mail: str | None = None
        self.parameters = ""
        self.recipient: str | None = None
        self.offers = server.offers  #: as this connection heard them

    def run(self) -> None:
        self.sock.settimeout(60)
        if not self.server.path:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.server.implicit_tls:
            self._start_tls()
        self.answer("CONNECT", "", "220 test.example ESMTP")
        while True:
            line = self.line()
            verb, _, argument = line.partition(" ")
            verb = verb.upper()
            with self.server.lock:
                self.server.log.append(verb if verb == "AUTH" else line)
            if self.buffer and (verb not in GROUPED or not self.offered("PIPELINING")):
                self.breach(f"{verb} was not the last of its group")
            handler = getattr(self, f"do_{verb.lower()}", None)
            if handler is None:
                self.answer(verb, argument, "500 5.5.1 unknown command")
            else:
                handler(argument)

    # --- commands ---

    def do_ehlo(self, argument: str) -> None:
        self.offers = self.server.offers
        offers = list(self.offers)
        is_tls = isinstance(self.sock, ssl.SSLSocket)
        if self.server.tls and not is_tls:
            offers.append("STARTTLS")
        if self.server.users and is_tls:
            offers.append("AUTH PLAIN LOGIN XOAUTH2")
        lines = ["test.example", *offers]
        last = len(lines) - 1
        text = "\r\n".join(f"250{' ' if i == last else '-'}{word}" for i, word in enumerate(lines))
        self.answer("EHLO", argument, text)

    do_lhlo = do_ehlo

    def do_helo(self, argument: str) -> None:
        self.answer("HELO", argument, "250 test.example")

    def do_starttls(self, argument: str) -> None:
        if self.answer("STARTTLS", argument, "220 go on"):
            self._start_tls()

    def do_auth(self, argument: str) -> None:
        mechanism, _, initial = argument.partition(" ")
        given = base64.b64decode(initial).decode() if initial else ""
        if mechanism == "XOAUTH2":
            user = given.split("\1")[0].removeprefix("user=")
            secret = given.split("\1")[1].removeprefix("auth=Bearer ")
        elif mechanism == "LOGIN":
            self.send(b"334 UGFzc3dvcmQ6\r\n")
            user, secret = given, base64.b64decode(self.line()).decode()
        else:
            _, user, secret = given.split("\0")
        if self.server.users.get(user) == secret:
            self.answer("AUTH", argument, "235 2.7.0 welcome")
        elif mechanism == "XOAUTH2":
            self.send(b"334 " + base64.b64encode(b'{"status":"401"}') + b"\r\n")
            self.line()
            self.answer("AUTH", argument, f"535 5.7.8 no token {secret} for {user}")
        else:
            self.answer("AUTH", argument, f"535 5.7.8 no such user {user} {secret}")

    def do_mail(self, argument: str) -> None:
        if self.mail is not None:
            self.breach("MAIL inside a transaction")
        path, _, parameters = argument.partition("> ")
        if self.answer("MAIL", argument, "250 2.1.0 sender ok"):
            self.mail = path.partition("<")[2].rstrip(">")
            self.parameters = parameters

    def do_rcpt(self, argument: str) -> None:
        if self.mail is None:
            self.answer("RCPT", argument, "503 5.5.1 MAIL first")
        elif self.answer("RCPT", argument, "250 2.1.5 recipient ok"):
            self.recipient = argument.partition("<")[2].rstrip(">")

    def do_data(self, argument: str) -> None:
        usual = "354 go on" if self.recipient else "503 5.5.1 RCPT first"
        if not self.answer("DATA", self.recipient or "", usual):
            return
        data = self.content()
        act = self.server.act_on("END", self.recipient or "")
        mail = Mail(self.mail or "", self.recipient or "", data, self.number, self.parameters)
        self.mail = self.recipient = None
        if act is None and mail.recipient:
            act = "250 2.0.0 accepted"
        accepted = act.startswith("2") if isinstance(act, str) else getattr(act, "accept", False)
        if accepted:
            with self.server.lock:
                self.server.accepted.append(mail)
        self.perform(act or "554 5.5.1 no valid recipients")

    def do_rset(self, argument: str) -> None:
        self.mail = self.recipient = None
        self.answer("RSET", argument, "250 2.0.0 forgotten")

    def do_noop(self, argument: str) -> None:
        self.answer("NOOP", argument, "250 2.0.0 nothing done")

    def do_quit(self, argument: str) -> None:
        self.answer("QUIT", argument, "221 2.0.0 bye")
        self.flush()
        raise _Done

    # --- bytes ---

    def line(self) -> str:
        while b"\n" not in self.buffer:
            self.receive()
        line, self.buffer = self.buffer.split(b"\n", 1)
        if not line.endswith(b"\r"):
            self.breach(f"a line without CR LF: {line!r}")
        return line.rstrip(b"\r").decode("utf-8", "replace")

    def content(self) -> bytes:
        while not (b"\r\n.\r\n" in self.buffer or self.buffer.startswith(b".\r\n")):
            self.receive()
        if self.buffer.startswith(b".\r\n"):
            data, self.buffer = b"", self.buffer[3:]
        else:
            data, self.buffer = self.buffer.split(b"\r\n.\r\n", 1)
            data += b"\r\n"
        if data.count(b"\n") != data.count(b"\r\n"):
            self.breach("a bare LF in the data")
        unstuffed = [line[1:] if line.startswith(b".") else line for line in data.split(b"\r\n")]
        return b"\r\n".join(unstuffed)

    def receive(self) -> None:
        self.flush()
        data = self.sock.recv(1 << 16)
        if not data:
            raise _Done
        with self.server.lock:
            self.server.reads += 1
        self.buffer += data

    def answer(self, verb: str, argument: str, usual: str) -> bool:
        """Answer as told, else as usual; whether the answer was a yes."""
        act = self.server.act_on(verb, argument)
        self.perform(usual if act is None else act)
        return (usual if act is None else str(act))[:1] in "23"

    def perform(self, act: Act) -> None:
        if isinstance(act, str):
            self.send(act.encode() + b"\r\n")
            if act.startswith("421"):
                self.flush()
                raise _Done
            return
        self.flush()
        if isinstance(act, Drop):
            if act.reset:
                linger = b"\1\0\0\0\0\0\0\0"
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            raise _Done
        if isinstance(act, Drip):
            for letter in f"{act.reply}\r\n".encode():
                self.sock.sendall(bytes([letter]))
                if self.server.closing.wait(act.pause):
                    raise _Done
        elif isinstance(act, Late):
            self.server.closing.wait(act.after)
            self.send(act.reply.encode() + b"\r\n")
        else:
            self.server.closing.wait(60)
            raise _Done

    def send(self, data: bytes) -> None:
        self.replies.append(data)

    def flush(self) -> None:
        if self.replies:
            if self.server.delay:
                time.sleep(self.server.delay)
            self.sock.sendall(b"".join(self.replies))
            self.replies.clear()

    def offered(self, name: str) -> bool:
        return name in self.offers

    def breach(self, what: str) -> None:
        with self.server.lock:
            self.server.breaches.append(what)

    def _start_tls(self) -> None:
        assert self.server.tls is not None
        self.flush()
        self.sock = self.server.tls.wrap_socket(self.sock, server_side=True)
        self.buffer = b""
