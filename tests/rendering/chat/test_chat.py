"""Each channel's posts: within its limits, with what a reader needs, and nothing that acts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from slack_sdk.models.blocks import Block

from digest.rendering.chat import discord, document, mattermost, plaintext, slack
from digest.rendering.chat.post import Post, pack
from tests.rendering import samples
from tests.rendering.chat.posts import hostile, large, post

Draw = Callable[[Post], list[bytes]]
KINDS: dict[str, Draw] = {
    "slack": slack.draw,
    "discord": discord.draw,
    "mattermost": mattermost.draw,
    "apprise": plaintext.draw,
    "webhook": document.draw,
}
every = pytest.mark.parametrize("draw", KINDS.values(), ids=KINDS)
in_parts = pytest.mark.parametrize("kind", [it for it in KINDS if it != "webhook"])
SIZES = (0, 1, 2, 7, 12, 40, 49, 50, 51, 200)


def read(body: bytes) -> Any:
    return json.loads(body)


def words(parts: Sequence[bytes]) -> str:
    """Everything that is shown, without escapes."""
    text = "\n".join(part.decode() for part in parts)
    return text.replace("\\\\", "").replace("\\n", "\n").replace("&amp;", "&")


@every
def test_every_post_has_what_a_reader_needs(draw: Draw) -> None:
    shown = words(draw(post()))
    for paper in (samples.TIDES, samples.ENCODER, samples.PROTEIN):
        assert paper.title.split(":")[0] in shown
        assert f"{paper.links.abstract}" in shown
    assert "Ada Okonkwo" in shown
    assert "harbour" in shown
    assert "84" in shown
    assert "https://digest.example.org/s/shared-token" in shown


@every
def test_nothing_of_the_owner_s_powers_is_shown(draw: Draw) -> None:
    shown = words(draw(post()))
    for path in ("/u/", "/p/", "/f/", "/d/"):
        assert f"digest.example.org{path}" not in shown
    assert samples.SUBSCRIBER.email not in shown


@pytest.mark.parametrize("kind", [it for it in KINDS if it != "apprise"])
def test_each_member_may_take_it_over(kind: str) -> None:
    assert words(KINDS[kind](post())).count("https://digest.example.org/t/team-token") == 1


@every
def test_the_same_post_has_the_same_bytes(draw: Draw) -> None:
    assert draw(large(60)) == draw(large(60))


@in_parts
@pytest.mark.parametrize("count", SIZES)
def test_every_paper_is_in_one_part(kind: str, count: int) -> None:
    parts = KINDS[kind](large(count))
    found = re.findall(r"part (\d+)(?::|\\\\:)", "\n".join(part.decode() for part in parts))
    assert [int(number) for number in found] == list(range(1, count + 1))


@in_parts
def test_parts_are_numbered_only_where_there_are_several(kind: str) -> None:
    assert "1/1" not in words(KINDS[kind](post()))
    parts = KINDS[kind](large(200))
    assert len(parts) > 1
    for number, part in enumerate(parts, 1):
        assert f"{number}/{len(parts)}" in words([part])


# --- slack ---


@pytest.mark.parametrize("count", SIZES)
def test_slack_s_own_models_take_every_message(count: int) -> None:
    for body in slack.draw(large(count)):
        message = read(body)
        assert len(message["blocks"]) <= 50
        assert len(body.decode()) <= 13_000
        assert 0 < len(message["text"]) <= 3000
        blocks = Block.parse_all(message["blocks"])
        assert len(blocks) == len(message["blocks"])
        for block, given in zip(blocks, message["blocks"], strict=True):
            block.validate_json()
            assert block.to_dict() == given
        limits = {"section": 3000, "header": 150, "context": 2000}
        for given in message["blocks"]:
            text = given.get("text") or given["elements"][0]
            assert 0 < len(text["text"]) <= limits[given["type"]]


def test_slack_can_mention_nobody() -> None:
    (body,) = slack.draw(hostile())
    message = read(body)
    texts = [message["text"]]
    for block in message["blocks"]:
        text = block.get("text") or block["elements"][0]
        texts.append(text["text"])
        if text["type"] == "mrkdwn":
            assert text["verbatim"] is True
            links = re.findall(r"<([^>]*)>", text["text"])
            assert all(link.startswith(("https://", "http://")) for link in links)
            assert not [link for link in links if link.startswith("https://evil.example")]
    for text_ in texts[:1] + texts[2:]:
        assert "<!" not in text_
        assert "<@" not in text_
        assert not re.search(r"(?<!\w)@\w", text_)
        assert not re.search(r"&(?!amp;|lt;|gt;)", text_)


def test_slack_keeps_the_emphasis() -> None:
    (body,) = slack.draw(post())
    shown = "\n".join(block["text"]["text"] for block in read(body)["blocks"] if "text" in block)
    assert "*harbour*" in shown
    assert "_“Asking two gauges at once”_" in shown
    assert "*Tides and harbours* · 3 papers" in shown
    assert f"*<{samples.TIDES.links.abstract}|{samples.TIDES.title}>*" in shown
    assert f"<{samples.TIDES.links.pdf}|PDF>" in shown
    assert "Lock gates &amp; &lt;b&gt;other&lt;/b&gt; bottlenecks" in shown
    assert read(body)["text"] == "Five papers for you today"


# --- discord ---


@pytest.mark.parametrize("count", SIZES)
def test_discord_takes_every_message(count: int) -> None:
    for body in discord.draw(large(count)):
        message = read(body)
        assert 0 < len(message["content"]) <= 2000
        assert len(message["embeds"]) <= 10
        total = 0
        for embed in message["embeds"]:
            author = embed.get("author", {}).get("name", "")
            footer = embed.get("footer", {}).get("text", "")
            for text, limit in (
                (embed["title"], 256),
                (embed["description"], 4096),
                (author, 256),
                (footer, 2048),
            ):
                assert len(text) <= limit
                total += len(text)
        assert total <= 6000


def test_discord_can_mention_nobody() -> None:
    (body,) = discord.draw(hostile())
    message = read(body)
    assert message["allowed_mentions"] == {"parse": []}
    (embed,) = message["embeds"]
    assert "](https://evil.example)" not in embed["description"]
    assert not re.search(r"(?<!\\)[`#~|]", embed["description"])


# --- mattermost ---


@pytest.mark.parametrize("count", SIZES)
def test_mattermost_takes_every_post(count: int) -> None:
    for body in mattermost.draw(large(count)):
        message = read(body)
        assert message.keys() == {"text"}
        assert 0 < len(message["text"]) <= 16_383


def test_mattermost_can_mention_nobody() -> None:
    (body,) = mattermost.draw(hostile())
    text = read(body)["text"]
    assert not re.search(r"(?<!\w)@[\w\\]", text)
    assert "](https://evil.example)" not in text
    assert text.count("](http") == 6  # title, abstract, PDF, discussion, page, team


# --- apprise ---


@pytest.mark.parametrize("count", SIZES)
def test_plain_texts_fit_everywhere(count: int) -> None:
    for body in plaintext.draw(large(count)):
        assert 0 < len(body.decode()) <= 1000


# --- webhook ---


def test_the_document_has_the_documented_keys() -> None:
    (body,) = document.draw(post())
    found = read(body)
    assert found["type"] == "digest"
    assert found["version"] == document.VERSION
    assert found["id"] == "digest.42.1001@digest.example.org"
    assert found["date"] == "2026-11-20"
    assert found["considered"] == 1284
    assert [section["name"] for section in found["sections"]] == [
        "Tides and harbours",
        "People I read",
        "Trending today",
    ]
    first = found["sections"][0]["papers"][0]
    assert first["id"] == samples.TIDES.id
    assert first["key"] == samples.TIDES.key
    assert first["title"] == samples.TIDES.title
    assert first["authors"] == list(samples.TIDES.authors)
    assert first["votes"] == 84
    assert first["links"][1] == {"label": "PDF", "url": samples.TIDES.links.pdf}
    documented = set(re.findall(r'"(\w+)":', document.__doc__ or ""))
    used = set(found) | set(found["sections"][0]) | set(first) | set(found["links"])
    used |= set(first["links"][0]) | set(first["summary"])
    assert used == documented


def test_a_paper_that_is_gone_is_left_out_everywhere() -> None:
    left = {number: it for number, it in samples.PAPERS.items() if number != samples.TIDES.id}
    for draw in KINDS.values():
        assert samples.TIDES.title.split(":")[0] not in words(draw(post(papers=left)))


def test_an_empty_digest_is_still_a_post() -> None:
    empty = samples.DIGEST._replace(sections=(), left_out=0)
    for draw in KINDS.values():
        (body,) = draw(post(empty))
        assert "Nothing new for you today" in words([body])


# --- packing ---

PACKS: list[tuple[str, list[int], dict[str, int], list[list[int]]]] = [
    ("nothing", [], {"room": 5, "most": 2}, [[]]),
    ("all in one", [1, 2, 2], {"room": 5, "most": 9}, [[0, 1, 2]]),
    ("by room", [3, 3, 3], {"room": 6, "most": 9}, [[0, 1], [2]]),
    ("by number", [1, 1, 1], {"room": 9, "most": 2}, [[0, 1], [2]]),
    ("behind a head", [3, 3], {"room": 6, "most": 9, "first": 2}, [[0], [1]]),
    ("too large", [9, 1, 9], {"room": 5, "most": 9}, [[0], [1], [2]]),
]


@pytest.mark.parametrize(
    ("sizes", "limits", "parts"), [it[1:] for it in PACKS], ids=[it[0] for it in PACKS]
)
def test_packing(sizes: list[int], limits: dict[str, int], parts: list[list[int]]) -> None:
    assert pack(range(len(sizes)), sizes, **limits) == parts
