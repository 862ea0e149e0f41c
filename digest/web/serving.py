"""Serving the pages with uvicorn: one process, set so that nothing it does undoes a guard.

Its own access log would write down tokens, and its own trust in proxies is not ours; both are off
(see `log` and `proxies`).
"""

from __future__ import annotations

import socket
from typing import Final

import uvicorn
from fastapi import FastAPI

from digest import memory

#: Seconds a connection may idle. Longer than a proxy keeps its own to us (Caddy two minutes, nginx
#: one), so that it is never we who hang up: a request sent into that moment would be lost.
KEEP_ALIVE: Final = 150


def make_server(app: FastAPI, *, host: str = "127.0.0.1", port: int = 8000) -> uvicorn.Server:
    """The server, not yet running: `.run()`, or `.run(sockets=[listener])`."""
    memory.keep_at_hand()
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        lifespan="off",
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=10,
    )
    return uvicorn.Server(config)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket (port 0: any free one) whose connections wait for nobody.

    asyncio turns Nagle's algorithm off only where the protocol is named; without, every answer on
    a kept connection is 40 ms late.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener
