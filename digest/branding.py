"""Reading the brand that the configuration names; raises ConfigError with the mend."""

from __future__ import annotations

import hashlib
from typing import Final

from digest.config import Settings
from digest.errors import ConfigError
from digest.rendering.brand import Brand

LARGEST: Final = 100_000  #: bytes of a logo; pages promise to be small
_KINDS: Final = ((b"\x89PNG\r\n\x1a\n", ".png"), (b"\xff\xd8\xff", ".jpg"))


def brand_of(settings: Settings) -> Brand:
    """The brand, its logo read."""
    said, site = settings.site.brand, settings.site
    brand = Brand(site.name, said.accent, said.accent_dark, said.footer)
    if said.logo is None:
        return brand
    try:
        content = said.logo.read_bytes()
    except OSError as error:
        raise ConfigError("site.brand", [f"logo: cannot read {said.logo}: {error.strerror}"]) from (
            None
        )
    suffix = next((suffix for begins, suffix in _KINDS if content.startswith(begins)), "")
    if not suffix:
        raise ConfigError("site.brand", [f"logo: {said.logo} is neither PNG nor JPEG"])
    if len(content) > LARGEST:
        fault = f"logo: {said.logo} has {len(content)} bytes, and {LARGEST} are the most"
        raise ConfigError("site.brand", [fault])
    name = f"logo.{hashlib.sha256(content).hexdigest()[:12]}{suffix}"
    return Brand(
        name=site.name,
        accent=said.accent,
        accent_dark=said.accent_dark,
        footer=said.footer,
        logo=content,
        logo_name=name,
        logo_url=f"{site.base_url}/static/{name}",
    )
