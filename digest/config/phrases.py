"""What one failed check means, in words: shared by the configuration and subscriber records.

What a reader can meet in a form is marked for the catalogues; the rest is an operator's. Only
numbers and choices are repeated from the input, for a text may hold a secret or an address.
"""

from __future__ import annotations

from pydantic_core import ErrorDetails

from digest.phrases import message, phrase

_TYPES = {
    "string_type": "must be text in quotes",
    "int_type": "must be a whole number",
    "int_parsing": message("must be a whole number, not {written}"),
    "int_from_float": "must be a whole number, not {written}",
    "float_type": "must be a number",
    "float_parsing": "must be a number, not {written}",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false, not {written}",
    "list_type": "must be a list in square brackets",
    "path_type": "must be a path in quotes",
    "literal_error": "must be one of {expected}, not {written}",
    "enum": "must be one of {expected}, not {written}",
    "greater_than_equal": message("must be at least {ge}, not {input}"),
    "greater_than": "must be more than {gt}, not {input}",
    "less_than_equal": message("must be at most {le}, not {input}"),
    "datetime_type": "must be a time such as 2026-12-01T00:00:00Z",
    "datetime_parsing": "must be a time such as 2026-12-01T00:00:00Z",
    "datetime_from_date_parsing": "must be a time such as 2026-12-01T00:00:00Z",
    "timezone_aware": "must say its zone, such as 2026-12-01T00:00:00Z",
    "too_long": message("may have at most {max_length}"),
    "too_short": "needs at least {min_length}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": message("must have at most {max_length} characters"),
}


def clause(fault: ErrorDetails) -> str:
    """One clause to put after the key's name; a phrase, for a form's field shows it to readers."""
    context = fault.get("ctx", {})
    if fault["type"] == "value_error":
        error = context["error"]
        return error.args[0] if error.args and isinstance(error.args[0], str) else str(error)
    sentence = _TYPES.get(fault["type"])
    if sentence is None:
        return fault["msg"]
    given = fault["input"]
    limits = {name: one for name, one in context.items() if isinstance(one, str | int | float)}
    return phrase(sentence, input=f"{given!s:.60}", written=f"{given!r:.60}", **limits)
