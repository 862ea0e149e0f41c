"""The joiner against the plain renderer, the standard library's parser being the judge."""

from __future__ import annotations

import random
from binascii import a2b_qp
from dataclasses import replace
from pathlib import Path

import pytest

from digest.model import Channel, Item, Reasons
from digest.rendering.environment import Templates, shipped_folder
from digest.rendering.message import BOUNDARY, Letter, compose_mail
from digest.rendering.plates import HOLE
from digest.rendering.quoted import fragment, tokens
from digest.rendering.stock import CARDS_KEPT
from digest.rendering.trial import difference
from digest.rendering.wire import Joiner
from tests.rendering import samples, scatter


@pytest.fixture(scope="module")
def templates() -> Templates:
    return Templates()


@pytest.fixture(scope="module")
def joiner(templates: Templates) -> Joiner:
    return Joiner(samples.SITE, templates)


def assert_on_the_wire(payload: bytes) -> None:
    """CRLF line ends only, body lines within 76 columns, none that SMTP would have to stuff."""
    assert b"\r" not in payload.replace(b"\r\n", b"")
    assert b"\n" not in payload.replace(b"\r\n", b"")
    head, _, body = payload.partition(b"\r\n\r\n")
    assert all(len(line) <= 998 for line in head.split(b"\r\n"))
    for line in body.split(b"\r\n"):
        assert len(line) <= 76, line
        assert not line.startswith(b"."), line
        assert not line.endswith((b" ", b"\t")), line
    assert body.count(BOUNDARY.encode()) == 3
    assert payload.endswith(b"--\r\n")


def assert_same(joiner: Joiner, templates: Templates, letter: Letter, budget: int) -> None:
    joined = joiner.join(letter)
    plain = compose_mail(letter, samples.SITE, templates=templates, budget=budget)
    assert difference(plain.payload, joined.payload) == ""
    assert plain._replace(payload=b"") == joined._replace(payload=b"", sound_tail=0)
    assert_on_the_wire(joined.payload)
    assert joined.payload[-joined.sound_tail :].isascii()
    assert joined.payload[: -joined.sound_tail].endswith(b"\r\n")


def test_the_shipped_templates_can_be_joined(joiner: Joiner) -> None:
    assert joiner.plain_because == ""
    assert joiner.set(samples.letter()) is not None


@pytest.mark.parametrize("seed", [1, 2])
def test_joined_mails_decode_to_the_plain_ones(
    joiner: Joiner, templates: Templates, seed: int
) -> None:
    for letter in scatter.letters(80, seed):
        assert_same(joiner, templates, letter, 100_000)


@pytest.mark.slow
def test_two_thousand_joined_mails_decode_to_the_plain_ones(templates: Templates) -> None:
    joiner = Joiner(samples.SITE, templates, budget=24_000)
    for letter in scatter.letters(2000, seed=3):
        assert_same(joiner, templates, letter, 24_000)


@pytest.mark.parametrize("budget", [12_000, 16_000, 20_000, 100_000])
def test_both_ways_cut_at_the_same_card(templates: Templates, budget: int) -> None:
    letter = samples.letter()
    assert_same(Joiner(samples.SITE, templates, budget=budget), templates, letter, budget)


def test_joining_twice_gives_the_same_bytes(joiner: Joiner, templates: Templates) -> None:
    letter = samples.letter()
    assert joiner.join(letter) == joiner.join(letter)
    assert joiner.join(letter) == Joiner(samples.SITE, templates).join(letter)


def test_the_channel_is_the_callers(joiner: Joiner) -> None:
    assert joiner.join(samples.letter(), channel=Channel.MAILBOX).channel is Channel.MAILBOX


def test_a_paper_that_changed_is_drawn_anew(joiner: Joiner, templates: Templates) -> None:
    joiner.join(samples.letter())
    changed = replace(samples.TIDES, votes=85, title="Another title")
    letter = samples.letter(papers={**samples.PAPERS, changed.id: changed})
    assert_same(joiner, templates, letter, 100_000)
    assert b"Another title" in joiner.join(letter).payload


def test_the_stock_is_bounded(joiner: Joiner) -> None:
    letter = samples.letter()
    section = letter.digest.sections[0]
    item = section.items[0]
    press = joiner._press("en")
    for n in range(0, 2 * CARDS_KEPT + 500, 500):
        told = tuple(item._replace(reasons=item.reasons._replace(votes=n + k)) for k in range(500))
        press.set(_with_items(letter, told), 100_000)
    assert CARDS_KEPT < press._cards.of_style("full").kept <= 2 * CARDS_KEPT


def _with_items(letter: Letter, items: tuple[Item, ...]) -> Letter:
    section = letter.digest.sections[0]._replace(items=items)
    return letter._replace(digest=letter.digest._replace(sections=(section,)))


def test_an_empty_digest_can_be_joined(joiner: Joiner, templates: Templates) -> None:
    empty = samples.DIGEST._replace(sections=(), left_out=0, notes=())
    assert_same(joiner, templates, samples.letter(empty), 100_000)


