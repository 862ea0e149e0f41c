"""A trial mail: a small digest with one of everything, to try templates on before readers do."""

from __future__ import annotations

from datetime import UTC, date, datetime
from email import message_from_bytes
from itertools import zip_longest
from typing import Final, NamedTuple

from digest.model import (
    Addressee,
    Announcement,
    DeliveryId,
    Digest,
    DigestId,
    Field,
    Hit,
    InterestId,
    Item,
    Links,
    Paper,
    PaperId,
    PaperIds,
    Reasons,
    Schedule,
    Section,
    Sighting,
    Site,
    SourceNote,
    SubscriberId,
    Summary,
    Verdict,
)
from digest.rendering.email import CONTEXT
from digest.rendering.environment import Templates
from digest.rendering.message import Letter, compose_mail

_AT: Final = datetime(2026, 3, 20, 7, 0, tzinfo=UTC)


class TrialTokens(NamedTuple):
    """Tokens that open nothing."""

    unsubscribe: str = "trial.unsubscribe"
    preferences: str = "trial.preferences"
    digest: str = "trial.digest"
    feedback: str = "trial.feedback"


def trial_letter(language: str = "en") -> Letter:
    """A digest whose papers, between them, have every part a card can have."""
    papers = {paper.id: paper for paper in map(_paper, range(1, 6))}
    addressee = Addressee(SubscriberId(1), "", language, "full", Schedule(), _AT, interests=1)
    return Letter(DeliveryId(1), "trial@example.org", _digest(), addressee, papers, TrialTokens())


def try_templates(templates: Templates, site: Site) -> None:
    """Compose the trial mail and look for names no template is given; raises TemplateFault."""
    for name, known in CONTEXT.items():
        templates.check(name, known)
    compose_mail(trial_letter(), site, templates=templates)


def difference(one: bytes, other: bytes) -> str:
    """The first thing in which two mails differ once decoded; empty when they agree."""
    first, second = list(message_from_bytes(one).walk()), list(message_from_bytes(other).walk())
    for part, counterpart in zip_longest(first, second):
        if part is None or counterpart is None:
            return "the number of parts"
        if part.items() != counterpart.items():
            return f"the header of {part.get_content_type()}"
        if part.get_payload(decode=True) != counterpart.get_payload(decode=True):
            return part.get_content_type()
    return ""


def _paper(number: int) -> Paper:
    page = f"https://example.org/{number}?a=1&b=2"
    rich = number in (1, 2)
    return Paper(
        id=PaperId(number),
        key=f"url:{page}",
        title=f"Lamps & lenses <{number}>: what a “lighthouse” costs at night",
        abstract="How far does a lamp reach in fog? Not far enough, as a rule." if rich else "",
        authors=("Ada Mirza", "Bo Lind", "Cléo Roy", "Dov Katz", "Eve Sund") if rich else (),
        categories=("physics.optics",),
        ids=PaperIds(url=page),
        links=Links(page, f"{page}&pdf" if rich else None, f"{page}&talk" if rich else None),
        announced_on=_AT.date(),
        votes=12 if rich else None,
        comments=3 if rich else None,
        organisation="Coast Office" if rich else None,
        summary=Summary("Lamps reach 3 km & no further.", is_written=number > 1) if rich else None,
        sightings=(
            Sighting("arxiv", Announcement.NEW, _AT),
            Sighting("Coast", Announcement.NEW, _AT),
        ),
    )


def _digest() -> Digest:
    hits = (
        Hit(Field.TITLE, 0, 5, "lamps"),
        Hit(Field.ABSTRACT, 15, 19, "lamp"),
        Hit(Field.ABSTRACT, 29, 32, "in fog"),
    )
    told = Reasons(hits=hits, percentile=0.012, resembles="Mirrors in mist", followed=("Bo Lind",))
    items = [
        Item(PaperId(1), 3.0, told, also=("Fog & rain",), revision=True),
        Item(PaperId(2), 2.0, Reasons(hits=hits[:1])),
        Item(PaperId(3), 1.0, Reasons(votes=12)),
        Item(PaperId(4), 1.0, Reasons()),
        Item(PaperId(5), 1.0, Reasons()),
    ]
    return Digest(
        id=DigestId(1),
        subscriber_id=SubscriberId(1),
        local_date=date(2026, 3, 20),
        composed_at=_AT,
        since=datetime(2026, 3, 17, 7, 0, tzinfo=UTC),
        until=_AT,
        sections=(
            Section(InterestId(1), "Lighthouses & <lamps>", tuple(items[:4])),
            Section(None, "Trending", tuple(items[4:])),
        ),
        considered=1234,
        left_out=2,
        notes=(SourceNote("Coast", Verdict.STALE),),
    )
