"""A Sender that adds to each message before it leaves: a provider's header, a signature."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Final, Self

from digest.delivery.base import Sender, Witness
from digest.delivery.provider_events import TAG
from digest.model import Message, Outcome

Prepare = Callable[[Message], Message]

#: How each provider is given a value that its webhooks give back.
_HEADERS: Final[Mapping[str, Callable[[str], str]]] = {
    "sendgrid": lambda token: "X-SMTPAPI: " + json.dumps({"unique_args": {TAG: token}}),
    "mailgun": lambda token: "X-Mailgun-Variables: " + json.dumps({TAG: token}),
    "postmark": lambda token: f"X-PM-Metadata-{TAG}: {token}",
}


class PreparedSender:
    """Hands on each message as the `prepares`, in order, have made it."""

    def __init__(self, sender: Sender, prepares: Sequence[Prepare]) -> None:
        self._sender = sender
        self._prepares = prepares

    def __enter__(self) -> Self:
        self._sender.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._sender.__exit__(kind, error, trace)

    def send(self, messages: Iterable[Message], witness: Witness) -> Iterator[Outcome]:
        for prepare in self._prepares:
            messages = map(prepare, messages)
        return self._sender.send(messages, witness)


def token_header(provider: str) -> Prepare:
    """Puts the token of the envelope sender into the header that `provider` gives back."""
    write = _HEADERS[provider]

    def prepare(message: Message) -> Message:
        token = message.envelope_from.rpartition("@")[0].rpartition("+")[2]
        if not token or "+" not in message.envelope_from:
            return message
        return message._replace(payload=f"{write(token)}\r\n".encode() + message.payload)

    return prepare