def test_every_paper_gone_is_an_empty_digest(joiner: Joiner, templates: Templates) -> None:
    assert_same(joiner, templates, samples.letter(papers={}), 100_000)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("card.html.j2", "{{ card.also }}", "{{ card.also|upper }}"),
        ("card.html.j2", "{{ chip }}", "{{ chip }}{{ card.why|length }}"),
        ("digest.txt.j2", "{{ card }}", "{{ loop.index }}{{ card }}"),
        ("digest.mjml.j2", "{{ frame.summary }}", "{{ frame.summary|upper }}"),
    ],
    ids=["changed-words", "counted-words", "numbered-cards", "changed-frame"],
)
def test_templates_that_cannot_be_joined_are_composed_plainly(
    tmp_path: Path, file: str, old: str, new: str
) -> None:
    shipped = (shipped_folder() / "email" / file).read_text()
    assert old in shipped
    (tmp_path / "email").mkdir()
    (tmp_path / "email" / file).write_text(shipped.replace(old, new))
    templates = Templates(tmp_path)
    joiner = Joiner(samples.SITE, templates)
    assert joiner.plain_because
    letter = samples.letter()
    assert joiner.join(letter) == compose_mail(letter, samples.SITE, templates=templates)


def test_an_operators_own_card_is_joined(tmp_path: Path) -> None:
    (tmp_path / "email").mkdir()
    (tmp_path / "email" / "card.html.j2").write_text(
        "<p>{% for s in card.title %}{% if s.kind == 'mark' %}<u>{{ s.text }}</u>"
        "{% else %}{{ s.text }}{% endif %}{% endfor %}</p>\n"
    )
    templates = Templates(tmp_path)
    joiner = Joiner(samples.SITE, templates)
    assert joiner.plain_because == ""
    assert_same(joiner, templates, samples.letter(), 100_000)
    assert b"<u>Lock</u>" in joiner.join(samples.letter()).payload


def test_papers_may_share_one_value_of_reasons(joiner: Joiner, templates: Templates) -> None:
    told = samples.DIGEST.sections[0].items[0].reasons
    items = tuple(Item(number, 1.0, told) for number in samples.PAPERS)
    for _ in range(2):
        assert_same(joiner, templates, _with_items(samples.letter(), items), 100_000)


def test_a_new_version_has_a_card_of_its_own(joiner: Joiner, templates: Templates) -> None:
    item = samples.DIGEST.sections[0].items[0]
    for is_new in (False, True, False):
        same = item._replace(revision=is_new)
        assert_same(joiner, templates, _with_items(samples.letter(), (same,)), 100_000)


def test_no_text_can_pass_for_a_hole(joiner: Joiner, templates: Templates) -> None:
    hollow = HOLE.decode()
    paper = replace(samples.TIDES, title=f"A{hollow}B", abstract=f"{hollow} tide {hollow}")
    letter = samples.letter(papers={**samples.PAPERS, paper.id: paper})
    named = letter._replace(subscriber=letter.subscriber._replace(name=f"{hollow} Bo"))
    assert_same(joiner, templates, named, 100_000)


@pytest.mark.parametrize("numbers", ["", "{{ number }}[{{ number }}] "], ids=["none", "two"])
def test_cards_may_have_any_number_of_numbers(tmp_path: Path, numbers: str) -> None:
    shipped = (shipped_folder() / "email" / "card.txt.j2").read_text()
    (tmp_path / "email").mkdir()
    (tmp_path / "email" / "card.txt.j2").write_text(shipped.replace("{{ number }}", numbers))
    templates = Templates(tmp_path)
    joiner = Joiner(samples.SITE, templates)
    assert joiner.plain_because == ""
    assert_same(joiner, templates, samples.letter(), 100_000)


def test_a_digest_of_very_many_cards(joiner: Joiner, templates: Templates) -> None:
    items = tuple(Item(samples.TIDES.id, 1.0, Reasons(votes=n + 1)) for n in range(300))
    letter = _with_items(samples.letter(), items)
    roomy = Joiner(samples.SITE, templates, budget=10_000_000)
    assert_same(roomy, templates, letter, 10_000_000)
    assert_same(joiner, templates, letter, 100_000)


@pytest.mark.parametrize(
    "odd", ["", ".dotted", "a=b", "x" * 73, "x" * 74, "two\nlines", "ends\n", "é", "a.b"]
)
def test_any_token_is_a_fragment(odd: str) -> None:
    for texts in ((odd, "usual.token"), ("usual.token", odd), (odd,)):
        pieces = tokens(texts)
        assert [a2b_qp(piece).decode().replace("\r\n", "\n") for piece in pieces] == [*texts]
        assert all(len(line) <= 76 for piece in pieces for line in piece.split(b"\r\n"))
        assert not any(line.startswith(b".") for piece in pieces for line in piece.split(b"\r\n"))


def test_fragments_decode_to_their_texts_in_any_order() -> None:
    dice = random.Random(5)
    alphabet = [*"abc ... = é日\n .=", "=3D", "=\n", "\n.\n", " \n", "x" * 75, "." * 74]
    for _ in range(3000):
        texts = ["".join(dice.choices(alphabet, k=dice.randint(0, 60))) for _ in range(3)]
        joined = b"".join(map(fragment, texts))
        assert a2b_qp(joined).replace(b"\r\n", b"\n") == "".join(texts).encode()
        for line in joined.split(b"\r\n"):
            assert len(line) <= 76
            assert not line.startswith(b".")
            assert not line.endswith((b" ", b"\t"))
