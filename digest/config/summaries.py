"""The section about summaries: the one sentence that stands over a paper's abstract."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from babel import Locale, UnknownLocaleError
from pydantic import AfterValidator, Field, SecretStr, model_validator

from digest.config.kinds import Name, Section, WebAddress


def _kind(value: str) -> str:
    kind, _, model = value.partition(":")
    if value in ("off", "extractive") or (kind == "openai" and model.strip()):
        return value
    raise ValueError(f"must be off, extractive or openai:MODEL; not {value!r:.60}")


def _language(value: str) -> str:
    try:
        Locale.parse(value.replace("-", "_"))
    except (UnknownLocaleError, ValueError) as error:
        raise ValueError(f"must be a language such as en or pt-BR, not {value!r:.20}") from error
    return value


SummaryKind = Annotated[Name, AfterValidator(_kind)]
LanguageCode = Annotated[Name, AfterValidator(_language)]


class SummariesSection(Section):
    """Who makes them. `url` ends before /chat/completions; nothing of subscribers is sent there.

    `daily_tokens` hold for every 24 hours and over all processes, prompts included.
    """

    kind: SummaryKind = "extractive"
    url: WebAddress | None = None
    key: SecretStr | None = None
    key_file: Path | None = None
    language: LanguageCode = "en"
    daily_tokens: Annotated[int, Field(ge=1000, le=10**9)] = 500_000
    papers_per_run: Annotated[int, Field(ge=1, le=10_000)] = 200
    deadline_seconds: Annotated[int, Field(ge=1, le=3600)] = 90
    timeout_seconds: Annotated[float, Field(ge=1, le=600)] = 30.0
    sessions: Annotated[int, Field(ge=1, le=16)] = 4

    @property
    def model(self) -> str:
        """The model's name; empty where none is to be asked."""
        return self.kind.partition(":")[2]

    @model_validator(mode="after")
    def _reachable(self) -> SummariesSection:
        if self.model and self.url is None:
            raise ValueError("url is missing: openai:MODEL needs it")
        return self
