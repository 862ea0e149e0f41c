"""What cards are made of, against the plain renderer's own way to the same words."""

from __future__ import annotations

import random
import re
from binascii import a2b_qp
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from markupsafe import escape

from digest.model import Field, Hit, Item, Paper, PaperId, Reasons
from digest.rendering.email import Drawing
from digest.rendering.environment import Templates, shipped_folder
from digest.rendering.excerpt import (
    excerpt,
    mark,
    shown_hits,
    spans_within,
    text_within,
    window,
)
from digest.rendering.ink import PLAINLY, Slug, drawn, extract, ink
from digest.rendering.language import speak
from digest.rendering.lines import Marker, bare, lines
from digest.rendering.links import SiteLinks
from digest.rendering.message import compose_mail
from digest.rendering.moulds import Moulds, Pair, TextMoulds
from digest.rendering.plaintext import TextCard, text_card
from digest.rendering.plates import Outline
from digest.rendering.reasons import grounds, tell
from digest.rendering.sealed import Peeked, Sealed
from digest.rendering.sentences import Sentences
from digest.rendering.skeleton import SlotTokens, slot
from digest.rendering.spans import Kind, Spans, line, plain, say
from digest.rendering.trial import difference
from digest.rendering.view import Card, card, is_told, title
from digest.rendering.windows import Abstract, Windows
from digest.rendering.wire import Joiner
from tests.rendering import samples, scatter

AFFIXES = {**PLAINLY, Kind.MARK: ("<u>", "</u>"), Kind.STRONG: ("<b>", "</b>")}
AFFIXES[Kind.EMPHASIS] = ("", "")
OWN, ALSO = 6, 5


def test_an_extract_is_its_spans_drawn() -> None:
    dice = random.Random(11)
    for number in range(400):
        paper = scatter.paper(number + 1, dice)
        found = shown_hits(paper.abstract, scatter.reasons(paper, dice).hits)
        within = window(paper.abstract, found)
        spans = spans_within(paper.abstract, found, within)
        ranges = [(hit.start, hit.end) for hit in found]
        assert extract(paper.abstract, ranges, within, AFFIXES) == drawn(spans, AFFIXES)
        assert text_within(paper.abstract, within) == plain(spans)


@pytest.mark.parametrize(
    ("opens", "closes"),
    [("<u>", "</u>"), ("", ""), ("[" * 80, "]" * 80), (".", "."), ("\n=é", "é=\n"), (" \n", " \n")],
)
def test_lines_marked_decode_to_the_text_marked(opens: str, closes: str) -> None:
    dice, marker = random.Random(13), Marker(opens, closes)
    seen = dict.fromkeys((True, False), 0)
    for number in range(400):
        text = scatter.paper(number + 1, dice).abstract
        if number % 2:
            text = "".join([c for c in text if c.isalnum() or c in " .,;-"]).strip()
        start = dice.randrange(len(text) + 1)
        within = start, dice.randint(start, len(text))
        ends = [sorted(dice.choices(range(len(text) + 1), k=2)) for _ in range(3)]
        ranges = sorted([(first, last) for first, last in ends if first < last])
        said = text[slice(*within)]
        set_in_lines = lines(bare(said))
        pieces = set_in_lines and marker.marked(set_in_lines, ranges, within)
        html = b"".join(pieces or ())
        if html:
            spans = mark(text, ranges, within=within)
            drawn_it = drawn(spans, {**PLAINLY, Kind.MARK: (opens, closes)})
            assert a2b_qp(html).replace(b"\r\n", b"\n").decode() == drawn_it
            assert_lines(html + b"=\r\n")
        seen[bool(html)] += 1
    assert min(seen.values()) > 50


def assert_lines(fragment: bytes) -> None:
    """What may stand in a mail's body beside any other fragment."""
    for row in fragment.split(b"\r\n"):
        assert len(row) <= 76
        assert not row.startswith(b".")
        assert not row.endswith((b" ", b"\t"))


def test_lines_that_would_begin_with_a_full_stop_are_cut_elsewhere_or_not_at_all() -> None:
    marker = Marker("<u>", "</u>")
    for at in range(150):
        text = "x" * at + "." + "y" * (150 - at)
        made = lines(bare(text))
        assert (made is None) == (at == 0)
        if made is not None:
            assert not made.whole.startswith(b".")
            assert b"\n." not in made.whole
            assert marker.marked(made, [(at, at + 3)], (0, 151)) is None
            assert marker.marked(made, [(at - 1, at + 3)], (0, 151))
    assert lines(bare("." * 90)) is None
    assert lines(b"") is None


