"""Opening one SMTP or LMTP session by smtplib: connect, EHLO, TLS, login. Sends no mail itself.

Guarantee: without a checked certificate there is no TLS, without TLS no login, and where TLS was
asked for and is not offered there is no session. Every reply has a total deadline, so a server that
drips a byte a second is given up in time. Secrets reach the wire and nothing else.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
import time
from collections.abc import Sequence
from typing import Final

from digest.delivery.account import Account, Security
from digest.delivery.envelope import Offer
from digest.delivery.replies import Reply, ReplyReader, one_line
from digest.errors import DeliveryFault

_SNDBUF: Final = 256 * 1024  #: a whole digest fits, so that one write takes it


class Session:
    """A logged-in connection: a non-blocking socket and what the server offers."""

    def __init__(self, line: _Line, account: Account) -> None:
        assert line.sock is not None
        self.sock: socket.socket = line.sock
        self.offer = _offer(line)
        self.left = account.messages_per_session
        self._line = line
        self._account = account
        self.sock.setblocking(False)

    @property
    def is_fresh(self) -> bool:
        """Whether the server kept silent and the line open while nothing was under way."""
        try:
            self.sock.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except OSError:
            return False
        return False

    def close(self) -> None:
        """Drop the connection without a word."""
        self._line.close()

    def quit(self) -> None:
        """Say QUIT, wait a moment for the answer, and drop the connection."""
        try:
            self.sock.settimeout(2.0)
            self._line.patience = 2.0
            self._line.docmd("QUIT")
        except (OSError, smtplib.SMTPException):
            pass
        finally:
            self.close()


def open_session(account: Account) -> Session:
    """Connect and log in, or raise DeliveryFault with the reason and the mend."""
    if faults := account.faults():
        raise DeliveryFault(f"{account.place}: {'; '.join(faults)}.")
    line = _Line(account)
    try:
        _greet(line, account)
        _secure(line, account)
        _log_in(line, account)
        return Session(line, account)
    except BaseException as error:
        line.close()
        if isinstance(error, (OSError, smtplib.SMTPException, UnicodeError)):
            raise _fault(account, error, line.secrets) from error
        raise


def tls_context(account: Account) -> ssl.SSLContext:
    """Certificate and host name checked, TLS 1.2 or newer, our own certificate where there is."""
    context = ssl.create_default_context(cafile=account.ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if account.client_certificate:
        context.load_cert_chain(account.client_certificate, account.client_key)
    return context


class _Line(smtplib.SMTP):
    """smtplib's SMTP with our reading of replies: a total deadline, and no read-ahead lost."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.patience = account.timeouts.reply
        self.secrets = [account.password, account.username]
        self._replies: list[Reply] = []
        self._reader = ReplyReader()
        super().__init__(local_hostname="localhost", timeout=account.timeouts.connect)
        self._host = account.host
        if account.lmtp:
            self.ehlo_msg = "lhlo"

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        if host.startswith("/"):
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            sock.settimeout(timeout)
            sock.connect(host)
            return sock
        sock = socket.create_connection((host, port), timeout)
        # The tail of a message must not wait for the acknowledgement of its head (Nagle).
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SNDBUF)
        if self.account.security is Security.TLS:
            return tls_context(self.account).wrap_socket(sock, server_hostname=host)
        return sock

    def getreply(self) -> tuple[int, bytes]:
        deadline = time.monotonic() + self.patience
        while not self._replies:
            self._replies += self._reader.feed(self._receive(deadline))
        reply = self._replies.pop(0)
        return reply.code or -1, reply.lines

    def upgrade(self) -> None:
        """STARTTLS, refusing what a man in the middle sent before TLS to pass for what is in it."""
        self.starttls(context=tls_context(self.account))
        if self._replies or not self._reader.is_empty:
            raise smtplib.SMTPServerDisconnected("unasked data before TLS began")

    def _receive(self, deadline: float) -> bytes:
        left = deadline - time.monotonic()
        if left <= 0 or self.sock is None:
            raise TimeoutError("timed out waiting for a reply")
        self.sock.settimeout(left)
        data = self.sock.recv(4096)
        if not data:
            raise smtplib.SMTPServerDisconnected("the server closed the connection")
        return data


