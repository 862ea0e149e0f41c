"""The apprise channel: about a hundred services behind one library, as an extra.

    pip install "paper-digest[apprise]"

Only schemes on the operator's list: apprise also speaks to this machine (`syslog://`) and to any
host (`json://`). The usual list holds services with one address of their own. Where a scheme names
a host, the host is looked up first and refused on a private network; unlike in our own posts, the
connection itself is the library's. It says "yes" or "no" and not why: a "no" is tried again until
the delivery's time is over, and a service that took it halfway may show a part twice.
"""

from __future__ import annotations

import importlib
import logging
import threading
import warnings
from collections.abc import Collection, Iterable, Iterator
from types import TracebackType
from typing import Any, Final, Self

from digest.delivery.base import Witness
from digest.delivery.hooks import arrived
from digest.errors import DeliveryFault
from digest.model import Message, Outcome, Result
from digest.network import is_public, resolve
from digest.phrases import phrase

#: Services of one vendor with one address.
SCHEMES: Final = ("gchat", "pbul", "pover", "tgram", "twist", "wxteams", "zulip")
_MISSING: Final = "The apprise channel needs a package that is not installed."
_MEND: Final = 'Install it: pip install "paper-digest[apprise]".'


class AppriseSender:
    """A Sender; the payload is text. `allow_private`: hosts may be on private networks."""

    def __init__(
        self,
        schemes: Collection[str] = SCHEMES,
        *,
        allow_private: bool = False,
        stop: threading.Event | None = None,
    ) -> None:
        self._schemes = schemes
        self._allow_private = allow_private
        self._stop = stop or threading.Event()

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
            if self._stop.is_set():
                return
            yield self._notify(message, witness)

    def _notify(self, message: Message, witness: Witness) -> Outcome:
        number = message.delivery_id
        try:
            service = instantiate(message.address, self._schemes, private=self._allow_private)
        except ValueError as error:
            return Outcome(number, Result.REFUSED, reply=str(error), recipient_fault=True)
        witness.handing(number)
        outcome = Outcome(number, Result.DEFERRED, reply="apprise could not notify")
        if _told(service, message.payload.decode()):
            outcome = arrived(Outcome(number, Result.ACCEPTED), message)
        witness.answered(outcome)
        return outcome


def check_url(address: str, schemes: Collection[str], *, private: bool = False) -> str:
    """The address as it is kept; raises ValueError with one sentence that does not repeat it."""
    instantiate(address.strip(), schemes, private=private)
    return address.strip()


def instantiate(address: str, schemes: Collection[str], *, private: bool) -> Any:
    """apprise's own service object; ValueError where there is none or it is not allowed."""
    scheme = address.partition("://")[0].lower()
    if scheme not in schemes:
        known = ", ".join(sorted(schemes))
        raise ValueError(
            phrase("must be of a scheme that the operator allows: {known}", known=known)
        )
    service = _library().Apprise.instantiate(address)
    if service is None:
        raise ValueError(phrase("is no address of {scheme}://", scheme=scheme))
    if not private and scheme not in SCHEMES:  # in those, what looks like a host is a token
        _refuse_private(service)
    service.redirects = False
    return service


def _refuse_private(service: Any) -> None:
    host = str(getattr(service, "host", None) or "").strip("[]")
    if not host:
        return
    try:
        found = resolve(host, 443)
    except (OSError, UnicodeError):  # a token that looks like a host, or nobody to connect to
        return
    if not all(map(is_public, found)):
        raise ValueError(phrase("leads to a private address"))


def _told(service: Any, text: str) -> bool:
    """Whether the service took it; a plugin's own fault is a no."""
    try:
        return bool(service.notify(body=text, title=""))
    except (OSError, ValueError, TypeError, AttributeError, KeyError, RuntimeError):
        return False


def _library() -> Any:
    """The library, its plugins loaded and its log quiet: it would show addresses."""
    logging.getLogger("apprise").setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of what its plugins import
            library = importlib.import_module("apprise")
            library.NotificationManager().load_modules()
    except ImportError as error:
        raise DeliveryFault(_MISSING, mend=_MEND) from error
    return library
