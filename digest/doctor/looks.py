"""Every look, in the order in which things rest on one another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from digest.doctor import domain, machine, place, running, ways
from digest.doctor.case import Case
from digest.doctor.findings import Look

#: What can be seen without the network.
HERE: Final[Mapping[str, Look[Case]]] = place.LOOKS

_RUNNING: Final[Mapping[str, Look[Case]]] = {
    "disk": machine.look_at_disk,
    "clock": machine.look_at_clock,
    "source health": running.look_at_sources,
    "embedder": running.look_at_embedder,
    "scheduler": running.look_at_heartbeats,
    "digests": running.look_at_queue,
    "pauses": running.look_at_pauses,
}
#: Only where we hand mail to a server by ourselves.
_SERVER: Final[Mapping[str, Look[Case]]] = {
    "SMTP": ways.look_at_smtp,
    "PTR": domain.look_at_names,
}
#: Only where mail leaves this machine.
_MAIL: Final[Mapping[str, Look[Case]]] = {
    "SPF": domain.look_at_spf,
    "DKIM": domain.look_at_dkim,
    "DMARC": domain.look_at_dmarc,
    "bounces": ways.look_at_bounces,
    "List-Unsubscribe": ways.look_at_unsubscribe,
}


def looks(case: Case) -> dict[str, Look[Case]]:
    """Everything that concerns this installation."""
    channel = case.settings.delivery.channel
    server = _SERVER if channel == "smtp" else {}
    mail = {} if channel == "mailbox" else _MAIL
    return {**HERE, **_RUNNING, **server, **mail}
