"""A chat service as OpenAI's protocol has it, on the loopback server that remembers posts."""

from __future__ import annotations

import json
from typing import Any

from tests.delivery.board import Board, Said


def completion(text: Any, tokens: int | None = 120) -> bytes:
    said: dict[str, Any] = {
        "object": "chat.completion",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}}],
    }
    if tokens is not None:
        said["usage"] = {"total_tokens": tokens}
    return json.dumps(said).encode()


def says(text: Any, tokens: int | None = 120, status: int = 200) -> Said:
    return Said(status, completion(text, tokens), {"Content-Type": "application/json"})


def asked(board: Board) -> list[dict[str, str]]:
    """What the service was told of each paper, in the order of asking."""
    return [json.loads(post.json["messages"][1]["content"]) for post in board.posts]
