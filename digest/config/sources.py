"""The `[[sources]]` tables: one model for each kind of source, told apart by `kind`.

Every kind may read from `path` (a local file, or a directory of files taken in name order) instead
of the network, for trials; and from `url`, which for the known services replaces their address.
"""

from __future__ import annotations

import re
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Discriminator, Field, Tag, model_validator

from digest.config.kinds import Name, Section, WebAddress

_ARXIV_CATEGORY = re.compile(r"[a-z][a-z-]*(\.([A-Z]{2}|[a-z-]+))?")


def _arxiv_category(value: str) -> str:
    if not _ARXIV_CATEGORY.fullmatch(value):
        raise ValueError(f"must be an arXiv category such as cs.CL, math.CO or quant-ph: {value!r}")
    return value


ArxivCategory = Annotated[str, AfterValidator(_arxiv_category)]


class SourceConfig(Section):
    """What all kinds share. `every_minutes`: its own rhythm under `digest serve`."""

    name: Annotated[Name, Field(max_length=60)]
    enabled: bool = True
    path: Path | None = None
    every_minutes: Annotated[int, Field(ge=5, le=10_080)] | None = None  #: else the scheduler's

    @model_validator(mode="after")
    def _one_origin(self) -> SourceConfig:
        if self.path is not None and getattr(self, "url", None) is not None:
            raise ValueError("has both url and path; leave one of them out")
        return self


class ArxivConfig(SourceConfig):
    """arXiv announcements; `url` and `api_url` point at a mirror or a replay."""

    kind: Literal["arxiv"]
    categories: Annotated[list[ArxivCategory], Field(min_length=1)]
    cross_lists: bool = True
    replacements: bool = False
    url: WebAddress | None = None
    api_url: WebAddress | None = None


class HuggingFaceConfig(SourceConfig):
    kind: Literal["huggingface"]
    url: WebAddress | None = None


class PreprintConfig(SourceConfig):
    """bioRxiv and medRxiv: the API walks its cursor to the end, the feed has the newest only."""

    via: Literal["api", "feed"] = "api"
    categories: list[Name] = Field(default=[])  #: subject areas; none means all
    replacements: bool = False
    url: WebAddress | None = None


class BiorxivConfig(PreprintConfig):
    kind: Literal["biorxiv"]


class MedrxivConfig(PreprintConfig):
    kind: Literal["medrxiv"]


class FeedConfig(SourceConfig):
    """Any RSS, Atom or JSON feed."""

    kind: Literal["feed"]
    url: WebAddress | None = None

    @model_validator(mode="after")
    def _some_origin(self) -> FeedConfig:
        if self.url is None and self.path is None:
            raise ValueError("needs url (where the feed is) or path (a local file)")
        return self


class PubmedConfig(SourceConfig):
    """A saved PubMed search, read from the RSS feed that "Create RSS" gives."""

    kind: Literal["pubmed"]
    url: WebAddress | None = None

    @model_validator(mode="after")
    def _some_origin(self) -> PubmedConfig:
        if self.url is None and self.path is None:
            raise ValueError("needs url: run the search on PubMed and use its “Create RSS” link")
        return self


class OtherConfig(SourceConfig):
    """A kind that another distribution brings; its own checks come when the source is made."""

    model_config = ConfigDict(extra="allow")

    kind: str

    def options(self) -> dict[str, Any]:
        """What the kind itself is to make sense of."""
        return dict(self.model_extra or {})


OWN_KINDS: dict[str, type[SourceConfig]] = {
    "arxiv": ArxivConfig,
    "huggingface": HuggingFaceConfig,
    "biorxiv": BiorxivConfig,
    "medrxiv": MedrxivConfig,
    "pubmed": PubmedConfig,
    "feed": FeedConfig,
}


def _tag(table: Any) -> str | None:
    kind = table.get("kind") if isinstance(table, dict) else getattr(table, "kind", None)
    if not isinstance(kind, str):
        return None
    is_brought = kind not in OWN_KINDS and entry_points(group="paper_digest.sources", name=kind)
    return "other" if is_brought else kind


AnySource = Annotated[
    Annotated[ArxivConfig, Tag("arxiv")]
    | Annotated[HuggingFaceConfig, Tag("huggingface")]
    | Annotated[BiorxivConfig, Tag("biorxiv")]
    | Annotated[MedrxivConfig, Tag("medrxiv")]
    | Annotated[PubmedConfig, Tag("pubmed")]
    | Annotated[FeedConfig, Tag("feed")]
    | Annotated[OtherConfig, Tag("other")],
    Discriminator(_tag),
]
