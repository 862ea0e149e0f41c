"""The mailbox that bounces go to, over IMAP (RFC 3501): what is new, and away with what was read.

Mails are left untouched (`BODY.PEEK`) until the caller says `done`, so a kill in between reads them
again. Only so much of a mail is fetched as a report needs. It understands nothing of their content
and writes no mail.
"""

from __future__ import annotations

import contextlib
import imaplib
import re
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

from digest.delivery.bounce_reports import LONGEST
from digest.delivery.replies import one_line
from digest.errors import DeliveryFault

_BATCH: Final = 50
_UID: Final = re.compile(rb"\bUID (\d+)")
_LONGEST_LINE: Final = 10_000_000  #: a search over a mailbox nobody has read for years

Mails = Sequence[tuple[str, bytes]]  #: name and bytes of each


class Mailbox(Protocol):
    """Mails to be read once; a context manager."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def batches(self) -> Iterator[Mails]: ...

    def done(self, names: Sequence[str]) -> None: ...


@dataclass(frozen=True, slots=True)
class ImapAccount:
    """Where and as whom; `keep_in` is a folder for what was read, empty: it is deleted."""

    host: str
    username: str
    password: str = field(repr=False)
    port: int = 993
    starttls: bool = False
    folder: str = "INBOX"
    keep_in: str = ""
    ca_file: Path | None = None
    timeout: float = 30.0


class ImapMailbox:
    """A Mailbox over IMAP with TLS; raises DeliveryFault where it cannot be read."""

    def __init__(self, account: ImapAccount) -> None:
        self._account = account
        self._imap: imaplib.IMAP4 | None = None

    def __enter__(self) -> Self:
        with self._faults(), contextlib.ExitStack() as stack:
            self._imap = self._connect(stack)
            self._imap.login(self._account.username, self._account.password)
            self._check(self._imap.select(_quoted(self._account.folder)))
            stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._imap is not None:
            with contextlib.suppress(imaplib.IMAP4.error, OSError):
                self._imap.logout()
            self._imap = None

    def batches(self) -> Iterator[Mails]:
        """What lies there, some at a time; what was not `done` is not given twice."""
        with self._faults():
            (found,) = self._check(self._open.uid("SEARCH", "UNDELETED"))
        names = (found or b"").split()
        for start in range(0, len(names), _BATCH):
            yield self._fetch(b",".join(names[start : start + _BATCH]).decode("ascii"))

    def done(self, names: Sequence[str]) -> None:
        """Move these away, or delete them."""
        if not names:
            return
        uids = ",".join(names)
        with self._faults():
            if self._account.keep_in:
                self._check(self._open.uid("COPY", uids, _quoted(self._account.keep_in)))
            self._check(self._open.uid("STORE", uids, "+FLAGS.SILENT", r"(\Deleted)"))
            self._check(self._open.expunge())

    # --- inside ---

    @property
    def _open(self) -> imaplib.IMAP4:
        assert self._imap is not None, "a mailbox is used as a context manager"
        return self._imap

    def _connect(self, stack: contextlib.ExitStack) -> imaplib.IMAP4:
        """A secured connection, closed by `stack` unless it is taken off there."""
        account = self._account
        imaplib._MAXLINE = _LONGEST_LINE  # type: ignore[attr-defined]  # the documented way
        context = ssl.create_default_context(cafile=account.ca_file)
        if not account.starttls:
            secured = imaplib.IMAP4_SSL(
                account.host, account.port, ssl_context=context, timeout=account.timeout
            )
            stack.callback(secured.shutdown)
            return secured
        imap = imaplib.IMAP4(account.host, account.port, timeout=account.timeout)
        stack.callback(imap.shutdown)
        imap.starttls(context)
        return imap

    def _fetch(self, uids: str) -> Mails:
        with self._faults():
            parts = self._check(self._open.uid("FETCH", uids, f"(UID BODY.PEEK[]<0.{LONGEST}>)"))
        return list(_mails(parts))

    def _check(self, answer: tuple[str, Sequence[object]]) -> list[bytes]:
        verdict, data = answer
        if verdict != "OK":
            said = one_line(data[0]) if data and isinstance(data[0], bytes) else verdict
            raise imaplib.IMAP4.error(said)
        return list(data)  # type: ignore[arg-type]  # typeshed calls them Any or object by version

    @contextlib.contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except (imaplib.IMAP4.error, OSError) as error:
            raise DeliveryFault(
                f"The bounce mailbox {self._account.folder} at {self._account.host} cannot be read:"
                f" {one_line(str(error)) or type(error).__name__}.",
                mend="Check delivery.bounces: host, login, folder.",
            ) from None


def _mails(parts: Sequence[object]) -> Iterator[tuple[str, bytes]]:
    """imaplib gives each mail as a pair (what it is, its bytes) and then the rest of the line."""
    pending: bytes | None = None
    for part in parts:
        if isinstance(part, tuple) and len(part) == 2:
            named = _UID.search(part[0])
            if named:
                yield named[1].decode("ascii"), part[1]
            else:
                pending = part[1]
        elif isinstance(part, bytes) and pending is not None and (named := _UID.search(part)):
            yield named[1].decode("ascii"), pending
            pending = None


def _quoted(folder: str) -> str:
    return '"{}"'.format(folder.replace("\\", "\\\\").replace('"', '\\"'))
