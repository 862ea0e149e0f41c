"""Papers and reasons as the API shows them. Texts are texts: nothing in them is markup.

Every link is http(s) or null. Times are RFC 3339, dates ISO 8601, both in UTC unless a field says
otherwise. Fields may be added; none changes its meaning within /api/v1.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from pydantic import BaseModel, Field

from digest import model
from digest.model import Announcement, Verdict
from digest.rendering.language import speak
from digest.rendering.links import public_url
from digest.rendering.reasons import why
from digest.web.visit import Visit


class Ids(BaseModel):
    """Under which names the world knows a paper."""

    arxiv: str | None = Field(description="Without version.", examples=["2508.13426"])
    doi: str | None = Field(examples=["10.1101/2026.11.20.123456"])
    pmid: str | None = Field(examples=["41234567"])


class Links(BaseModel):
    """Where a reader can go."""

    page: str = Field(description="The paper's page here.")
    abstract: str | None
    pdf: str | None
    discussion: str | None


class Sighting(BaseModel):
    """Where and how a paper was announced."""

    source: str
    announcement: Announcement
    announced_at: datetime
    version: int | None


class Paper(BaseModel):
    """One paper, merged from everything that announced it."""

    id: int = Field(description="Its number here.", examples=[1024])
    key: str = Field(description="Its strongest name.", examples=["arxiv:2508.13426"])
    title: str
    abstract: str
    authors: list[str]
    categories: list[str] = Field(examples=[["cs.CL", "cs.LG"]])
    announced_on: date
    published_at: datetime | None
    version: int | None
    votes: int | None = Field(description="Of the community, where a source has such a thing.")
    comments: int | None
    submitter: str | None
    organisation: str | None
    note: str = Field(description="The authors' own comment, or the journal reference.")
    ids: Ids
    links: Links
    sightings: list[Sighting] = Field(description="Oldest first.")

    @classmethod
    def of(cls, paper: model.Paper, visit: Visit) -> Paper:
        ids, links = paper.ids, paper.links
        site = visit.rooms.site.base_url.removesuffix(visit.links.root)
        return cls(
            id=paper.id,
            key=paper.key,
            title=paper.title,
            abstract=paper.abstract,
            authors=list(paper.authors),
            categories=list(paper.categories),
            announced_on=paper.announced_on,
            published_at=paper.published_at,
            version=paper.version,
            votes=paper.votes,
            comments=paper.comments,
            submitter=paper.submitter,
            organisation=paper.organisation,
            note=paper.note,
            ids=Ids(arxiv=ids.arxiv, doi=ids.doi, pmid=ids.pmid),
            links=Links(
                page=site + visit.links.paper(paper),
                abstract=public_url(links.abstract),
                pdf=public_url(links.pdf),
                discussion=public_url(links.discussion),
            ),
            sightings=[_sighting(one) for one in paper.sightings],
        )


def papers(found: Iterable[model.Paper], visit: Visit) -> list[Paper]:
    return [Paper.of(one, visit) for one in found]


def _sighting(one: model.Sighting) -> Sighting:
    return Sighting(
        source=one.source,
        announcement=one.announcement,
        announced_at=one.announced_at,
        version=one.version,
    )


class Hit(BaseModel):
    """A place where a word was found: characters `start` to `end` of a field's text."""

    field: model.Field
    start: int
    end: int
    term: str = Field(description="As it was asked for.")
    element: int = Field(description="Which author, category or source, from 0.")


class Reasons(BaseModel):
    """Why a paper is here."""

    says: str = Field(description="In one sentence; may be empty.")
    hits: list[Hit]
    percentile: float | None = Field(
        description="The share of the recent stream that is at least as near; 0.01 is the top 1 %."
    )
    resembles: str | None = Field(description="The title of the nearest liked example.")
    followed: list[str] = Field(description="Followed authors among its own.")
    votes: int | None = Field(description="Set when the community's votes brought it here.")

    @classmethod
    def of(cls, reasons: model.Reasons, *, breadth: int, language: str = "en") -> Reasons:
        spans = why(reasons, breadth=breadth, language=speak(language))
        return cls(
            says="".join(span.text for span in spans),
            hits=[
                Hit(
                    field=one.field,
                    start=one.start,
                    end=one.end,
                    term=one.term,
                    element=one.element,
                )
                for one in reasons.hits
            ],
            percentile=reasons.percentile,
            resembles=reasons.resembles,
            followed=list(reasons.followed),
            votes=reasons.votes,
        )


class Source(BaseModel):
    """One source, as it was last asked."""

    name: str
    verdict: Verdict = Field(description="What its last answer says of it.")
    says: str = Field(description="The same in one honest line.")
    asked_at: datetime
    last_success_at: datetime | None


class Count(BaseModel):
    """How many papers there are of something."""

    name: str
    papers: int


class Done(BaseModel):
    """How many were changed."""

    changed: int
