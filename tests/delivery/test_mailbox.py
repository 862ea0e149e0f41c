"""The mailbox channel: whole files, and a repeat that replaces."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from digest.delivery.mailbox import MailboxSender, file_name, write_whole
from digest.errors import ClaimLost, DeliveryFault
from digest.model import Message, Outcome, Result
from tests.delivery.letters import Notes, letter


def send(folder: Path, *messages: Message) -> list[Outcome]:
    with MailboxSender(folder) as sender:
        return list(sender.send(messages, Notes()))


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_each_message_is_a_file_under_its_day(tmp_path: Path) -> None:
    outcomes = send(tmp_path / "new" / "mail", letter(1), letter(2))
    found = files(tmp_path)
    assert [one.result for one in outcomes] == [Result.ACCEPTED, Result.ACCEPTED]
    assert [path.read_bytes() for path in found] == [letter(1).payload, letter(2).payload]
    assert found[0].parent == tmp_path / "new" / "mail" / "2026-11-20"
    assert found[0].name.startswith("reader1-at-example.org-")


def test_a_repeat_replaces(tmp_path: Path) -> None:
    send(tmp_path, letter(1), letter(1))
    send(tmp_path, letter(1))
    assert len(files(tmp_path)) == 1


def test_names_tell_messages_and_readers_apart() -> None:
    messages = [
        letter(1),
        letter(1)._replace(address="other@example.org"),
        letter(1)._replace(message_id="<other@example.org>"),
        letter(1)._replace(address="READER1@example.org"),
    ]
    assert len({file_name(message) for message in messages}) == 4


@pytest.mark.parametrize(
    "address", ["../../etc/passwd@x", ".@x", "a/b@x", "\0@x", "ä@x", "x" * 500 + "@x", ""]
)
def test_an_address_cannot_leave_the_folder(tmp_path: Path, address: str) -> None:
    send(tmp_path, letter(1, address=address))
    (found,) = files(tmp_path)
    assert found.parent.parent == tmp_path
    assert found.suffix == ".eml"


@pytest.mark.parametrize("date", ["", "Date: yesterday\r\n", "Date: \xff\r\n"])
def test_without_a_date(tmp_path: Path, date: str) -> None:
    send(tmp_path, letter(1)._replace(payload=date.encode("latin-1") + b"To: a@b\r\n\r\n"))
    assert files(tmp_path)[0].parent.name == "undated"


def test_a_failed_write_leaves_the_old_file_and_no_scraps(tmp_path: Path) -> None:
    target = tmp_path / "there.eml"
    write_whole(target, b"old")
    (tmp_path / f".there.eml.{os.getpid()}").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_whole(target, b"new")
    assert target.read_bytes() == b"old"


def test_a_file_that_cannot_be_written_is_deferred_alone(tmp_path: Path) -> None:
    (tmp_path / file_name(letter(1))).mkdir(parents=True)
    outcomes = send(tmp_path, letter(1), letter(2))
    assert [one.result for one in outcomes] == [Result.DEFERRED, Result.ACCEPTED]
    assert "directory" in outcomes[0].reply.lower()
    assert len(files(tmp_path)) == 1


def test_a_folder_that_cannot_be_made_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("in the way")
    with pytest.raises(DeliveryFault, match="cannot be made"), MailboxSender(tmp_path / "mail"):
        pass


def test_a_lost_claim_writes_nothing_more(tmp_path: Path) -> None:
    with MailboxSender(tmp_path) as sender, pytest.raises(ClaimLost):
        list(sender.send([letter(1), letter(2)], Notes(lost_after=1)))
    assert len(files(tmp_path)) == 1
