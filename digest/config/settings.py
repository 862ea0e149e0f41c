"""The whole configuration as one frozen value.

Made by `digest.config.load` only; holding one means that every key was checked. Secrets are
SecretStr: neither `repr` nor a log shows them.
"""

from __future__ import annotations

from collections import Counter

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from digest.config.channels import ChannelsSection
from digest.config.sections import (
    ApiSection,
    DatabaseSection,
    DeliverySection,
    DigestSection,
    LoggingSection,
    MatchingSection,
    MonitoringSection,
    RetentionSection,
    SchedulerSection,
    SiteSection,
    WebSection,
)
from digest.config.sources import AnySource
from digest.config.summaries import SummariesSection
from digest.model import Site

PREFIX = "DIGEST_"
NESTING = "__"


class Settings(BaseSettings):
    """Every section; the layers (file, secrets, environment) are merged by `loading`."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix=PREFIX,
        env_nested_delimiter=NESTING,
    )

    site: SiteSection
    database: DatabaseSection = DatabaseSection()
    sources: list[AnySource] = Field(default=[])
    matching: MatchingSection = MatchingSection()
    summaries: SummariesSection = SummariesSection()
    digest: DigestSection = DigestSection()
    delivery: DeliverySection = DeliverySection()
    channels: ChannelsSection = ChannelsSection()
    web: WebSection = WebSection()
    api: ApiSection = ApiSection()
    retention: RetentionSection = RetentionSection()
    scheduler: SchedulerSection = SchedulerSection()
    logging: LoggingSection = LoggingSection()
    monitoring: MonitoringSection = MonitoringSection()

    @field_validator("sources")
    @classmethod
    def _unique_names(cls, sources: list[AnySource]) -> list[AnySource]:
        counts = Counter(source.name.casefold() for source in sources)
        twice = sorted({s.name for s in sources if counts[s.name.casefold()] > 1})
        if twice:
            raise ValueError(f"each source needs a name of its own; twice: {', '.join(twice)}")
        return sources

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what it is given: `loading` reads the world, so that it can report every fault."""
        return (init_settings,)

    def as_site(self) -> Site:
        """The installation's public face, with every default filled in."""
        site, delivery = self.site, self.delivery
        return Site(
            name=site.name,
            base_url=site.base_url,
            identity=site.identity or f"{site.name}, {site.operator_email}",
            operator_email=site.operator_email,
            from_address=delivery.from_address or site.operator_email,
            from_name=delivery.from_name or site.name,
            unsubscribe_address=delivery.unsubscribe_address or site.operator_email,
        )

    def signing_keys(self) -> tuple[str, ...]:
        """The secret keys in clear, newest first."""
        return tuple(key.get_secret_value() for key in self.site.secret_keys)
