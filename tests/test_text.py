"""Clean text, comparison keys, names and identifiers: tables of what arrives and what is kept."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.text import (
    arxiv_id,
    author_key,
    canonical_url,
    clean,
    doi,
    fold,
    pmid,
    safe_url,
    same_title,
    share_author,
    shorten,
    split_authors,
    title_key,
)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param("Caf&eacute; &amp; bar", "Café & bar", id="entities"),
        pytest.param("Salt &amp;amp; light", "Salt & light", id="escaped-twice"),
        pytest.param("&#8216;x&#x2019;", "‘x’", id="numeric-entities"),
        pytest.param("a &copy=1 b", "a &copy=1 b", id="no-semicolon-no-entity"),
        pytest.param("<p>One <i>E. coli</i></p>", "One E. coli", id="tags"),
        pytest.param("&lt;i&gt;E. coli&lt;/i&gt; grows", "E. coli grows", id="escaped-tags"),
        pytest.param("a < b, c<d and e > f", "a < b, c<d and e > f", id="less-than-is-no-tag"),
        pytest.param("the <unknown> word", "the <unknown> word", id="unknown-tag-stays"),
        pytest.param("H<sub>2</sub>O, 10<sup>-3</sup> m", "H₂O, 10⁻³ m", id="raised-and-lowered"),
        pytest.param("name<sup>TM</sup>", "nameTM", id="no-character-for-it"),
        pytest.param("a<script>alert(1)</script>b", "ab", id="script"),
        pytest.param("a<script>alert(1)", "a", id="script-without-end"),
        pytest.param("a<!-- hidden -->b", "ab", id="comment"),
        pytest.param("<![CDATA[inside]]>", "inside", id="cdata"),
        pytest.param("<jats:p>J</jats:p><mml:mi>x</mml:mi>", "J x", id="jats-and-mathml"),
        pytest.param("a\ufeff\u200b\u00adb\x00\x0b", "ab", id="what-shows-nothing"),
        pytest.param("safe\u202egnp.exe", "safegnp.exe", id="bidi-override"),
        pytest.param("می\u200cخواهم", "می\u200cخواهم", id="persian-keeps-its-joiner"),
        pytest.param("zero\u200cwidth", "zerowidth", id="latin-needs-no-joiner"),
        pytest.param("a\u00a0b\u2009c\n\td", "a b c d", id="odd-white-space"),
        pytest.param("e\u0301", "é", id="nfc"),
        pytest.param("\x93so\x94", "“so”", id="windows-1252-read-as-latin-1"),
        pytest.param("JosÃ© RamÃ\xadrez itâ€™s", "José Ramírez it’s", id="utf-8-read-as-1252"),
        pytest.param("São Ângela Ãgua", "São Ângela Ãgua", id="true-portuguese"),
        pytest.param("&#0;&#x1f;x", "x", id="entities-for-forbidden-characters"),
        pytest.param("", "", id="empty"),
    ],
)
def test_clean(raw: str, expected: str) -> None:
    assert clean(raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param(r"$\alpha$-stable laws", "α-stable laws", id="greek"),
        pytest.param(r"\emph{Deep} \textbf{nets}", "Deep nets", id="emphasis"),
        pytest.param(r"Erd\H{o}s, Poincar\'e, G\"{o}del", "Erdős, Poincaré, Gödel", id="accents"),
        pytest.param(r"na\"{\i}ve \O rsted stra\ss e", "naïve Ørsted straße", id="letters"),
        pytest.param(r"Fran\c{c}ois \v{S}", "François Š", id="below-and-above"),
        pytest.param("O($n^2$), x^2 and 10^{-3}", "O(n²), x² and 10⁻³", id="powers"),
        pytest.param(r"H$_2$O, $\beta_{\text{max}}$", "H₂O, βₘₐₓ", id="indices"),
        pytest.param(r"$x_{i,j}$, $e^{-x/2}$", "x_i,j, e^(-x/2)", id="no-character-for-it"),
        pytest.param(r"$\frac{1}{2}$ and $\sqrt{n+1}$", "1/2 and √(n+1)", id="fractions-roots"),
        pytest.param(r"$\mathbb{R}^d \to \mathcal{O}(1)$", "ℝᵈ → O(1)", id="alphabets"),
        pytest.param(r"100% of it, 5\% of that", "100% of it, 5% of that", id="no-comment"),
        pytest.param("It costs $5 or $10.", "It costs $5 or $10.", id="two-prices"),
        pytest.param(r"US$5 million, 3$\times$", "US$5 million, 3×", id="price-and-mathematics"),
        pytest.param(r"a \$5 note, $x$", "a $5 note, x", id="escaped-dollar"),
        pytest.param(r"$\sim$5 and $<$1M", "~5 and <1M", id="operator-before-a-digit"),
        pytest.param(r"$1-\epsilon$", "1-ε", id="starts-with-a-digit"),
        pytest.param("pp. 1--10 --- ``so''", "pp. 1–10 — “so”", id="dashes-and-quotes"),
        pytest.param("Fig.~3, ~5%, x.org/~u", "Fig. 3, ~5%, x.org/~u", id="ties"),
        pytest.param("{BERT} and {\\it so}, {0,1}", "BERT and so, {0,1}", id="braces"),
        pytest.param(r"see \cite{foo}", "see", id="citation"),
        pytest.param(r"\url{https://x.org/a_b}", "https://x.org/a_b", id="url"),
        pytest.param(r"Our \OurModel wins, \eg, so", "Our OurModel wins, e.g., so", id="macros"),
        pytest.param(r"\(a+b\) and \[c\]", "a+b and c", id="other-delimiters"),
        pytest.param(r"C:\new", r"C:\new", id="a-path"),
        pytest.param("$", "$", id="lone-dollar"),
        pytest.param("a\\", "a\\", id="lone-backslash"),
        pytest.param("{{{$x", "{{{$x", id="unbalanced"),
    ],
)
def test_latex_becomes_readable(raw: str, expected: str) -> None:
    assert clean(raw, markup=False) == expected


@pytest.mark.parametrize(
    ("raw", "markup", "expected"),
    [
        pytest.param("<p>One</p>\n  <p>Two</p>", True, "One\n\nTwo", id="html"),
        pytest.param("One\nstill one\n\nTwo", False, "One still one\n\nTwo", id="empty-line"),
        pytest.param("  One\nstill\n  Two", False, "One still\n\nTwo", id="arxiv-indent"),
        pytest.param("One\n\t\tstill", True, "One still", id="indented-html-source"),
    ],
)
def test_paragraphs_survive_where_asked(raw: str, markup: bool, expected: str) -> None:
    assert clean(raw, markup=markup, paragraphs=True) == expected
    assert "\n" not in clean(raw, markup=markup)


def test_plain_text_keeps_its_angle_brackets() -> None:
    assert clean("for <b> tags, x<y", markup=False) == "for <b> tags, x<y"


@given(st.text(st.characters(), max_size=300))
def test_clean_text_holds_nothing_that_xml_forbids(raw: str) -> None:
    text = clean(raw, paragraphs=True)
    assert unicodedata.is_normalized("NFC", text)
    assert not set(text) & {chr(c) for c in range(32) if c != 10}
    assert "\ufeff" not in text
    text.encode("utf-8")


@given(st.text("<>&;$\\{}^_ abp/1()[]-'\"~%", max_size=200))
def test_clean_never_raises_on_broken_markup(raw: str) -> None:
    for markup in (True, False):
        assert clean(raw, markup=markup) == clean(raw, markup=markup).strip()


@pytest.mark.parametrize(
    "piece",
    [
        "<",
        "<a ",
        "<!--",
        "<script ",
        "&",
        "$",
        "$a ",
        "\\(",
        "{",
        "\\'",
        " \n",
        "(",
        "--",
        "Ã",
        "^{",
    ],
)
def test_clean_is_quick_on_repetition(piece: str) -> None:
    began = time.process_time()
    clean(piece * 100_000, paragraphs=True)
    split_authors(piece * 20_000)
    doi(piece * 20_000)
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("text", "length", "expected"),
    [
        pytest.param("short", 10, "short", id="fits"),
        pytest.param("The quick brown fox", 12, "The quick…", id="at-a-word"),
        pytest.param("one, two three", 6, "one…", id="no-comma-before-the-dots"),
        pytest.param("abcdefghij", 5, "abcd…", id="no-word"),
        pytest.param("日本語日本語", 4, "日本語…", id="no-spaces"),
        pytest.param("ab", 1, "…", id="one"),
        pytest.param("ab", 0, "", id="none"),
    ],
)
def test_shorten(text: str, length: int, expected: str) -> None:
    assert shorten(text, length) == expected


@given(st.text(max_size=60), st.integers(0, 60))
def test_shorten_keeps_to_its_length(text: str, length: int) -> None:
    assert len(shorten(text, length)) <= max(length, 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("GÖDEL", "godel"), ("Øre Łódź", "ore lodz"), ("Straße", "strasse"), ("ﬁne²", "fine2")],
)
def test_fold(text: str, expected: str) -> None:
    assert fold(text) == expected


# --- titles and people --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("Lanterns in Fog!", "lanterns in fog", True),
        ("On the behaviour of lanterns in fog", "On the behavior of lanterns in fog", True),
        ("A study of lanterns, Part I", "A study of lanterns, Part II", False),
        ("Evaluating Lantern-3 in the fog", "Evaluating Lantern-4 in the fog", False),
        ("Lanterns in fog and the sea at night", "Foghorns at the sea in winter nights", False),
        ("Fog", "Fig", False),
        ("灯火と霧", "灯火と霧", True),
        ("", "", False),
    ],
)
def test_same_title(a: str, b: str, same: bool) -> None:
    assert same_title(a, b) is same
    assert same_title(b, a) is same


def test_title_key_ignores_dress() -> None:
    assert title_key("The Café: a (very) α-Stable place") == "thecafeaveryαstableplace"


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("SMITH, J.", "smith j"),
        ("J. Smith", "smith j"),
        ("Jane Smith", "smith j"),
        ("Smith J", "smith j"),
        ("Smith J A", "smith j"),
        ("John Smith Jr.", "smith j"),
        ("van der Berg, Jan", "berg j"),
        ("Jan van der Berg", "berg j"),
        ("García Márquez, Gabriel", "marquez g"),
        ("Gabriel García Márquez", "marquez g"),
        ("Ochoa-Corona, F.", "ochoacorona f"),
        ("Ørsted, H.C.", "orsted h"),
        ("王小明", "王小明"),
        ("王 小明", "王小明"),
        ("Иванов И.", "иванов и"),
        ("И. Иванов", "иванов и"),
        ("Madonna", "madonna"),
        (",", ""),
        ("", ""),
    ],
)
def test_author_key(name: str, key: str) -> None:
    assert author_key(name) == key


def test_share_author() -> None:
    assert share_author(["Ada Mirza", "Bo Lind"], ["LIND, B."])
    assert not share_author(["Ada Mirza"], ["Bo Lind"])
    assert not share_author([], ["Bo Lind"])
    assert not share_author([""], [""])


@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param("Ada Mirza, Bo Lind", ("Ada Mirza", "Bo Lind"), id="arxiv"),
        pytest.param(
            "MIRZA, A., LIND, B., Ng, P.-L., O'HARA, C. D.",
            ("A. Mirza", "B. Lind", "P.-L. Ng", "C. D. O'Hara"),
            id="biorxiv-feed",
        ),
        pytest.param(
            "Mirza, A.; van den BERG, B.", ("A. Mirza", "B. van den Berg"), id="semicolons"
        ),
        pytest.param("Mirza, Ada", ("Ada Mirza",), id="one-turned"),
        pytest.param("A. Mirza and B. Lind", ("A. Mirza", "B. Lind"), id="and"),
        pytest.param("Mirza, A. & Lind, B.", ("A. Mirza", "B. Lind"), id="turned-and"),
        pytest.param("A. Mirza, B. Lind, et al.", ("A. Mirza", "B. Lind"), id="et-al"),
        pytest.param("Ada Mirza (Oslo), Bo Lind (Bergen)", ("Ada Mirza", "Bo Lind"), id="places"),
        pytest.param("Ada Mirza, Jr., Bo Lind", ("Ada Mirza", "Bo Lind"), id="suffix"),
        pytest.param("王小明, 李雷", ("王小明", "李雷"), id="chinese"),
        pytest.param("The Lantern Collaboration", ("The Lantern Collaboration",), id="collective"),
        pytest.param("Bo Lind, Bo Lind", ("Bo Lind",), id="twice"),
        pytest.param(" , ;", (), id="nobody"),
        pytest.param("", (), id="empty"),
    ],
)
def test_split_authors(text: str, names: tuple[str, ...]) -> None:
    assert split_authors(text) == names


# --- identifiers --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("oai:arXiv.org:2508.13426v1", ("2508.13426", 1)),
        ("http://arxiv.org/abs/2508.13426v2", ("2508.13426", 2)),
        ("https://arxiv.org/pdf/2508.13426v12.pdf", ("2508.13426", 12)),
        ("https://www.arxiv.org/html/2508.13426", ("2508.13426", None)),
        ("arXiv:2508.13426", ("2508.13426", None)),
        ("see arXiv: 0704.0001 there", ("0704.0001", None)),
        ("2508.13426", ("2508.13426", None)),
        ("astro-ph/0601001", ("astro-ph/0601001", None)),
        ("math.GT/0309136v2", ("math/0309136", 2)),
        ("http://arxiv.org/abs/hep-th/9901001v3", ("hep-th/9901001", 3)),
        ("10.48550/arXiv.2508.13426", ("2508.13426", None)),
        ("https://huggingface.co/papers/2508.13426", ("2508.13426", None)),
        ("10.1101/2023.12.16.571984", None),
        ("https://example.org/2508.13426", None),
        ("2513.13426", None),
        ("2508.134", None),
        ("2508.1342634", None),
        ("notarxiv:2508.13426", None),
        ("", None),
    ],
)
def test_arxiv_id(text: str, expected: tuple[str, int | None] | None) -> None:
    assert arxiv_id(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("doi:10.1234/ABC.5", "10.1234/abc.5"),
        ("https://doi.org/10.1234/abc", "10.1234/abc"),
        ("https://doi.org/10.1234%2Fabc?utm_source=x#y", "10.1234/abc"),
        ("DOI: 10.1234/abc.", "10.1234/abc"),
        ("(10.1016/S0140-6736(20)30183-5)", "10.1016/s0140-6736(20)30183-5"),
        ("10.1101/2023.12.16.571984v2", "10.1101/2023.12.16.571984"),
        (
            "https://www.biorxiv.org/content/10.1101/2023.12.16.571984v1.full",
            "10.1101/2023.12.16.571984",
        ),
        ("10.1234/", None),
        ("10.12/abc", None),
        ("nothing", None),
    ],
)
def test_doi(text: str, expected: str | None) -> None:
    assert doi(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pubmed:34902460", "34902460"),
        ("pmid:0012", "12"),
        ("https://pubmed.ncbi.nlm.nih.gov/34902460/?x=1", "34902460"),
        ("34902460", None),
        ("pmid:0", None),
    ],
)
def test_pmid(text: str, expected: str | None) -> None:
    assert pmid(text) == expected


@pytest.mark.parametrize(
    ("url", "safe", "canonical"),
    [
        ("https://x.org", "https://x.org/", "https://x.org/"),
        ("HTTP://X.org:80/a b", "http://x.org/a%20b", "http://x.org/a%20b"),
        (
            "https://x.org/?utm_source=a b&id=3#f",
            "https://x.org/?utm_source=a%20b&id=3#f",
            "https://x.org/?id=3",
        ),
        ("https://me:secret@x.org/", "https://x.org/", "https://x.org/"),
        ("https://x.org/ä?q=ü", "https://x.org/%C3%A4?q=%C3%BC", "https://x.org/%C3%A4?q=%C3%BC"),
        ("https://x.org/a%20b", "https://x.org/a%20b", "https://x.org/a%20b"),
        (
            "https://[2001:db8::1]:8080/x",
            "https://[2001:db8::1]:8080/x",
            "https://[2001:db8::1]:8080/x",
        ),
        ("https://x.org/a?rss=1", "https://x.org/a?rss=1", "https://x.org/a"),
        ("javascript:alert(1)", None, None),
        ("java\nscript:alert(1)", None, None),
        ("data:text/html,x", None, None),
        ("//x.org/a", None, None),
        ("https://x.org:99999/", None, None),
        ("http://a b.org/", None, None),
        ("https:///x", None, None),
        ('https://x.org/"><b>', "https://x.org/%22%3E%3Cb%3E", "https://x.org/%22%3E%3Cb%3E"),
        ("https://x.org/\u202e", None, None),
        ("https://x.org/" + "a" * 3000, None, None),
        ("", None, None),
    ],
)
def test_addresses(url: str, safe: str | None, canonical: str | None) -> None:
    assert safe_url(url) == safe
    assert canonical_url(url) == canonical


def test_pubmed_addresses_lose_their_trackers() -> None:
    url = "https://pubmed.ncbi.nlm.nih.gov/1/?utm_source=Mobile Safari UI/X&fc=1&ff=2&v=2.15.0"
    assert canonical_url(url) == "https://pubmed.ncbi.nlm.nih.gov/1/"


@given(st.text(max_size=100))
def test_identifiers_never_raise(text: str) -> None:
    for find in (
        arxiv_id,
        doi,
        pmid,
        canonical_url,
        safe_url,
        author_key,
        title_key,
        split_authors,
    ):
        find(text)
        find(f"https://{text}")


@given(st.text(max_size=60))
def test_canonical_addresses_are_their_own_canon(text: str) -> None:
    once = canonical_url(f"https://example.org/{text}")
    assert once is None or canonical_url(once) == once
