"""`digest serve` and its parts: the processes that run on until they are asked to stop."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli import session

if TYPE_CHECKING:
    import socket

    from digest.scheduler.process import Server
    from digest.wiring import App

Host = Annotated[str | None, typer.Option(help="Listen here instead of on web.host.")]
Port = Annotated[int | None, typer.Option(help="Listen on this port instead of web.port.")]


def serve(host: Host = None, port: Port = None) -> None:
    """Pages, scheduler and worker in one process: all that one machine needs.

    Ends on SIGTERM or Ctrl-C within half a minute, with the message in hand finished.
    """
    _run(scheduler=True, worker=True, web=True, host=host, port=port)


def web(host: Host = None, port: Port = None) -> None:
    """The pages alone; any number of them may serve one database."""
    _run(web=True, host=host, port=port)


def scheduler() -> None:
    """The scheduler alone: reads the sources and composes what is due. A second does no harm."""
    _run(scheduler=True)


def worker() -> None:
    """A worker alone: sends what is queued. Several share the work on PostgreSQL."""
    _run(worker=True)


def _run(
    *,
    scheduler: bool = False,
    worker: bool = False,
    web: bool = False,
    host: str | None = None,
    port: int | None = None,
) -> None:
    session.calculate_alone()
    from digest import logs
    from digest.scheduler.process import Process

    with session.opened() as app:
        wanted = app.settings.logging
        logs.configure(level=wanted.level, format=wanted.format, addresses=wanted.addresses)
        with _listening(app, host, port) if web else nullcontext() as listener:
            Process(
                app,
                with_scheduler=scheduler,
                with_worker=worker,
                server=_server(app, listener) if listener else None,
            ).run()


def _listening(app: App, host: str | None, port: int | None) -> socket.socket:
    """The listening socket; DigestError where the address is taken or not ours."""
    from digest.errors import DigestError
    from digest.web.serving import listen

    where = host or app.settings.web.host, port if port is not None else app.settings.web.port
    try:
        return listen(*where)
    except OSError as error:
        raise DigestError(
            f"Nothing can listen on {where[0]} port {where[1]}: {error.strerror or error}.",
            mend="Stop what listens there, or choose another web.host or web.port.",
        ) from error


def _server(app: App, listener: socket.socket) -> Server:
    """The pages' server on a socket that listens already."""
    from digest.scheduler.process import Listening
    from digest.web.app import create_app
    from digest.web.opening import rooms_of
    from digest.web.serving import make_server

    return Listening(make_server(create_app(rooms_of(app))), listener)
