"""What one failed check means, in words: shared by the configuration and subscriber records.

Only numbers and choices are repeated from the input, for a text may hold a secret or an address.
"""

from __future__ import annotations

from pydantic_core import ErrorDetails

_TYPES = {
    "string_type": "must be text in quotes",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number, not {input!r:.60}",
    "int_from_float": "must be a whole number, not {input!r:.60}",
    "float_type": "must be a number",
    "float_parsing": "must be a number, not {input!r:.60}",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false, not {input!r:.60}",
    "list_type": "must be a list in square brackets",
    "path_type": "must be a path in quotes",
    "literal_error": "must be one of {expected}, not {input!r:.60}",
    "enum": "must be one of {expected}, not {input!r:.60}",
    "greater_than_equal": "must be at least {ge}, not {input}",
    "greater_than": "must be more than {gt}, not {input}",
    "less_than_equal": "must be at most {le}, not {input}",
    "datetime_type": "must be a time such as 2026-12-01T00:00:00Z",
    "datetime_parsing": "must be a time such as 2026-12-01T00:00:00Z",
    "datetime_from_date_parsing": "must be a time such as 2026-12-01T00:00:00Z",
    "timezone_aware": "must say its zone, such as 2026-12-01T00:00:00Z",
    "too_long": "may have at most {max_length}",
    "too_short": "needs at least {min_length}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
}


def phrase(fault: ErrorDetails) -> str:
    """One clause to put after the key's name."""
    context = fault.get("ctx", {})
    if fault["type"] == "value_error":
        return str(context["error"])
    sentence = _TYPES.get(fault["type"])
    return sentence.format(input=fault["input"], **context) if sentence else fault["msg"]
