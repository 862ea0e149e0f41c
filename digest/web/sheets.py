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


#: What the operator's pages have besides: who is there, and how times and numbers are written.
_DESK: Final = frozenset({"seat", "here", "said", "form_key", "moment", "day", "number"})


def _desk(*names: str) -> frozenset[str]:
    return COMMON | _DESK | frozenset(names)


DESK: Final[dict[str, frozenset[str]]] = {
    "web/desk/base.html.j2": _desk(),
    "web/desk/parts.html.j2": _desk(),
    "web/desk/sign_in.html.j2": _sheet("to", "typed", "fault", "form_key"),
    "web/desk/closed.html.j2": COMMON,
    "web/desk/overview.html.j2": _desk(
        "at", "alerts", "pauses", "due", "readers", "next_due_at", "overdue", "waiting",
        "waiting_since", "late", "verdict_kind", "charts",
    ),
    "web/desk/readers.html.j2": _desk(
        "asked", "state", "is_first", "states", "total", "kinds", "found",
    ),
    "web/desk/person.html.j2": _desk(
        "subscriber", "kind", "rhythm", "may_suspend", "may_resume", "has_left", "suppression",
        "turns", "skips", "posts", "kinds", "verdict", "threshold", "bounces", "bounce_kinds",
        "wishes", "asked", "answer", "fault", "wrong",
    ),
    "web/desk/sources.html.j2": _desk("at", "kinds", "lines"),
    "web/desk/source.html.j2": _desk(
        "at", "configured", "memory", "next_at", "kinds", "charts", "visits", "answer",
        "titles", "wrong",
    ),
    "web/desk/deliveries.html.j2": _desk(
        "charts", "domains", "answers", "sample", "looked", "typed", "fault", "states", "channels",
        "kinds", "orders", "ticks", "found",
    ),
    "web/desk/delivery.html.j2": _desk("delivery", "log", "kinds", "bounce_kinds", "orders"),
    "web/desk/bounces.html.j2": _desk("charts", "typed", "fault", "all_kinds", "kinds", "found"),
    "web/desk/outbox.html.j2": _desk(
        "at", "state", "counts", "waiting_since", "next_attempt_at", "routes", "channel", "kinds",
        "orders", "ticks", "found",
    ),
    "web/desk/wishes.html.j2": _desk("address", "names", "kinds", "open", "found"),
    "web/desk/runs.html.j2": _desk("found"),
    "web/desk/run.html.j2": _desk("told", "verdicts", "well", "parts", "handled", "stands"),
    "web/desk/templates.html.j2": _desk(
        "which", "email", "chosen_language", "codes", "look", "is_mail", "is_wide", "mails",
        "pages", "mail", "fault", "size", "frame",
    ),
    "web/desk/trial.html.j2": _desk("address", "channel", "answer", "fault"),
}  # fmt: skip

CONTEXT: Final[dict[str, frozenset[str]]] = {
    "web/base.html.j2": COMMON,
    "web/parts.html.j2": COMMON,
    "web/cards.html.j2": frozenset(),
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
    "web/tokens.html.j2": _sheet(
        "reader", "said", "secret", "faults", "wrong", "tokens", "scopes", "terms", "typed",
        "is_full",
    ),
    "web/history.html.j2": _sheet("reader", "said", "judged", "muted"),
    "web/address.html.j2": _sheet("reader", "email", "faults"),
    "web/delete.html.j2": _sheet("reader"),
    "web/fault.html.j2": _sheet("fault"),
    **DESK,
}  # fmt: skip