def _greet(line: _Line, account: Account) -> None:
    code, text = line.connect(account.host, account.port or 0)
    if code != 220:
        raise smtplib.SMTPConnectError(code, text)
    line.local_hostname = account.local_hostname or _own_name(line.sock)
    _say_ehlo(line)


def _say_ehlo(line: _Line) -> None:
    code, text = line.ehlo()
    if code == 250:
        return
    if line.account.lmtp or line.account.security is Security.STARTTLS or line.account.username:
        raise smtplib.SMTPHeloError(code, text)
    code, text = line.helo()
    if code != 250:
        raise smtplib.SMTPHeloError(code, text)


def _secure(line: _Line, account: Account) -> None:
    if account.security is not Security.STARTTLS:
        return
    if not line.has_extn("starttls"):
        raise DeliveryFault(
            f"{account.place} does not offer STARTTLS.",
            mend="Use the port for submission (587), or security = tls on port 465.",
        )
    line.upgrade()
    _say_ehlo(line)


def _log_in(line: _Line, account: Account) -> None:
    if not account.username:
        return
    if not isinstance(line.sock, ssl.SSLSocket):
        raise DeliveryFault(f"{account.place}: no login without TLS.")
    if not account.token:
        line.login(account.username, account.password)
        return
    token = account.token()
    line.secrets.insert(0, token)
    bearer = f"user={account.username}\x01auth=Bearer {token}\x01\x01"
    # A challenge carries the error's details; an empty answer brings the 535 (RFC 7628).
    line.auth("XOAUTH2", lambda challenge=None: bearer if challenge is None else "")


def _own_name(sock: socket.socket | None) -> str:
    """This host's full name, else its address on this connection as a literal (RFC 5321, 4.1.3)."""
    name = socket.gethostname()
    if "." in name:
        return name
    if sock is None or sock.family == socket.AF_UNIX:
        return "localhost"
    address: str = sock.getsockname()[0]
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"


def _offer(line: _Line) -> Offer:
    size = (line.esmtp_features.get("size") or "0").split()[0]
    return Offer(
        pipelining=line.has_extn("pipelining"),
        size=int(size) if size.isdigit() else 0,
        eightbit=line.has_extn("8bitmime"),
        utf8=line.has_extn("smtputf8"),
    )


def _fault(account: Account, error: Exception, secrets: Sequence[str]) -> DeliveryFault:
    """What went wrong in opening a session, for an operator."""
    if isinstance(error, ssl.SSLCertVerificationError):
        why = error.verify_message or "the certificate does not fit"
        return DeliveryFault(
            f"{account.place}: its certificate is not trusted: {why}.",
            mend="Check host, or set ca_file to the authority that signed it.",
        )
    if isinstance(error, ssl.SSLError):
        return DeliveryFault(
            f"{account.place}: TLS failed: {error.reason or error}.",
            mend="Check port and security (tls: 465, starttls: 587).",
        )
    if isinstance(error, smtplib.SMTPAuthenticationError):
        said = one_line(_hidden(error.smtp_error, secrets))
        return DeliveryFault(
            f"{account.place} refused the login: {error.smtp_code} {said}.",
            mend="Check username and password.",
        )
    if isinstance(error, UnicodeError):
        return DeliveryFault(f"{account.place}: user name and password must be ASCII.")
    if isinstance(error, smtplib.SMTPResponseException):
        said = one_line(_hidden(error.smtp_error, secrets))
        return DeliveryFault(f"{account.place} answered {error.smtp_code} {said}.")
    return DeliveryFault(
        f"{account.place} cannot be reached: {one_line(str(error)) or type(error).__name__}.",
        mend="Check host, port and that the server runs.",
    )


def _hidden(said: bytes | str, secrets: Sequence[str]) -> str:
    """The server's words without our secrets, which some servers repeat."""
    text = said.decode("ascii", "replace") if isinstance(said, bytes) else said
    for secret in filter(None, secrets):
        text = text.replace(secret, "…")
    return text
