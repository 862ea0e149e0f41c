"""The accounts mail leaves by, as the operator orders them about."""

from __future__ import annotations

from digest.delivery.pausing import recovered
from digest.errors import UsageError
from digest.store.routes import RouteStore


def resume(routes: RouteStore, name: str) -> bool:
    """Let a paused account be tried at once; whether it was paused. UsageError for no account."""
    if name not in {one.name for one in routes.listed()}:
        raise UsageError(f"There is no account {name!r}.", mend="See `digest outbox routes`.")
    before, _after = routes.change(name, recovered)
    return before.paused_at is not None
