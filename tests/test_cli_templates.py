"""The operator's own templates: listed, checked, begun, and looked at with what is stored."""

from __future__ import annotations

from pathlib import Path

import pytest

from digest.rendering.environment import shipped_folder
from tests.test_cli_operators import NOW, Digest, digest, folder, subscribe

__all__ = ["digest", "folder"]  # fixtures


@pytest.fixture
def own(folder: Path) -> Path:
    """The folder of this installation's own templates."""
    config = folder / "config.toml"
    text = config.read_text("utf-8")
    config.write_text(text.replace("[site]", '[site]\ntemplates = "mine"', 1), "utf-8")
    return folder / "mine"


def test_they_are_listed_with_whose_they_are(digest: Digest, own: Path) -> None:
    digest("templates", "export", "email/card.html.j2", "--out", str(own / "email/card.html.j2"))
    listed = {one["name"]: one["overridden"] for one in digest("templates", "list", "--json").json}
    assert [name for name, overridden in listed.items() if overridden] == ["email/card.html.j2"]
    shipped = {path.relative_to(shipped_folder()) for path in shipped_folder().rglob("*.j2")}
    assert {Path(name) for name in listed} == shipped
    written = (own / "email/card.html.j2").read_text("utf-8")
    assert written == (shipped_folder() / "email/card.html.j2").read_text("utf-8")


def test_a_check_names_file_line_and_mend(digest: Digest, own: Path) -> None:
    assert digest("templates", "check").code == 0
    (own / "web").mkdir(parents=True)
    (own / "web/link.html.j2").write_text("<p>\n{{ emial }}</p>", "utf-8")
    (own / "web/lnik.html.j2").write_text("", "utf-8")
    said = digest("templates", "check", "--json")
    assert said.code == 1
    (fault,) = said.json["faults"]
    assert "link.html.j2:2: there is no value called 'emial'" in fault["fault"]
    assert "email" in fault["mend"]
    assert said.json["unknown"] == ["web/lnik.html.j2"]
    assert digest("check").code == 1


def test_a_mail_that_cannot_be_drawn_is_a_fault(digest: Digest, own: Path) -> None:
    (own / "email").mkdir(parents=True)
    (own / "email/digest.txt.j2").write_text("{{ frame.headlnie }}", "utf-8")
    said = digest("templates", "check")
    assert said.code == 1
    assert "headlnie" in said.out


def test_a_name_that_is_none_has_a_near_one(digest: Digest) -> None:
    said = digest("templates", "export", "email/card.html")
    assert said.code == 2
    assert "Did you mean email/card.html.j2?" in said.err


def test_previews_show_what_is_stored(digest: Digest, folder: Path, own: Path) -> None:
    subscribe(digest)
    digest("run", "--now", NOW)
    pages = {
        "email/digest.mjml.j2": "<html",
        "email/card.txt.j2": "Unsubscribe:",
        "email/errand.mjml.j2": "a-token-that-opens-nothing",
        "web/paper.html.j2": 'class="whole"',
        "web/archive.html.j2": "<!doctype html>",
        "web/fault.html.j2": "<!doctype html>",
    }
    for name, shown in pages.items():
        out = folder / "preview.html"
        said = digest("templates", "preview", name, "--out", str(out))
        assert said.code == 0, said.err
        assert shown in out.read_text("utf-8"), name
    said = digest("templates", "preview", "web/preferences.html.j2")
    assert said.code == 2
    assert "reader's link" in said.err
