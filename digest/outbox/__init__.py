"""Sending what is queued: claim, compose, send, settle, until nothing is due.

    takeover | claim | compose ──> Sender.send ──> decide | settle
                                     journal

The doer, not the decider: what an outcome means is `delivery.retry`'s, how a message looks the
composer's, which is handed in. Never matches anything and never makes a digest.

Guarantees 2 and 3. A delivery is settled only by the worker whose claim is the newest; what was
answered and not yet committed is in the journal and outlives a kill; what cannot be composed is
refused alone, with the reason. A database that is away or full stops new messages and loses none.
"""

from digest.outbox.composed import Compose, Composed
from digest.outbox.draining import Outbox, Route
from digest.outbox.tally import Tally, Unrenderable

__all__ = ["Compose", "Composed", "Outbox", "Route", "Tally", "Unrenderable"]
