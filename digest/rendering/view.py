"""The view: what a digest says, in plain values, before any channel draws it.

    Digest, Addressee, papers, Site -> View -> email | page | chat | feed

A pure function, so every channel agrees and a retry says the same. A paper that is no longer in
the store is left out; nothing in one paper can stop the others (guarantee 3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from digest.model import Addressee, Digest, Field, Item, Paper, PaperId, Section, Site
from digest.rendering.byline import byline, chips
from digest.rendering.excerpt import excerpt, fits, mark
from digest.rendering.frame import (
    Frame,
    Gist,
    frame,
    section_count,
    section_name,
    section_title,
    words_of,
)
from digest.rendering.language import Language, speak
from digest.rendering.links import MailTokens, SiteLinks, paper_url, public_url
from digest.rendering.occasions import Occasion, occasion
from digest.rendering.reasons import why
from digest.rendering.spans import Spans, line, plain, say

_TITLE_LENGTH: Final = 300
_SUMMARY_LENGTH: Final = 300
_TITLE: Final = Field.TITLE


@dataclass(frozen=True, slots=True)
class Action:
    """A word that leads somewhere."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Card:
    """One paper's place in a digest, as words. Empty parts are left out by every channel."""

    paper_id: PaperId
    url: str
    title: Spans
    authors: Spans = ()
    chips: tuple[str, ...] = ()
    summary: Spans = ()
    summary_label: str = ""
    excerpt: Spans = ()
    why: Spans = ()
    also: str = ""
    actions: tuple[Action, ...] = ()
    feedback: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True)
class SectionView:
    """The cards of one interest, or of trending."""

    name: str
    count: str
    cards: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class View:
    """One whole digest, as words. `left_out` papers matched beyond the caps."""

    frame: Frame
    sections: tuple[SectionView, ...]
    links: SiteLinks
    language: Language
    occasion: Occasion
    left_out: int


def view(
    digest: Digest,
    subscriber: Addressee,
    *,
    papers: Mapping[PaperId, Paper],
    site: Site,
    tokens: MailTokens,
) -> View:
    """The digest as words, in the subscriber's language and style."""
    language = speak(subscriber.language)
    links = SiteLinks(site.base_url, tokens)
    sections = []
    for section in present(digest.sections, papers):
        cards = tuple(
            styled(card(papers[item.paper_id], item, links, language), subscriber.style)
            for item in section.items
        )
        name = section_title(section, occasion(digest, subscriber), language)
        sections.append(SectionView(name, section_count(len(cards), language), cards))
    gist = gist_of([papers[n] for n in digest.paper_ids if n in papers])
    return View(
        frame=frame(digest, subscriber, gist, site=site, language=language),
        sections=tuple(sections),
        links=links,
        language=language,
        occasion=occasion(digest, subscriber),
        left_out=digest.left_out,
    )


def present(sections: Sequence[Section], papers: Mapping[PaperId, Paper]) -> list[Section]:
    """The sections without papers that are gone, and without sections that became empty."""
    left = [
        section._replace(items=tuple(item for item in section.items if item.paper_id in papers))
        for section in sections
    ]
    return [section for section in left if section.items]


def gist_of(papers: Sequence[Paper]) -> Gist:
    return Gist(
        titles=tuple([clean_title(paper) for paper in papers[:3]]),
        papers=len(papers),
        words=sum(map(words_of, papers)),
    )


def clean_title(paper: Paper) -> str:
    return line(paper.title, _TITLE_LENGTH) or paper.key


def card(paper: Paper, item: Item, links: SiteLinks, language: Language) -> Card:
    """One paper with everything that can be said of it to this subscriber."""
    hits = item.reasons.hits
    return replace(
        fixed(paper, links, language, revision=item.revision),
        title=title(paper, item),
        authors=byline(paper.authors, item.reasons, language),
        summary=summary(paper),
        excerpt=excerpt(paper.abstract, hits),
        why=why(item.reasons, breadth=len(paper.sources), language=language),
        also=also(item.also, language),
    )


def fixed(paper: Paper, links: SiteLinks, language: Language, *, revision: bool) -> Card:
    """As much of a paper's card as no reasons can change."""
    return Card(
        paper_id=paper.id,
        url=paper_url(paper) or links.paper(paper.id),
        title=(),
        chips=chips(paper, revision=revision, language=language),
        summary_label=summary_label(paper, language),
        actions=actions(paper, language),
        feedback=feedback(paper.id, links, language),
    )


def styled(card: Card, style: str) -> Card:
    """The card as the subscriber likes it: "full", "compact" (no abstract) or "titles"."""
    match style:
        case "compact":
            return replace(card, excerpt=())
        case "titles":
            bare = replace(card, excerpt=(), why=(), also="", chips=(), actions=(), feedback=())
            return replace(bare, summary=(), summary_label="")
        case _:
            return replace(card, summary=()) if is_told(card.summary, card.excerpt) else card


def summary(paper: Paper) -> Spans:
    """What the paper says in one sentence, where there is one."""
    return say(line(paper.summary.text, _SUMMARY_LENGTH)) if paper.summary else ()


def summary_label(paper: Paper, language: Language) -> str:
    """What stands before the summary: a machine's words are never passed off as the authors'."""
    if paper.summary is None:
        return ""
    written = paper.summary.is_written
    return language.text("TL;DR, machine-written") if written else language.text("TL;DR")


def is_told(summary: Spans, excerpt: Spans) -> bool:
    """Whether the excerpt says the same sentence already."""
    return bool(summary and excerpt) and core(plain(summary)) in plain(excerpt).casefold()


def core(sentence: str) -> str:
    """What a text says that says this sentence, case aside."""
    return sentence.rstrip("….").casefold()


def title(paper: Paper, item: Item) -> Spans:
    """The title with the words that matched marked."""
    found = [hit for hit in item.reasons.hits if hit.field is _TITLE and fits(hit, paper.title)]
    if not found or len(paper.title) > _TITLE_LENGTH:
        return say(clean_title(paper))
    return mark(paper.title, [(hit.start, hit.end) for hit in found])


def also(names: Sequence[str], language: Language) -> str:
    """Further interests that asked for the same paper."""
    if not names:
        return ""
    named = language.listed([section_name(name) for name in names])
    return language.say("Also for {interests}.", interests=named)


def actions(paper: Paper, language: Language) -> tuple[Action, ...]:
    """Words that lead to the abstract, the PDF and the discussion, as far as there are any."""
    links = paper.links
    named = (
        (language.text("Abstract"), public_url(links.abstract)),
        (language.text("PDF"), public_url(links.pdf)),
        (language.text("Discussion"), public_url(links.discussion)),
    )
    return tuple(Action(label, url) for label, url in named if url)


def feedback(paper: PaperId, links: SiteLinks, language: Language) -> tuple[Action, ...]:
    return (
        Action(language.text("More like this"), links.more_like(paper)),
        Action(language.text("Less"), links.less_like(paper)),
        Action(language.text("Mute"), links.never(paper)),
    )
