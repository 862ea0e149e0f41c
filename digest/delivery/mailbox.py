"""The mailbox channel: each message a .eml file in a folder per day. The embedded default.

    mail/2026-11-20/ada-at-example.org-3f1c09d2a7.eml

Guarantee 2: a message is either there whole and on the disk, or not there; the name comes from
what never changes (recipient, Message-ID), so a repeat replaces the first and makes no second.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from email.utils import parsedate_to_datetime
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Self

from digest.delivery.base import Witness
from digest.delivery.replies import one_line
from digest.errors import DeliveryFault
from digest.model import Message, Outcome, Result

_DATE = re.compile(rb"^Date:[ \t]*([^\r\n]+)", re.IGNORECASE | re.MULTILINE)
_UNSAFE = re.compile(r"[^a-z0-9._+-]+")


class MailboxSender:
    """A Sender that writes files below `folder`, which it creates."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> Self:
        _make(self.folder)
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
            witness.handing(message.delivery_id)
            outcome = self._send(message)
            witness.answered(outcome)
            yield outcome

    def _send(self, message: Message) -> Outcome:
        path = self.folder / file_name(message)
        _make(path.parent)
        try:
            write_whole(path, message.payload)
        except OSError as error:  # this file only: a full disk is told for each, and tried again
            return Outcome(message.delivery_id, Result.DEFERRED, reply=_why(error, path))
        return Outcome(message.delivery_id, Result.ACCEPTED, reply=f"wrote {path.name}")


def file_name(message: Message) -> Path:
    """Where a message goes, below the mailbox's folder."""
    who = _UNSAFE.sub("-", message.address.lower().replace("@", "-at-")).strip("-.")[:80]
    key = blake2b(f"{message.address}\0{message.message_id}".encode(), digest_size=5).hexdigest()
    return Path(_day(message.payload)) / f"{who}-{key}.eml"


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that a crash leaves either all of it or none, and the old one till then."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DeliveryFault(
            f"The mailbox folder {folder} cannot be made: {error.strerror}.",
            mend="Check delivery.mailbox.path and its rights.",
        ) from error


def _day(payload: bytes) -> str:
    """The day the message says it was written, as the reader would name it."""
    found = _DATE.search(payload[: payload.find(b"\r\n\r\n")])
    if found:
        with suppress(ValueError):
            return parsedate_to_datetime(found[1].decode("ascii", "replace")).date().isoformat()
    return "undated"


def _why(error: OSError, path: Path) -> str:
    return one_line(f"{path.parent}: {error.strerror or type(error).__name__}")
