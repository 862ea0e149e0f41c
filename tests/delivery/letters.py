"""Messages to send, and a Witness that takes notes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from digest.errors import ClaimLost
from digest.model import Channel, DeliveryId, Message, Outcome


def letter(number: int = 1, body: bytes = b"Hello\r\n", **fields: Any) -> Message:
    """A small complete message to reader<number>."""
    address = fields.get("address", f"reader{number}@example.org")
    head = (
        f"From: digest@example.org\r\nTo: {address}\r\nSubject: Digest {number}\r\n"
        f"Date: Fri, 20 Nov 2026 06:00:00 +0000\r\nMessage-ID: <{number}@example.org>\r\n\r\n"
    )
    defaults: dict[str, Any] = {
        "delivery_id": DeliveryId(number),
        "channel": Channel.SMTP,
        "address": address,
        "message_id": f"<{number}@example.org>",
        "payload": head.encode() + body,
        "envelope_from": "bounces@example.org",
    }
    return Message(**defaults | fields)


@dataclass
class Notes:
    """Remembers what it was told; from the `lost_after`-th message on it refuses to let go."""

    lost_after: int = 10**9
    handed: list[int] = field(default_factory=list)
    told: list[Outcome] = field(default_factory=list)

    def handing(self, delivery: DeliveryId) -> None:
        if len(self.handed) >= self.lost_after:
            raise ClaimLost("The test took the claim away.")
        self.handed.append(delivery)

    def answered(self, outcome: Outcome) -> None:
        self.told.append(outcome)
