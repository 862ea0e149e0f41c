"""`digest subscribers export-data EMAIL`: everything stored about one person."""

from __future__ import annotations

from typing import Annotated

import typer

from digest.cli import session
from digest.cli.say import say_json
from digest.errors import UnknownSubscriber


def export_data(
    email: Annotated[str, typer.Argument(help="Their address.", metavar="EMAIL")],
) -> None:
    """Print all that is stored about one person, as JSON, table by table.

    `digest subscribers remove` erases it; only that the address must not be written to again can
    stay, as a hash.
    """
    from digest.store.person import stored_about
    from digest.subscriptions import normalise
    from digest.subscriptions.addresses import fingerprints, masked

    settings = session.settings()
    address = normalise(email)
    with session.database(settings) as database:
        found = stored_about(database, address, fingerprints(address, settings.signing_keys()))
    if not found:
        raise UnknownSubscriber(f"Nothing is stored about {masked(address)}.")
    say_json({"address": address, "stored": found})
