"""Every error this package raises on purpose, as one tree.

    DigestError
    ├── ConfigError            the configuration file or environment is wrong (all faults at once)
    ├── UsageError             the command was called with something that cannot be
    │   ├── QuerySyntaxError   a keyword query does not parse; carries column and mend
    │   ├── UnknownSubscriber
    │   ├── UnknownPaper
    │   ├── UnknownChannel
    │   ├── InvalidChannel     an address that is none of its kind's, or not allowed
    │   └── InvalidSubscriber  a record with a bad address, zone, cadence or interest
    ├── StoreError             the database cannot do what was asked
    │   ├── SchemaError        migrations missing, or a schema newer than this program
    │   └── StoreBusy          locked or unreachable; trying again later is right
    ├── TemplateFault          a template is missing or faulty; names the file and line
    ├── TokenError             a signed link is invalid or expired
    ├── DeliveryFault          a channel cannot work at all (login refused, no TLS offered)
    │   └── RateReached        it works, and has sent all it may for now
    └── ClaimLost              this worker was taken for dead; another has its deliveries

The world's faults on a source are not exceptions: they travel as values (`model.Fetched.fault`).
A message names the place and the mend; it never holds a secret, a token or a full address.
"""

from __future__ import annotations

from collections.abc import Sequence


class DigestError(Exception):
    """Base of all; `mend` says what to do about it.

    Where a reader may meet it, both are phrases (see `digest.phrases`). `told` is for readers where
    `message` is for operators: without the name of a key.
    """

    def __init__(self, message: str, *, mend: str = "", told: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.mend = mend
        self.told = told or message

    def __str__(self) -> str:
        return f"{self.message} {self.mend}".strip()


class ConfigError(DigestError):
    """One or more faults in the configuration, each `key: what is wrong and how to mend it`."""

    def __init__(self, place: str, faults: Sequence[str]) -> None:
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        super().__init__(f"{place}: {count}\n" + "\n".join(f"  {fault}" for fault in faults))
        self.place = place
        self.faults = tuple(faults)


class UsageError(DigestError):
    """The command was called with something that cannot be."""


class QuerySyntaxError(UsageError):
    """A keyword query that does not parse: what, at which column (1-based), and the mend."""

    def __init__(self, query: str, column: int, message: str, *, mend: str = "") -> None:
        super().__init__(f"{message} (column {column}).", mend=mend, told=message)
        self.query = query
        self.column = column

    def pointer(self) -> str:
        """The query with a caret under the column, for a fixed-width display."""
        return f"{self.query}\n{' ' * (self.column - 1)}^"


class UnknownSubscriber(UsageError):
    """No subscriber has this address."""


class UnknownPaper(UsageError):
    """No stored paper has this id."""


class UnknownChannel(UsageError):
    """The subscriber has no such channel, or there are no channels of this kind."""


class InvalidChannel(UsageError):
    """A channel that cannot be stored; never repeats the address, which is a secret."""


class InvalidSubscriber(UsageError):
    """A subscriber record that cannot be stored; names the field and the mend.

    `faults` are the same for programs, where they are known one by one: the place as a JSON Pointer
    (RFC 6901) into the record, and what is wrong there.
    """

    def __init__(
        self,
        message: str,
        *,
        mend: str = "",
        told: str = "",
        faults: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(message, mend=mend, told=told)
        self.faults = tuple(faults)


class StoreError(DigestError):
    """The database cannot do what was asked."""


class SchemaError(StoreError):
    """The database's schema and this program do not fit together."""


class StoreBusy(StoreError):
    """The database is locked, full or away; nothing was lost, try again."""


class TemplateFault(DigestError):
    """A template is missing or faulty."""


class TokenError(DigestError):
    """A signed link that is not ours, not for this purpose, or too old."""


class DeliveryFault(DigestError):
    """A channel cannot work at all: unreachable host, login refused, TLS missing."""


class RateReached(DeliveryFault):
    """A channel has sent all it may for now; `wait` is how many seconds until it may again."""

    def __init__(self, message: str, *, wait: float) -> None:
        super().__init__(message)
        self.wait = wait


class ClaimLost(DigestError):
    """This worker slept past its lease and another took its deliveries over: send nothing more."""