def test_a_window_is_its_excerpt_drawn_whoever_asked_before() -> None:
    dice, windows, seen = random.Random(14), Windows(AFFIXES), dict.fromkeys((True, False), 0)
    for number in range(200):
        paper = scatter.paper(number + 1, dice)
        text = paper.abstract
        if number % 2:  # mostly printed as it is, here and there with spaces in its way
            text = "".join([c for c in text * 3 if c.isalnum() or c in " .,;-"])
            text = text.replace(". ", ".  ", dice.randrange(2))
        said = dice.choice((text[dice.randrange(5) :][: dice.randrange(1, 40)], "… tide", "tide …"))
        abstract = Abstract(text, summary=dice.choice(("", plain(say(line(said, 30))))))
        for _ in range(4):
            ends = [sorted(dice.choices(range(len(text) + 20), k=2)) for _ in range(3)]
            hits = [Hit(Field.ABSTRACT, at, to, str(dice.randrange(3))) for at, to in ends]
            hits = hits[: dice.randrange(4)]
            spans = excerpt(text, hits)
            found = sorted([hit[1:4] for hit in shown_hits(text, hits)])
            slug, says_summary = windows.excerpt(abstract, found)
            assert_says(slug, spans)
            assert says_summary == is_told(say(abstract.summary), spans)
            seen[says_summary] += 1
    assert min(seen.values()) > 20


def test_a_window_opens_where_most_terms_show() -> None:
    dice = random.Random(17)
    words = ("tide ", "surge ", "of ", "a ", "sea. ", "dike!  ", "mud?\n", "x" * 50 + " ")
    for _ in range(600):
        text = "".join(dice.choices(words, k=dice.randrange(40, 260)))
        starts = dice.choices(range(len(text) - 9), k=dice.randrange(1, 6))
        found = sorted([(at, at + dice.randrange(1, 9), dice.choice("uvw")) for at in starts])
        places = {0: None} | {_place_before(text, first): None for first, _, _ in found}
        shown = [
            {term for first, last, term in found if at <= first and last <= at + 300}
            for at in places
        ]
        best = [len(terms) for terms in shown].index(max(map(len, shown)))
        wanted = list(places)[best] if len(text) > 380 else 0
        hits = [Hit(Field.ABSTRACT, *one) for one in dice.sample(found, len(found))]
        assert window(text, hits)[0] == wanted


def _place_before(text: str, at: int) -> int:
    earliest = max(0, at - 90)
    if sentence := re.compile(r"[.!?]\s+").search(text, earliest, at):
        return sentence.end()
    space = text.find(" ", earliest)
    return space + 1 if 0 <= space < earliest + 45 else earliest


def assert_says(slug: Slug, spans: Spans) -> None:
    """Fragments that decode to what the spans are printed as."""
    for pieces, quoted in zip(slug, ink(spans, AFFIXES), strict=True):
        part = b"".join(pieces)
        assert a2b_qp(part).replace(b"\r\n", b"\n") == a2b_qp(quoted)
        assert_lines(part + b"=\r\n")
        assert not part.endswith(b" ")


@pytest.mark.parametrize("code", ["en", "de", "fr", "ja"])
def test_a_sentence_set_from_its_form_is_the_sentence_told(code: str) -> None:
    dice, language = random.Random(12), speak(code)
    sentences = Sentences(language, AFFIXES)
    for number in range(400):
        paper = scatter.paper(number + 1, dice)
        reasons, breadth = scatter.reasons(paper, dice), dice.randint(0, 3)
        told = tell(grounds(reasons, breadth=breadth), language)
        assert_says(sentences.slug(reasons, breadth=breadth), told)


