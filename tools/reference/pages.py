"""Every generated page by its file name, and which of them the repository has out of date."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tools.reference import addresses, commands, configuration, figures, interface, words

FOLDER: Final = Path(__file__).resolve().parents[2] / "docs" / "reference"
REGENERATE: Final = "run `python -m tools.reference` and commit what it writes"

_NOTE: Final = "<!-- Made by `python -m tools.reference` from the code: change it there. -->\n\n"


def pages() -> dict[str, str]:
    """The text of each page, as it should be."""
    made = {
        "config.md": configuration.page(),
        "cli.md": commands.page(),
        "words.md": words.page(),
        "metrics.md": figures.page(),
        "addresses.md": addresses.page(),
        "api.md": interface.page(),
    }
    return {name: _NOTE + text for name, text in made.items()}


def outdated() -> list[str]:
    """The names of pages that are missing or differ from what the code says."""
    return [
        name
        for name, text in pages().items()
        if not (FOLDER / name).is_file() or (FOLDER / name).read_text("utf-8") != text
    ]
