"""Every page's template, and exactly the names it gets: what an operator's own version may use.

`Templates.check` holds a template against these; a test holds the shipped ones against them.
"""

from __future__ import annotations

from typing import Final

#: `_` says a text, `_n` one for a number, `_s` one with values; `asset` finds a static file.
COMMON: Final = frozenset(
    {"site", "links", "asset", "language", "languages", "_", "_n", "_s", "query", "title"}
)


def _sheet(*names: str) -> frozenset[str]:
    return COMMON | frozenset(names)


CONTEXT: Final[dict[str, frozenset[str]]] = {
    "web/base.html.j2": COMMON,
    "web/parts.html.j2": COMMON,
    "web/archive.html.j2": _sheet(
        "canonical", "previous", "following", "counted", "is_empty", "health", "tabs", "narrowed",
        "groups", "others", "cards", "more", "days", "is_first",
    ),
    "web/paper.html.j2": _sheet(
        "canonical", "card", "day", "authors", "authors_left", "summary", "summary_label",
        "abstract", "note", "categories", "actions", "identifiers", "seen", "published",
        "version", "similar",
    ),
    "web/search.html.j2": _sheet("question", "outcome", "orders", "sources", "categories"),
    "web/digest.html.j2": _sheet("frame", "sections", "actions", "day", "left_out"),
    "web/sources.html.j2": _sheet("sources"),
    "web/feeds.html.j2": _sheet("whole", "sources", "categories"),
    "web/api.html.j2": _sheet("base", "groups", "objects", "scopes", "problems", "rates"),
    "web/fields.html.j2": COMMON,
    "web/preview.html.j2": _sheet("preview", "faults"),
    "web/subscribe.html.j2": _sheet(
        "email", "wish", "rhythm", "is_guessable", "faults", "wrong", "finding", "preview",
        "volumes", "cadences", "weekdays", "zones",
    ),
    "web/takeover.html.j2": _sheet(
        "interests", "muted", "schedule", "email", "faults",
    ),
    "web/inbox.html.j2": _sheet("address", "text"),
    "web/link.html.j2": _sheet("email", "faults"),
    "web/question.html.j2": _sheet("asking", "fault"),
    "web/told.html.j2": _sheet("lines", "button"),
    "web/preferences.html.j2": _sheet(
        "reader", "said", "faults", "wrong", "state", "is_resting", "interests", "rhythm",
        "cadences", "weekdays", "zones", "look", "styles", "tongues", "mutes", "feeds",
    ),
    "web/interest.html.j2": _sheet(
        "reader", "here", "is_new", "is_paused", "wish", "kept", "faults", "wrong", "finding",
        "preview", "volumes",
    ),
    "web/pause.html.j2": _sheet(
        "reader", "state", "is_resting", "is_gone", "until", "earliest", "faults",
    ),
    "web/feedback.html.j2": _sheet(
        "button", "word", "here", "paper", "paper_url", "authors", "silenced", "typed", "done",
        "is_undoable", "faults", "home",
    ),
    "web/unsubscribe.html.j2": _sheet("address", "is_weekly", "is_monthly"),
    "web/unsubscribed.html.j2": _sheet("address"),
    "web/channels.html.j2": _sheet(
        "reader", "said", "secret", "faults", "wrong", "channels", "kinds", "typed", "is_full",
        "by_mail",
    ),
    "web/history.html.j2": _sheet("reader", "said", "judged", "muted"),
    "web/address.html.j2": _sheet("reader", "email", "faults"),
    "web/delete.html.j2": _sheet("reader"),
    "web/fault.html.j2": _sheet("fault"),
}  # fmt: skip