def test_terms_share_the_form_of_their_sentence() -> None:
    sentences = Sentences(speak("en"), AFFIXES)
    for term in ("tide", "<storm> surge", "{names}", slot(0)):
        hits = (samples.DIGEST.sections[0].items[0].reasons.hits[0]._replace(term=term),)
        told = tell(grounds(Reasons(hits), breadth=1), speak("en"))
        assert_says(sentences.slug(Reasons(hits), breadth=1), told)
    assert sentences._forms.kept == 2  # a word and a phrase


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_mould_filled_is_the_papers_own_card_drawn(seed: int) -> None:
    dice = random.Random(seed)
    drawing, drawn = Drawing(Templates(), speak("en").text), list[Card]()

    def draw(card: Card) -> str:
        drawn.append(card)
        return drawing.card_html(card)

    moulds = Moulds(draw, own=OWN, also=ALSO)
    for number in range(80):
        alone = _card(scatter.paper(number + 1, dice), is_new=dice.random() < 0.3)
        shared = replace(alone, also=slot(ALSO))
        drawing_it = drawing.card_html(alone), drawing.card_html(shared)
        outline = Outline.of(*drawing_it, own=OWN, also=ALSO)
        filled = moulds.outline(moulds.values(alone), (), partial(_pair, alone))
        assert outline is not None
        assert filled is not None
        assert filled.filled({}).parts == outline.filled({}).parts
    assert 0 < len(drawn) < 140  # not all eighty, each without and with further interests


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_text_mould_filled_is_the_papers_own_card_drawn(seed: int) -> None:
    dice = random.Random(seed)
    drawing, drawn = Drawing(Templates(), speak("en").text), list[TextCard]()

    def draw(card: TextCard) -> str:
        drawn.append(card)
        return drawing.card_text(card, slot(OWN))

    moulds = TextMoulds(draw, own=OWN, also=ALSO)
    for number in range(80):
        alone = _card(scatter.paper(number + 1, dice), is_new=dice.random() < 0.3)
        if dice.random() < 0.2:
            alone = replace(alone, chips=())
        shared = replace(alone, also=slot(ALSO))
        texts = [drawing.card_text(text_card(card), slot(OWN)) for card in (alone, shared)]
        outline = Outline.of(*texts, own=OWN, also=ALSO)
        filled = moulds.outline(moulds.values(alone), (), partial(_pair, alone))
        assert outline is not None
        assert filled is not None
        assert filled.filled({}).parts == outline.filled({}).parts
    assert 0 < len(drawn) < 60  # not all eighty, each without and with further interests


def test_papers_of_one_shape_share_a_mould() -> None:
    drawn = list[Card]()

    def draw(card: Card) -> str:
        drawn.append(card)
        return Drawing(Templates(), speak("en").text).card_html(card)

    moulds = Moulds(draw, own=OWN, also=ALSO)
    for number in range(1, 20):
        paper = replace(samples.TIDES, id=PaperId(number), organisation=f"Office {number} & Co")
        alone = _card(paper, is_new=False)
        assert moulds.outline(moulds.values(alone), (), partial(_pair, alone)) is not None
    assert len(drawn) == 2


def _pair(alone: Card) -> Pair:
    return alone, replace(alone, also=slot(ALSO))


def _card(paper: Paper, *, is_new: bool) -> Card:
    links = SiteLinks(samples.SITE.base_url, SlotTokens(feedback=slot(OWN)))
    bare = Item(paper.id, 0.0, Reasons(), revision=is_new)
    return replace(
        card(paper, bare, links, speak("en")),
        title=say(slot(0)),
        authors=say(slot(1)),
        summary=say(slot(2)),
        excerpt=(),
        why=say(slot(4)),
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{{ chip }}", "{{ chip|upper }}"),
        ("{{ chip }}", "{{ chip }}{% if chip == 'PubMed' %}!{% endif %}"),
        ("{{ chip }}", "{{ chip[:2] }}"),
        ("{{ chip }}", "{{ chip ~ chip|length }}"),
        ("{% for chip in card.chips %}", "{% for chip in card.chips|sort %}"),
        ("{% for chip in card.chips %}", "{% for chip in card.chips|unique %}"),
        ("{{ card.summary_label }}", "{{ card.paper_id|int + 1 }}"),
        ("{{ card.summary_label }}", "{{ card.paper_id % 2 }}"),
        ("{{ card.url|safe_url }}", "{{ card.url|urlencode }}"),
        ("{{ card.url|safe_url }}", "{{ card.chips[0]|default('')|safe_url }}"),
        ("{{ card.url|safe_url }}", "{{ card.url.replace('https', 'http') }}"),
    ],
)
def test_templates_that_look_into_values_are_joined_all_the_same(
    tmp_path: Path, old: str, new: str
) -> None:
    shipped = (shipped_folder() / "email" / "card.html.j2").read_text()
    assert old in shipped
    (tmp_path / "email").mkdir()
    (tmp_path / "email" / "card.html.j2").write_text(shipped.replace(old, new))
    templates = Templates(tmp_path)
    joiner = Joiner(samples.SITE, templates)
    assert joiner.plain_because == ""
    plain = compose_mail(samples.letter(), samples.SITE, templates=templates)
    assert difference(plain.payload, joiner.join(samples.letter()).payload) == ""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{{ card.chips }}", "{{ card.chips|upper }}"),
        ("{{ card.chips }}", "{{ card.chips }}{% if card.chips == 'arXiv' %}!{% endif %}"),
        ("{{ card.chips }}", "{{ card.chips[:2] }}{{ card.chips|length }}"),
        ("{{ card.chips }}", "<{{ card.chips ~ '!' }}>"),
        ("{{ card.url }}", "{{ card.url|urlencode }}"),
        ("{{ card.url }}", "{{ 'x%sx' % card.url }}"),
        ("{{ card.url }}", "{{ card.url|replace('https', 'http') }}"),
        ("{{ action.url }}", "{{ action.url|truncate(12) }} {{ loop.index }}"),
        ("{{ action.url }}", "{{ [action.url, action.url]|join(' ') }}"),
    ],
)
def test_text_templates_that_look_into_values_are_joined_all_the_same(
    tmp_path: Path, old: str, new: str
) -> None:
    shipped = (shipped_folder() / "email" / "card.txt.j2").read_text()
    assert old in shipped
    (tmp_path / "email").mkdir()
    (tmp_path / "email" / "card.txt.j2").write_text(shipped.replace(old, new))
    templates = Templates(tmp_path)
    joiner = Joiner(samples.SITE, templates)
    assert joiner.plain_because == ""
    for letter in (samples.letter(), *scatter.letters(5, seed=15)):
        plain = compose_mail(letter, samples.SITE, templates=templates)
        assert difference(plain.payload, joiner.join(letter).payload) == ""


