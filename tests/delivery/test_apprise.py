"""The apprise channel: which of it is let in, and what it says when it is not there."""

from __future__ import annotations

import logging
import sys

import pytest

from digest.config.channels import ChannelsSection
from digest.delivery.apprise import SCHEMES, AppriseSender, check_url
from digest.errors import DeliveryFault
from digest.model import Channel, DeliveryId, Message, Result
from tests.delivery.board import Board
from tests.delivery.letters import Notes

TELEGRAM = "tgram://123456789:abcdefg_hijklmnop/12345"


def message(address: str, number: int = 1) -> Message:
    return Message(
        delivery_id=DeliveryId(number),
        channel=Channel.APPRISE,
        address=address,
        message_id=f"digest.{number}",
        payload="Lanterns in fog, 日本語".encode(),
        kind="apprise",
    )


def test_the_usual_schemes_are_the_configuration_s() -> None:
    assert ChannelsSection().apprise_schemes == list(SCHEMES)


def test_a_service_of_one_vendor_is_let_in() -> None:
    assert check_url(f" {TELEGRAM} ", SCHEMES) == TELEGRAM


REFUSED = [
    ("this machine", "syslog://", "scheme"),
    ("any host", "json://127.0.0.1/secretsecret", "scheme"),
    ("a page", "https://hooks.slack.com/services/T/B/secretsecret", "scheme"),
    ("half an address", "tgram://", "is no address of tgram"),
]


@pytest.mark.parametrize(
    ("address", "fault"), [it[1:] for it in REFUSED], ids=[it[0] for it in REFUSED]
)
def test_nothing_else_is(address: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault) as found:
        check_url(address, SCHEMES)
    assert "secretsecret" not in str(found.value)


def test_a_host_on_a_private_network_is_refused() -> None:
    allowed = (*SCHEMES, "json")
    for host in ("127.0.0.1", "localhost", "[::1]", "10.0.0.1"):
        with pytest.raises(ValueError, match="private"):
            check_url(f"json://{host}/lamps", allowed)
    assert check_url("json://127.0.0.1/lamps", allowed, private=True)


@pytest.mark.parametrize(
    ("status", "result"), [(200, Result.ACCEPTED), (404, Result.DEFERRED), (302, Result.DEFERRED)]
)
def test_a_yes_and_a_no(status: int, result: Result, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    notes = Notes()
    with Board() as board, AppriseSender(["json"], allow_private=True) as sender:
        board.on(status, headers={"Location": board.url("/elsewhere")})
        address = board.url("/secretsecret").replace("http", "json")
        (outcome,) = sender.send([message(address)], notes)
        assert len(board.posts) == 1
        assert board.posts[0].json["message"] == "Lanterns in fog, 日本語"
    assert outcome.result is result
    assert notes.told == [outcome]
    assert "apprise" not in {record.name for record in caplog.records}


def test_what_may_not_be_reached_any_more_is_refused_alone() -> None:
    notes = Notes()
    with Board() as board, AppriseSender(["json"], allow_private=True) as sender:
        good = board.url().replace("http", "json")
        found = list(sender.send([message("syslog://", 1), message(good, 2)], notes))
    assert [it.result for it in found] == [Result.REFUSED, Result.ACCEPTED]
    assert found[0].recipient_fault
    assert notes.handed == [2]


def test_without_the_extra_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(DeliveryFault, match=r"paper-digest\[apprise\]"):
        check_url(TELEGRAM, SCHEMES)
    with AppriseSender() as sender, pytest.raises(DeliveryFault):
        list(sender.send([message(TELEGRAM)], Notes()))
