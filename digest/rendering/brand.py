"""The brand: what an installation's mails and pages look like beside ours.

Templates know it as `brand`. The logo is one file of this installation's own site, under one
address for all readers; nothing is embedded, so a mail stays small, and a mail program that shows
no pictures shows the name in its place.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Brand:
    """`logo` is a picture's bytes, `logo_name` the hashed name it is served under."""

    name: str = ""
    accent: str = "#0f4c81"
    accent_dark: str = "#8fc1ee"
    footer: str = ""
    logo: bytes = field(default=b"", repr=False)
    logo_name: str = ""
    logo_url: str = ""  #: whole, for mails

    @property
    def style(self) -> str:
        """The pages' style sheet for its colours."""
        dark = f"@media (prefers-color-scheme: dark) {{ :root {{ --link: {self.accent_dark}; }} }}"
        return f":root {{ --link: {self.accent}; }}\n{dark}\n"


PLAIN: Final = Brand()  #: ours