@pytest.mark.parametrize("look", [str, int, float, hash, repr, bool, len, iter, sorted, {1}.add])
def test_nothing_is_learnt_of_what_is_sealed(look: Callable[[Any], object]) -> None:
    sealed = Sealed("drawn")
    try:
        learnt = look(sealed)
    except (Peeked, TypeError):
        return
    assert learnt is True or "drawn" not in str(learnt)
    with pytest.raises(Peeked):
        assert sealed == "drawn"
    with pytest.raises(Peeked):
        assert sealed in ["drawn"]
    assert escape(sealed) == "drawn"


def test_what_is_marked_in_a_title_changes_its_head_alone() -> None:
    hit = Hit(Field.TITLE, 0, 4, "Tide")
    letter, cards = samples.letter(), Joiner(samples.SITE, Templates())._press("en")._cards
    plain, marked = (
        cards.card(samples.TIDES, Item(samples.TIDES.id, 1.0, told), letter.subscriber.style)
        for told in (Reasons(votes=9), Reasons((hit,), votes=9))
    )
    assert plain.head != marked.head
    assert plain.plates is marked.plates
    assert plain.plates is not None
    assert plain.plates.html.front


def test_a_head_has_the_title_as_it_is_marked() -> None:
    dice, cards = random.Random(16), Joiner(samples.SITE, Templates())._press("en")._cards
    pieces = ["tide", "a", "gauge-based", "I.", "(two)", ".net", "x" * 70, " ", "é", "<b>"]
    for number in range(300):
        words = dice.choices(pieces[: dice.choice((6, 7, 10))], k=dice.randint(1, 14))
        paper = replace(samples.TIDES, id=PaperId(number + 1000), title=" ".join(words))
        for _ in range(3):
            ends = [dice.choices(range(-2, len(paper.title) + 9), k=2) for _ in range(3)]
            hits = tuple([Hit(Field.TITLE, first, last, "tide") for first, last in ends])
            item = Item(paper.id, 1.0, Reasons(hits[: dice.randrange(4)]))
            head = cards.card(paper, item, "full").head
            assert head.endswith(b"\r\n")
            assert_lines(head)
            expected = drawn(title(paper, item), cards._affixes[0])
            assert f">{expected}</a>" in a2b_qp(head).replace(b"\r\n", b"\n").decode()


@pytest.mark.parametrize(
    "card",
    [
        "{{ card.why|spans }}<p>{{ card.title|spans }}</p>{{ card.excerpt|spans }}",
        "<p>{{ card.title|spans }}</p>{{ card.excerpt|spans }}<i>{{ card.title|spans }}</i>",
        "{{ card.also }}<p>{{ card.title|spans }}</p>{{ card.authors|spans }}{{ card.why|spans }}",
        "{{ card.authors|spans }}{{ card.why|spans }}{{ card.also }}{{ card.excerpt|spans }}!",
        "{{ card.chips|length }}",
    ],
    ids=["title-between", "title-twice", "also-first", "no-title-also-between", "nothing"],
)
def test_parts_may_stand_in_any_order(tmp_path: Path, card: str) -> None:
    html = re.sub(
        r"\{\{ card\.(\w+)\|spans }}", r"{% for s in card.\1 %}{{ s.text }}{% endfor %}", card
    )
    (tmp_path / "email").mkdir()
    (tmp_path / "email" / "card.html.j2").write_text(html)
    (tmp_path / "email" / "card.txt.j2").write_text(card.replace("|spans", "") + "{{ number }}\n")
    templates = Templates(tmp_path)
    joiner = Joiner(samples.SITE, templates)
    assert joiner.plain_because == ""
    dice = random.Random(13)
    for letter in [samples.letter(), *(scatter.letters(20, seed=dice.randint(0, 99)))]:
        plain = compose_mail(letter, samples.SITE, templates=templates)
        assert difference(plain.payload, joiner.join(letter).payload) == ""
