"""Turns: arXiv's hosts share one request in three seconds, across threads; others do not wait."""

from __future__ import annotations

import threading
import time as real
from itertools import pairwise

import httpx
import pytest

from digest.sources.http import Fetcher, HttpOptions, Response
from digest.sources.pacing import Pacer


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize(
    ("hosts", "starts"),
    [
        pytest.param(["export.arxiv.org"] * 3, [0.0, 3.0, 6.0], id="one-host"),
        pytest.param(
            ["rss.arxiv.org", "export.arxiv.org", "ARXIV.org."], [0, 3, 6], id="one-domain"
        ),
        pytest.param(["a.example", "a.example"], [0.0, 0.0], id="others"),
        pytest.param(["notarxiv.org", "notarxiv.org"], [0.0, 0.0], id="another-domain"),
    ],
)
def test_turns(hosts: list[str], starts: list[float]) -> None:
    time, seen = Time(), []
    pacer = Pacer(clock=time, sleep=time.sleep)
    for host in hosts:
        with pacer.turn(host):
            seen.append(time.now)
    assert seen == starts


def test_a_slow_answer_counts_towards_the_pause() -> None:
    time = Time()
    pacer = Pacer(clock=time, sleep=time.sleep)
    with pacer.turn("arxiv.org"):
        time.now += 2.5
    with pacer.turn("arxiv.org") as waited:
        assert waited == pytest.approx(0.5)


def test_threads_share_one_connection_and_one_rhythm() -> None:
    starts: list[float] = []
    inside: list[int] = []
    busy = threading.Lock()

    def handle(request: httpx.Request) -> httpx.Response:
        inside.append(busy.acquire(blocking=False))
        starts.append(real.monotonic())
        real.sleep(0.02)
        busy.release()
        return httpx.Response(200, content=b"x")

    fetcher = Fetcher(
        HttpOptions(intervals={"arxiv.org": 0.08}), transport=httpx.MockTransport(handle)
    )
    answers: list[object] = []
    threads = [
        threading.Thread(target=lambda: answers.append(fetcher.get("https://rss.arxiv.org/")))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(isinstance(answer, Response) for answer in answers)
    assert all(inside)
    assert all(b - a >= 0.075 for a, b in pairwise(starts))


def test_waiting_for_a_turn_does_not_use_up_the_time_for_the_answer() -> None:
    time = Time()
    fetcher = Fetcher(
        HttpOptions(intervals={"arxiv.org": 30.0}, total_timeout=20.0),
        transport=httpx.MockTransport(lambda request: httpx.Response(200, content=b"x")),
        clock=time,
        sleep=time.sleep,
    )
    for _ in range(3):
        assert isinstance(fetcher.get("https://arxiv.org/"), Response)
    assert time.now == pytest.approx(60.0)
