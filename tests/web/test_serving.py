"""The server as proxies meet it: on a connection that is used again and again."""

from __future__ import annotations

from contextlib import closing
from http.client import HTTPConnection
from time import sleep
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI

from digest.web.serving import make_server

LONGEST_OF_A_PROXY = 120  #: seconds: Caddy's `keepalive` as it comes


def test_we_are_not_the_first_to_hang_up(app: FastAPI) -> None:
    assert make_server(app).config.timeout_keep_alive > LONGEST_OF_A_PROXY


@pytest.mark.slow  # it idles longer than the server would by itself
def test_a_connection_is_used_again_after_a_rest(live_server: str) -> None:
    with closing(HTTPConnection(urlsplit(live_server).netloc, timeout=10)) as connection:
        for rest in (0, 6):
            sleep(rest)
            connection.request("GET", "/healthz")
            answer = connection.getresponse()
            assert (answer.status, bool(answer.read())) == (200, True)
