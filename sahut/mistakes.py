"""What is wrong with a setting, in one line that says what to give. Knows no setting by name."""

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args

from pydantic.fields import FieldInfo

# A guess must be nearly right, and may never lead to a setting that loosens a guard.
_NEAR = 0.8
_NEVER_GUESSED = "_ALLOW_PRIVATE"
_NUMBERS = ("float_", "int_", "greater_than", "less_than", "finite_")


def told(item: Any, field: FieldInfo) -> str:
    """One of Pydantic's errors, as a list of them holds it, in words for whoever wrote the setting."""
    wanted = _wanted(item, field)
    if not wanted:
        return str(item["msg"]).removeprefix("Value error, ")
    return f"is empty: remove the line or {wanted}" if item["input"] == "" else wanted


def near(name: str, known: Iterable[str]) -> str:
    """Which setting was meant, if one is near."""
    candidates = [one for one in known if not one.endswith(_NEVER_GUESSED)]
    close = difflib.get_close_matches(name, candidates, n=1, cutoff=_NEAR)
    return f"; did you mean {close[0]}?" if close else ""


def unreadable(env_file: Path) -> list[str]:
    """The lines of a file of settings that cannot be read, each with its place."""
    from dotenv.parser import parse_stream

    with env_file.open(encoding="utf-8") as stream:
        bad = [binding.original for binding in parse_stream(stream) if binding.error]
    # The empty lines before a line count as its beginning.
    lines = [one.line + one.string[: -len(one.string.lstrip())].count("\n") for one in bad]
    return [f"{env_file}:{line}: cannot be read: write NAME=value, or # before a remark" for line in lines]


def _wanted(item: Any, field: FieldInfo) -> str:
    kind = str(item["type"])
    if kind.startswith(_NUMBERS):
        return _number(field)
    if kind.startswith("bool_"):
        return "give true or false"
    if kind == "literal_error":
        return f"give {' or '.join(map(str, get_args(field.annotation)))}"
    if kind in ("string_pattern_mismatch", "string_too_short"):
        return f"give something like {field.default}"
    return ""


def _number(field: FieldInfo) -> str:
    """The range that the field's bounds leave, with its default for an example."""
    bounds = {
        name: getattr(one, name) for one in field.metadata for name in ("ge", "gt", "le", "lt") if hasattr(one, name)
    }
    low, high = bounds.get("ge", bounds.get("gt")), bounds.get("le", bounds.get("lt"))
    number = "a whole number" if field.annotation is int else "a number"
    if high is None:
        place = f"of {low:.15g} or more" if "ge" in bounds else f"above {low:.15g}"
    else:
        place = f"between {low:.15g} and {high:.15g}"
    return f"give {number} {place}, for example {field.default:.15g}"
