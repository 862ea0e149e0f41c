"""The mail as other programs will read it: parsed back by the standard library."""

from __future__ import annotations

import re
from dataclasses import replace
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest

from digest.model import Paper, PaperId, Site, Subscriber
from digest.rendering.environment import Templates
from digest.rendering.headers import mailbox, unstructured, wire_address
from digest.rendering.message import Letter, compose_mail
from digest.tokens import Purpose
from tests.rendering import samples
from tests.rendering.samples import DIGEST, PAPERS, SITE, SUBSCRIBER, letter

TEMPLATES = Templates()


def composed(letter: Letter, site: Site = SITE, *, budget: int = 100_000) -> EmailMessage:
    payload = compose_mail(letter, site, templates=TEMPLATES, budget=budget).payload
    return message_from_bytes(payload, policy=SMTP)


def body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


class Links(HTMLParser):
    """Every address in a page, and every attribute that could call one."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            assert not name.startswith("on"), (tag, name)
            if name in ("href", "src", "background", "action", "srcset"):
                self.found.append(value or "")


def test_the_headers_are_what_mail_programs_expect() -> None:
    mail = composed(letter())
    token = samples.TOKENS.sign(Purpose.UNSUBSCRIBE, SUBSCRIBER.id)
    assert mail["From"].addresses == (
        Address("Harbour Reading Group", addr_spec="digest@example.org"),
    )
    assert mail["To"].addresses == (Address("Inês Faria", addr_spec="ines@example.net"),)
    assert str(mail["Subject"]).startswith("When two gauges disagree")
    assert mail["Date"].datetime == DIGEST.composed_at
    assert mail["Message-ID"] == "<digest.42.1001@digest.example.org>"
    assert mail["List-Unsubscribe"] == (
        f"<https://digest.example.org/u/{token}>, "
        f"<mailto:keeper@example.org?subject=unsubscribe%20{token}>"
    )
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["List-Id"] == "Harbour Reading Group <papers.digest.example.org>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Feedback-ID"] == "20261120:weekdays:digest:paperdigest"
    assert mail["Content-Language"] == "en"
    assert mail["Reply-To"] == "keeper@example.org"
    assert "Precedence" not in mail
    assert [part.get_content_type() for part in mail.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
    assert not mail.defects
    names = [name.lower() for name, _ in mail.items()]
    assert len(names) == len(set(names))


def test_list_unsubscribe_is_one_line_in_the_bytes() -> None:
    site = replace(
        SITE, base_url="https://a-rather-long-name.of-a-department.university.example.org"
    )
    payload = compose_mail(letter(), site, templates=TEMPLATES).payload
    [line] = [x for x in payload.split(b"\r\n") if x.startswith(b"List-Unsubscribe: ")]
    assert line.count(b"<") == 2
    assert line.endswith(b">")
    assert b"=?" not in line


def test_a_retry_has_the_same_bytes() -> None:
    first = compose_mail(letter(), SITE, templates=TEMPLATES)
    assert compose_mail(letter(), SITE, templates=Templates()) == first


def test_unsubscribing_is_offered_in_all_three_places() -> None:
    mail = composed(letter())
    token = samples.TOKENS.sign(Purpose.UNSUBSCRIBE, SUBSCRIBER.id)
    url = f"https://digest.example.org/u/{token}"
    assert url in mail["List-Unsubscribe"]
    assert url in body(mail, "plain")
    assert url in Links(body(mail, "html")).found


def test_every_link_is_ours_or_the_papers() -> None:
    page = Links(body(composed(letter()), "html"))
    hosts = {urlsplit(url).hostname for url in page.found}
    assert hosts == {
        "digest.example.org",
        "arxiv.org",
        "huggingface.co",
        "names.example",
        "www.biorxiv.org",
    }
    assert all(url.startswith("https://") for url in page.found)
    assert not page.tags & {"img", "script", "link", "iframe", "form", "object", "video"}


def test_nothing_in_the_mail_calls_home() -> None:
    page = body(composed(letter()), "html")
    assert not re.search(r"url\s*\(|@import|<img|<link|fonts\.g", page, re.IGNORECASE)


def test_feedback_links_name_paper_and_wish() -> None:
    links = Links(body(composed(letter()), "html")).found
    token = samples.TOKENS.sign(Purpose.FEEDBACK, SUBSCRIBER.id, DIGEST.id)
    for paper in PAPERS:
        assert f"https://digest.example.org/f/{token}/{paper}/up" in links
        assert f"https://digest.example.org/f/{token}/{paper}/down" in links


def many(count: int) -> Letter:
    papers = {PaperId(n): replace(samples.TIDES, id=PaperId(n)) for n in range(1, count + 1)}
    item = DIGEST.sections[0].items[0]
    items = tuple(item._replace(paper_id=n) for n in papers)
    section = DIGEST.sections[0]._replace(items=items)
    return letter(DIGEST._replace(sections=(section,), left_out=3), papers=papers)


@pytest.mark.parametrize("count", [60, 200])
def test_a_mail_never_outgrows_its_budget(count: int) -> None:
    mail = composed(many(count))
    page = body(mail, "html")
    assert 80_000 < len(page.encode()) < 100_000
    shown = page.count("<h3")
    assert f"{count - shown + 3} more for you" in page
    assert f"{shown} papers" in page
    assert f"{count} papers for you" in body(mail, "plain")
    assert len(re.findall(r"^ ?\d+\. ", body(mail, "plain"), re.MULTILINE)) == shown


def test_one_paper_is_shown_however_small_the_budget() -> None:
    assert body(composed(many(5), budget=20), "html").count("<h3") == 1


HOSTILE = (
    "</a></h3><script>alert('x')</script>\r\nBcc: victim@example.org\r\n\r\n{{ 7*7 }}\u202e<!--"
)


def hostile_paper() -> Paper:
    return replace(
        samples.TIDES,
        title=HOSTILE,
        abstract=HOSTILE * 3,
        authors=(HOSTILE,) * 6,
        categories=(HOSTILE,),
        organisation=HOSTILE,
        links=replace(
            samples.TIDES.links, abstract="javascript:alert(1)", pdf='https://x.example/"><b>'
        ),
    )


def hostile_letter() -> Letter:
    paper = hostile_paper()
    reader = SUBSCRIBER._replace(name=f'{HOSTILE}, "Q" <other@example.org>', email="a@example.org")
    item = DIGEST.sections[0].items[0]._replace(also=(HOSTILE,))
    item = item._replace(reasons=item.reasons._replace(resembles=HOSTILE, followed=(HOSTILE,)))
    section = DIGEST.sections[0]._replace(name=HOSTILE, items=(item,))
    return letter(DIGEST._replace(sections=(section,)), reader, {paper.id: paper})


def test_hostile_data_stays_data() -> None:
    site = replace(SITE, identity=HOSTILE, name=HOSTILE)
    payload = compose_mail(hostile_letter(), site, templates=TEMPLATES).payload
    mail = message_from_bytes(payload, policy=SMTP)
    page = Links(body(mail, "html"))
    assert "script" not in page.tags
    assert "Bcc" not in mail
    assert [a.addr_spec for a in mail["To"].addresses] == ["a@example.org"]
    assert not mail.defects
    assert "\u202e" not in str(mail) + body(mail, "html") + body(mail, "plain")
    assert "{{ 7*7 }}" in body(mail, "plain")
    assert not [url for url in page.found if not url.startswith("https://")]
    assert "<b>" not in "".join(page.found)
    assert b"\r" not in payload.replace(b"\r\n", b"")


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "x" * 300,
        "naïve " * 40,
        "日本語の題名" * 30,
        "=?utf-8?q?not_encoded?=",
        "two\r\nBcc: x@example.org",
        "tab\tand  spaces",
        "😀" * 50,
        "",
    ],
)
def test_any_subject_comes_back_as_it_was(text: str) -> None:
    raw = f"Subject: {unstructured(text)}\r\n\r\n".encode("ascii")
    mail = message_from_bytes(raw, policy=SMTP)
    assert mail["Subject"] == " ".join(text.split())
    assert mail.keys() == ["Subject"]
    assert all(len(line) <= 76 for line in raw.split(b"\r\n") if b"=?utf-8" in line)


@pytest.mark.parametrize(
    ("name", "address", "display", "spec"),
    [
        ("", "a@example.org", "", "a@example.org"),
        ("Ada", "a@example.org", "Ada", "a@example.org"),
        ("Duarte, M.", "a@example.org", "Duarte, M.", "a@example.org"),
        ('A "quoted" \\ name', "a@example.org", 'A "quoted" \\ name', "a@example.org"),
        ("Inês", "a+b@example.org", "Inês", "a+b@example.org"),
        ("x <y@z.example>", "a@example.org", "x <y@z.example>", "a@example.org"),
        ("\r\nBcc: x", "a@example.org", "Bcc: x", "a@example.org"),
        ("Jo", "jo@bücher.example", "Jo", "jo@xn--bcher-kva.example"),
    ],
)
def test_mailboxes(name: str, address: str, display: str, spec: str) -> None:
    mail = message_from_bytes(f"To: {mailbox(name, address)}\r\n\r\n".encode("ascii"), policy=SMTP)
    assert mail["To"].addresses == (Address(display, addr_spec=spec),)


def test_a_local_part_beyond_ascii_stays_for_smtputf8() -> None:
    assert wire_address("jürgen@bücher.example") == "jürgen@xn--bcher-kva.example"
    reader = SUBSCRIBER._replace(email="jürgen@bücher.example", name="")
    payload = compose_mail(letter(subscriber=reader), SITE, templates=TEMPLATES).payload
    mail = message_from_bytes(payload, policy=SMTPUTF8)
    assert str(mail["To"]) == "jürgen@xn--bcher-kva.example"


@pytest.mark.parametrize(
    "address", ["", "nobody", "a@b@c", "a@example.org\r\nBcc: x@y.z", "a b@example.org"]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="not one mail address"):
        wire_address(address)


@pytest.mark.parametrize(
    ("style", "has", "lacks"),
    [
        ("full", ["Gauges on both", "Top 1%", "More like this"], []),
        ("compact", ["Top 1%", "More like this"], ["Gauges on both"]),
        ("titles", ["When two gauges", "Ada Okonkwo"], ["Gauges on both", "Top 1%", "Less"]),
    ],
)
def test_styles(style: str, has: list[str], lacks: list[str]) -> None:
    page = body(composed(letter(subscriber=SUBSCRIBER._replace(style=style))), "html")
    assert [words for words in has if words not in page] == []
    assert [words for words in lacks if words in page] == []


def test_an_empty_digest_is_a_mail_too() -> None:
    mail = composed(letter(DIGEST._replace(sections=(), left_out=0)))
    assert mail["Subject"] == "Nothing new for you today"
    assert "none for your 3 interests" in body(mail, "plain")
    assert "Unsubscribe" in body(mail, "html")


def test_the_envelope_is_the_callers_or_the_sites() -> None:
    message = compose_mail(letter(), SITE, templates=TEMPLATES)
    assert (message.envelope_from, message.address) == ("digest@example.org", "ines@example.net")
    verp = letter()._replace(envelope_from="bounces+abc@example.org")
    sent = compose_mail(verp, SITE, templates=TEMPLATES)
    assert sent.envelope_from == "bounces+abc@example.org"


def test_a_site_without_an_identity_signs_with_its_name() -> None:
    site = replace(SITE, identity="")
    assert body(composed(letter(), site), "plain").rstrip().endswith("Harbour Reading Group")


@pytest.mark.parametrize(
    ("base_url", "host"),
    [
        ("http://localhost:8000", "localhost"),
        ("https://10.0.0.5/digest", "10.0.0.5"),
        ("https://bücher.example", "xn--bcher-kva.example"),
    ],
)
def test_identifiers_need_no_public_domain(base_url: str, host: str) -> None:
    mail = composed(letter(), replace(SITE, base_url=base_url))
    assert mail["Message-ID"] == f"<digest.42.1001@{host}>"
    assert mail["List-Id"].endswith(f"<papers.{host}>")


def test_a_subscriber_may_have_no_name() -> None:
    reader: Subscriber = SUBSCRIBER._replace(name="")
    assert str(composed(letter(subscriber=reader))["To"]) == "ines@example.net"
