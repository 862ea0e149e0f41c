"""Letters, and what they tell of the papers they hold."""

from __future__ import annotations

from datetime import UTC, datetime

from digest.letters import Letters
from digest.model import (
    Channel,
    Delivery,
    DeliveryId,
    Digest,
    DigestId,
    Message,
    PaperId,
    SubscriberId,
    Verdict,
)
from digest.outbox import Unrenderable
from digest.rendering.message import Letter
from digest.store.database import Database
from digest.store.papers import Fetch, PaperStore, SourceMemory
from digest.store.readers import Read, ReaderStore
from digest.tokens import Tokens
from tests.builders import digest, item, listing, section, subscriber

NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)


def test_whoever_forgets_papers_says_so(database: Database) -> None:
    papers, readers, drawn = PaperStore(database), ReaderStore(database), list[Letter]()
    lease = papers.lease("letters")
    assert lease.acquire()
    fetch = Fetch("arxiv", "arxiv", NOW, Verdict.FRESH, SourceMemory(watermark=NOW))
    papers.remember(fetch, [listing(number) for number in (1, 2, 3)], lease)
    lease.release()

    def draw(letter: Letter) -> Message | Unrenderable:
        drawn.append(letter._replace(papers=dict(letter.papers)))
        return Unrenderable(letter.delivery_id, "looked at")

    tokens = Tokens(["long enough for a key " * 2])
    letters = Letters(
        readers=readers, papers=papers, tokens=tokens, drawing=lambda channel: draw, kept=1
    )
    for number, of in enumerate([(1,), (1,), (1, 2), (3,)], 1):
        one = digest(number, sections=(section(*[item(paper) for paper in of]),))
        readers.keep([Read(one, subscriber().addressee)])
        list(letters.compose([_delivery(one)]))
    first, again, more, anew = drawn
    assert first.reading is again.reading is more.reading, "nothing was forgotten"
    assert anew.reading is not more.reading
    assert set(more.papers) == {PaperId(1), PaperId(2)}
    assert set(anew.papers) == {PaperId(3)}


def _delivery(of: Digest) -> Delivery:
    return Delivery(
        DeliveryId(of.id), DigestId(of.id), SubscriberId(1), Channel.SMTP, "a@example.org", 1, NOW
    )
