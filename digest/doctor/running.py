"""How it runs: is the scheduler alive, do sources and embedder answer, what waits too long?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from digest.alerts import alerts
from digest.doctor.case import Case
from digest.doctor.findings import Finding, fault, note, ok
from digest.likeness import Likeness
from digest.pauses import pauses
from digest.scheduler.process import HEARTBEAT
from digest.store import waterline
from digest.store.health import HealthStore, SourceHealth
from digest.store.marks import MarkStore

ALIVE: Final = timedelta(minutes=3)  #: since the last beat, of one a minute
LOST: Final = timedelta(days=1)  #: a host that fell silent is told for so long
STALE: Final = timedelta(hours=26)  #: since a source's last good answer


def look_at_heartbeats(case: Case) -> Iterator[Finding]:
    """One host that beats is enough; another that fell silent is told for a day, for a machine or
    a container that was replaced never says goodbye."""
    now = case.clock()
    beats: dict[str, dict[str, datetime]] = {}
    with case.database() as database:
        for one in MarkStore(database).below(HEARTBEAT):
            _, role, host = one.name.split("/", 2)
            beats.setdefault(role, {})[host] = one.at
    if not beats:
        yield note(
            "scheduler",
            "No `digest serve` runs on this database.",
            "Start it, or let a timer call `digest run`.",
        )
    for role, hosts in sorted(beats.items()):
        yield from _heartbeats(role, hosts, now)


def _heartbeats(role: str, hosts: Mapping[str, datetime], now: datetime) -> Iterator[Finding]:
    mend = "Look at its log and start it again."
    last = max(hosts.values())
    if now - last > ALIVE:
        told = f"The {role} last beat at {last:%Y-%m-%d %H:%M} UTC and did not say goodbye."
        yield fault(role, told, mend)
        return
    yield ok(role, f"It beat {max(0, int((now - last).total_seconds()))} s ago.")
    for host, at in sorted(hosts.items()):
        if ALIVE < now - at < LOST:
            told = f"The one on {host} last beat at {at:%Y-%m-%d %H:%M} UTC, without a goodbye."
            yield note(role, told, mend)


def look_at_sources(case: Case) -> Iterator[Finding]:
    with case.database() as database:
        known = {one.name: one for one in HealthStore(database).figures(case.clock()).sources}
    for source in case.settings.sources:
        if source.enabled:
            yield _source(case, f"source {source.name}", known.get(source.name))


def _source(case: Case, about: str, health: SourceHealth | None) -> Finding:
    mend = "`digest sources test` asks it now and says what it answers."
    if health is None:
        return note(about, "It has never been read.", mend)
    since = health.last_success_at
    if since is None or case.clock() - since > STALE:
        when = f"{since:%Y-%m-%d %H:%M} UTC" if since else "never"
        return fault(about, f"Its last good answer: {when}. {health.detail}", mend)
    if health.verdict is not None and not health.verdict.moves_watermark:
        return note(about, health.detail, mend)
    return ok(about, health.detail or "It answers.")


def look_at_embedder(case: Case) -> Iterator[Finding]:
    """Load it and let it read one sentence."""
    with case.database() as database:
        embedder = Likeness(case.settings.matching, database).embedder
        if embedder is None:
            yield ok("embedder", "Words alone decide (lexical).")
            return
        vectors = embedder.embed(["How far a lantern shines in fog."])
        yield ok("embedder", f"{embedder.id} answers with {len(vectors[0])} dimensions.")


def look_at_pauses(case: Case) -> Iterator[Finding]:
    """What kept failing and rests; nothing is said where nothing does."""
    with case.database() as database:
        for one in pauses(database, case.clock()):
            yield note("pauses", str(one), one.mend)


def look_at_queue(case: Case) -> Iterator[Finding]:
    """What would be mailed to the operator at this moment."""
    now = case.clock()
    with case.database() as database:
        figures = HealthStore(database).figures(now)
        halted = ""
        try:
            waterline.check(database, case.settings.delivery.spool, now)
        except waterline.Halted as error:
            halted = str(error)
    wrong = alerts(
        figures,
        wait=timedelta(minutes=case.settings.digest.wait_minutes),
        sources=(),
        halted=halted,
    )
    for one in wrong:
        yield fault("digests", one.text)
    if not wrong:
        yield ok("digests", f"{figures.due} due, {figures.waiting} in the outbox, none too long.")
