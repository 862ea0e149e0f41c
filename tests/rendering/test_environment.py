"""Templates: an operator's faults are named by file and line, before any reader sees them."""

from __future__ import annotations

from pathlib import Path

import pytest

from digest.errors import TemplateFault
from digest.rendering.environment import Templates, shipped_folder
from digest.rendering.links import public_url, safe_url
from digest.rendering.message import compose_mail
from digest.rendering.trial import trial_letter, try_templates
from tests.rendering import samples

MJML = """<mjml>
  <mj-body>
    <mj-section><mj-column>
      <mj-text>{{ frame.headline }}</mj-text>
      BODY
    </mj-column></mj-section>
  </mj-body>
</mjml>
"""


def override(folder: Path, name: str, source: str) -> Templates:
    path = folder / "email" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(source)
    return Templates(folder)


def test_the_shipped_templates_are_in_order() -> None:
    try_templates(Templates(), samples.SITE)


def test_an_operators_file_is_found_first_and_the_rest_stays_shipped(tmp_path: Path) -> None:
    templates = override(tmp_path, "card.txt.j2", "{{ number }}MINE {{ card.title }}\n")
    try_templates(templates, samples.SITE)
    payload = compose_mail(samples.letter(), samples.SITE, templates=templates).payload
    assert b" 1. MINE When two gauges" in payload
    assert b"<h3" in payload


@pytest.mark.parametrize(
    ("name", "source", "message"),
    [
        ("card.txt.j2", "one\n{{ card.nothing }}\n", r"card\.txt\.j2:2: .*nothing"),
        ("card.txt.j2", "one\n\n{{ cart.title }}\n", r"card\.txt\.j2:3: .*no value called 'cart'"),
        ("card.html.j2", "{% for x in %}", r"card\.html\.j2:1: "),
        ("card.html.j2", "a\nb {{ card.title|nofilter }}", r"card\.html\.j2:2: .*nofilter"),
        ("digest.mjml.j2", MJML.replace("BODY", "<mj-txt>x</mj-txt>"), r":5: <mj-txt> is no MJML"),
        ("digest.mjml.j2", MJML.replace("BODY", "<mj-text>x"), r"digest\.mjml\.j2: MJML cannot"),
        ("digest.mjml.j2", MJML.replace("BODY", "<p>{{ frame.x </p>"), r"digest\.mjml\.j2:5: "),
        (
            "digest.mjml.j2",
            MJML.replace("BODY", "<mj-text>{{ frame.headlin }}</mj-text>"),
            r"digest\.mjml\.j2:5: .*headlin",
        ),
        (
            "digest.mjml.j2",
            MJML.replace("BODY", "<mj-text>{{ frames }}</mj-text>"),
            r"digest\.mjml\.j2:5: .*'frames'",
        ),
    ],
    ids=[
        "unknown-field",
        "unknown-name",
        "jinja-syntax",
        "unknown-filter",
        "unknown-tag",
        "open-tag",
        "jinja-in-mjml",
        "unknown-field-in-mjml",
        "unknown-name-in-mjml",
    ],
)
def test_faults_are_named_by_file_and_line(
    tmp_path: Path, name: str, source: str, message: str
) -> None:
    with pytest.raises(TemplateFault, match=message):
        try_templates(override(tmp_path, name, source), samples.SITE)


def test_a_missing_template_names_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(TemplateFault, match=str(tmp_path)):
        Templates(tmp_path).html("email/absent.html.j2")


def test_values_are_escaped_in_html_and_not_in_text(tmp_path: Path) -> None:
    templates = override(tmp_path, "x.html.j2", "{{ x }}")
    override(tmp_path, "x.txt.j2", "{{ x }}")
    assert templates.html("email/x.html.j2", x="<b>&") == "&lt;b&gt;&amp;"
    assert templates.text("email/x.txt.j2", x="<b>&") == "<b>&"


def test_comments_may_hold_anything_and_reach_nobody(tmp_path: Path) -> None:
    templates = override(
        tmp_path, "x.mjml.j2", "{# <mj-none> < #}\n" + MJML.replace("BODY", "{# <p> #}")
    )
    page = templates.html("email/x.mjml.j2", frame={"headline": "Hello"})
    assert "Hello" in page
    assert "#}" not in page
    assert "font" not in [word for word in page.split() if "googleapis" in word]


def test_the_shipped_folder_holds_the_mail() -> None:
    names = {path.name for path in (shipped_folder() / "email").iterdir()}
    assert {"digest.mjml.j2", "card.html.j2", "digest.txt.j2", "card.txt.j2"} <= names


@pytest.mark.parametrize("language", ["en", "de", "pt-BR", "ar", "unknown"])
def test_the_trial_mail_can_be_composed_in_any_language(language: str) -> None:
    compose_mail(trial_letter(language), samples.SITE, templates=Templates())


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://arxiv.org/abs/1", "https://arxiv.org/abs/1"),
        ("http://x.org:80?a=1&b=%20~[2]#c", "http://x.org:80?a=1&b=%20~[2]#c"),
        ("https://x.org/a^b|c", "https://x.org/a%5Eb%7Cc"),
        ("https://x.org/a\n", "https://x.org/a"),
        ("https://:80/a", None),
        ("  http://x.org/a b ", "http://x.org/a%20b"),
        ('https://x.org/"><script>', "https://x.org/%22%3E%3Cscript%3E"),
        ("javascript:alert(1)", None),
        ("JAVASCRIPT:alert(1)", None),
        ("data:text/html,x", None),
        ("mailto:a@b.c", None),
        ("//x.org/a", None),
        ("https://", None),
        ("http://[broken", None),
        ("https://x.org/\x00", None),
        ("https://x.org/\u202egpj", None),
        ("https://x.org/" + "a" * 3000, None),
        ("", None),
        (None, None),
    ],
)
def test_only_public_addresses_become_links(url: str | None, expected: str | None) -> None:
    assert public_url(url) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://x.org/", "https://x.org/"),
        ("mailto:a@b.c", "mailto:a@b.c"),
        ("HTTPS://x.org", "HTTPS://x.org"),
        ("javascript:x", "#"),
        (" https://x.org", "#"),
        ("https://x.org/a\nb", "#"),
        ('https://x.org/"', "#"),
        ("", "#"),
    ],
)
def test_the_url_filter_is_the_last_guard(url: str, expected: str) -> None:
    assert safe_url(url) == expected
