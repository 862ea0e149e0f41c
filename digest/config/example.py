"""The commented example: the text of `config.example.toml`, and the file `digest init` makes of it."""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).parents[1]
_NAME: Final = "config.example.toml"
_PLACEHOLDER: Final = re.compile(r"^secret_keys = .*$", re.MULTILINE)


def example() -> str:
    """The example as it was shipped: inside the wheel, or beside the package in a checkout."""
    for place in (_PACKAGE / "_templates", _PACKAGE.parent):
        if (place / _NAME).is_file():
            return (place / _NAME).read_text("utf-8")
    raise AssertionError(f"{_NAME} is part of the distribution")


def filled_example() -> str:
    """The example with a secret key of its own: 256 bits, as `site.secret_keys` wants them."""
    key = secrets.token_urlsafe(32)
    text, count = _PLACEHOLDER.subn(f'secret_keys = ["{key}"]', example())
    assert count == 1, "the example has exactly one place for the key"
    return text
