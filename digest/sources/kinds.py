"""Every kind of source, by the word that `kind` has in the configuration.

A kind is a class with `Options` (a frozen keyword-only dataclass that has at least `name`), made as
`Kind(options, fetcher)`, which then is a `digest.sources.base.Source`. Another distribution adds
its own with an entry point:

    [project.entry-points."paper_digest.sources"]
    zenodo = "paper_digest_zenodo:ZenodoSource"

Loading entry points is the wiring's work; this is only the list of our own.
"""

from __future__ import annotations

from typing import Final

from digest.sources.arxiv import ArxivSource
from digest.sources.biorxiv import BiorxivSource, MedrxivSource
from digest.sources.feed import FeedSource
from digest.sources.huggingface import HuggingFaceSource
from digest.sources.pubmed import PubmedSource

ENTRY_POINTS: Final = "paper_digest.sources"

Kind = (
    type[ArxivSource]
    | type[BiorxivSource]
    | type[MedrxivSource]
    | type[FeedSource]
    | type[HuggingFaceSource]
    | type[PubmedSource]
)

KINDS: Final[dict[str, Kind]] = {
    "arxiv": ArxivSource,
    "biorxiv": BiorxivSource,
    "feed": FeedSource,
    "huggingface": HuggingFaceSource,
    "medrxiv": MedrxivSource,
    "pubmed": PubmedSource,
}
