"""The commented example: `config.example.toml`, and the file that `digest init` makes of it."""

from __future__ import annotations

import json
import re
import secrets
from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).parents[1]
_NAME: Final = "config.example.toml"


def example() -> str:
    """The example as it was shipped: inside the wheel, or beside the package in a checkout."""
    for place in (_PACKAGE / "_templates", _PACKAGE.parent):
        if (place / _NAME).is_file():
            return (place / _NAME).read_text("utf-8")
    raise AssertionError(f"{_NAME} is part of the distribution")


def filled_example(*, email: str | None = None, base_url: str | None = None) -> str:
    """The example with a secret key of its own: 256 bits, as `site.secret_keys` wants them."""
    text = _set(example(), "secret_keys", [secrets.token_urlsafe(32)])
    text = _set(text, "operator_email", email) if email else text
    return _set(text, "base_url", base_url) if base_url else text


def _set(text: str, key: str, value: str | list[str]) -> str:
    line = f"{key} = {json.dumps(value, ensure_ascii=False)}"  # a TOML basic string, too
    text, count = re.subn(rf"^{key} = .*$", lambda _: line, text, flags=re.MULTILINE)
    assert count == 1, f"the example sets {key} once"
    return text
