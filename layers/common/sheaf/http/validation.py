"""What is wrong with a value that was sent, as clients are told: in no words of Python's."""

from collections.abc import Mapping
from typing import Any

_TEXT, _WHOLE = "must be text", "must be a whole number"
_BOOLEAN, _UUID = "must be true or false", "must be a UUID"
# By pydantic's types of errors, with what it says of each.
_MESSAGES = {
    "missing": "is missing",
    "extra_forbidden": "is unknown here",
    "model_type": "must be an object",
    "list_type": "must be a list",
    "string_type": _TEXT,
    "string_unicode": f"{_TEXT} without lone surrogates",
    "string_pattern_mismatch": "must match {pattern}",
    "string_too_short": "must have {min_length} or more characters",
    "string_too_long": "must have {max_length} or fewer characters",
    "too_short": "must have {min_length} or more members",
    "too_long": "must have {max_length} or fewer members",
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": f"{_WHOLE} with fewer digits",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be less than {lt}",
    "bool_type": _BOOLEAN,
    "bool_parsing": _BOOLEAN,
    "literal_error": "must be {expected}",
    "uuid_type": _UUID,
    "uuid_parsing": _UUID,
}
# What JSON calls otherwise than Python.
_IN_JSON = {"True": "true", "False": "false", "None": "null"}


def message(error: Mapping[str, Any]) -> str:
    """What is wrong, by one of pydantic's errors: what follows the name of the field.

    A validator of ours has said it itself.
    """
    said: Mapping[str, Any] = error.get("ctx", {})
    if error["type"] == "value_error":
        return str(said["error"])
    known = _MESSAGES.get(error["type"], "is not valid")
    return known.format_map({name: _IN_JSON.get(str(each), each) for name, each in said.items()})
