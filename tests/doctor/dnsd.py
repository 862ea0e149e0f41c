"""A DNS server on the loopback that knows what a test tells it, and nothing else."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from digest.doctor.resolver import Resolver

Zone = Mapping[str, Mapping[str, Sequence[str]]]


@contextmanager
def serving(zone: Zone) -> Iterator[Resolver]:
    """`{"example.org": {"TXT": ['"v=spf1 -all"'], "A": ["192.0.2.1"]}}`, as in a zone file."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as it:
        it.bind(("127.0.0.1", 0))
        it.settimeout(0.05)
        stop = threading.Event()
        thread = threading.Thread(target=_serve, args=(it, zone, stop), daemon=True)
        thread.start()
        try:
            yield Resolver(["127.0.0.1"], port=it.getsockname()[1])
        finally:
            stop.set()
            thread.join(5)


def _serve(it: socket.socket, zone: Zone, stop: threading.Event) -> None:
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            data, who = it.recvfrom(4096)
            it.sendto(_answer(data, zone), who)


def _answer(data: bytes, zone: Zone) -> bytes:
    query = dns.message.from_wire(data)
    reply = dns.message.make_response(query)
    reply.flags |= dns.flags.RA
    [question] = query.question
    name = question.name.to_text(omit_final_dot=True).lower()
    kind = dns.rdatatype.to_text(question.rdtype)
    if name.startswith("broken."):
        reply.set_rcode(dns.rcode.SERVFAIL)
    elif name not in zone:
        reply.set_rcode(dns.rcode.NXDOMAIN)
    elif records := zone[name].get(kind):
        reply.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *records))
    return reply.to_wire(max_size=65535)
