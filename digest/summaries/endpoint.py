"""One question to an OpenAI-compatible chat service, and everything it may answer as a value.

    Reply      its words, and what they cost
    Trouble    nothing usable for now: overloaded, away, too slow, or talking nonsense
    Refusal    not this paper, or nothing at all (a wrong key, an unknown model)

No redirects, no cookies, one deadline for a whole request, and 256 kB of an answer at most. The key
is in no message and in no log.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from digest.delivery.hook import retry_after
from digest.delivery.poster import Answer, Lost, Poster
from digest.delivery.replies import one_line

ANSWER_TOKENS: Final = 300  #: an answer may cost; some models think aloud first
_READ: Final = 256 * 1024
_CHARACTERS: Final = 3  #: a token, at the least: budgets are reckoned with the most it may cost
_OVERHEAD: Final = 30  #: tokens around the messages
_SAID: Final = 160
_LATER: Final = frozenset({408, 409, 423, 425, 429})
_WRONG: Final = frozenset({401, 402, 403, 404, 405})  #: key, payment, model, address

Messages = Sequence[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model said; `tokens` is what it cost, None where the service does not tell."""

    text: str
    tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Trouble:
    """Worth another try; `wait` seconds where the service named a time."""

    why: str
    wait: float | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Not worth another try. `is_general`: nothing will work before somebody mends something."""

    why: str
    is_general: bool = False


def cost(messages: Messages) -> int:
    """The most tokens one question can cost, answer included."""
    said = sum(len(message["content"].encode()) for message in messages)
    return said // _CHARACTERS + _OVERHEAD + ANSWER_TOKENS


class Endpoint:
    """A chat service at `url`, which ends before /chat/completions; used by several threads."""

    def __init__(self, url: str, model: str, *, key: str = "", timeout: float = 30.0) -> None:
        self._url = f"{url.rstrip('/')}/chat/completions"
        self._model = model
        self._headers = {"Content-Type": "application/json"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"
        self._limit = "max_tokens"
        # The operator's own choice of address, which is often this machine or the next.
        self._poster = Poster(allow_private=True, timeout=timeout, reads=_READ)

    def close(self) -> None:
        self._poster.close()

    def ask(
        self, messages: Messages, now: datetime, *, within: float | None = None
    ) -> Reply | Trouble | Refusal:
        """Ask once, for at most `within` seconds; `now` is for services that name a time."""
        limit = self._limit
        answer = self._post(messages, limit, within)
        if isinstance(answer, Answer) and _wants_other_limit(answer, limit):
            self._limit = "max_completion_tokens"
            answer = self._post(messages, self._limit, within)
        return Trouble(answer.why) if isinstance(answer, Lost) else _judge(answer, now)

    def _post(self, messages: Messages, limit: str, within: float | None) -> Answer | Lost:
        body = {"model": self._model, "messages": list(messages), limit: ANSWER_TOKENS}
        payload = json.dumps(body, ensure_ascii=False).encode()
        return self._poster.post(
            self._url, payload, self._headers, leaving=lambda: None, within=within
        )


def _wants_other_limit(answer: Answer, limit: str) -> bool:
    """OpenAI's newer models refuse `max_tokens` by name; most other servers know nothing else."""
    return answer.status == 400 and limit == "max_tokens" and b"max_completion" in answer.body


def _judge(answer: Answer, now: datetime) -> Reply | Trouble | Refusal:
    status = answer.status
    if 200 <= status < 300:
        return _reply(answer.body)
    why = f"HTTP {status}: {one_line(answer.body)[:_SAID]}".rstrip(": ")
    if status in _LATER or status >= 500:
        return Trouble(why, retry_after(answer.headers.get("retry-after", ""), now))
    return Refusal(why, is_general=status in _WRONG or 300 <= status < 400)


def _reply(body: bytes) -> Reply | Trouble:
    try:
        said: Any = json.loads(body)
        text = said["choices"][0]["message"]["content"]
        tokens = (said.get("usage") or {}).get("total_tokens")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return Trouble("its answer is no chat completion")
    if not isinstance(text, str):
        return Trouble("its answer holds no text")
    if not isinstance(tokens, int) or isinstance(tokens, bool) or tokens < 0:
        return Reply(text)
    return Reply(text, min(tokens, 10**9))
