"""The section about channels: which hosts may be posted to, and how long to wait for them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from digest.config.kinds import Names, Section


class ChannelsSection(Section):
    """Hosts are names, or "*.example.org" for all below one.

    Slack and Discord have theirs, and these are added; for the others an empty list admits all.
    """

    readers_kinds: Names = Field(
        default=["slack", "discord", "mattermost", "webhook", "apprise"]
    )  #: what readers may add by themselves; a package's kind only when named here
    slack_hosts: Names = Field(default=[])
    discord_hosts: Names = Field(default=[])
    mattermost_hosts: Names = Field(default=[])
    webhook_hosts: Names = Field(default=[])
    apprise_schemes: Names = Field(
        default=["gchat", "pbul", "pover", "tgram", "twist", "wxteams", "zulip"]
    )
    timeout_seconds: Annotated[float, Field(ge=1, le=120)] = 20.0

    def hosts(self, kind: str) -> list[str]:
        """What the operator says of one kind."""
        found: list[str] = getattr(self, f"{kind}_hosts", [])
        return found
