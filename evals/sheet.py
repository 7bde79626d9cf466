"""Reads cases from a table (CSV): a row is a turn, rows with the same id in a row are one conversation.

Gives rows in the shape of our JSON cases; knows nothing of what they mean.
"""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from evals.reading import Flaws, JsonLine
from sahut.errors import ConfigurationError

_LISTS = ("cites", "contains", "not_contains", "matches", "retrieves")
_TRUTHS = ("supported", "spam", "injection", "wants_human", "distress", "abuse")
_EXPECT = ("decision", "language_of_reply", "rubric", "max_characters", *_LISTS, *_TRUTHS)
_CASE = ("id", "language", "topic", "critical")
COLUMNS = (*_CASE, "user", *_EXPECT)
_SEPARATOR = ";"


def read_table(path: Path, flaws: Flaws) -> Iterator[JsonLine]:
    """Each conversation as a row of a JSON case, with the line on which it begins.

    Lists are separated by `;`. Raises `ConfigurationError` where the file is no such table.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: not UTF-8 (byte {error.start + 1}); save it as CSV UTF-8") from error
    first = text.partition("\n")[0]
    reader = csv.DictReader(
        io.StringIO(text), delimiter=";" if first.count(";") > first.count(",") else ",", strict=True
    )
    _check_columns(path, reader.fieldnames or [])
    pending: JsonLine | None = None
    try:
        for row in reader:
            turn = _turn(path, reader.line_num, row, flaws)
            if turn is None:
                continue
            name = (row.get("id") or "").strip() or f"line-{reader.line_num}"
            if pending is not None and pending.data["id"] == name:
                pending.data["turns"].append(turn)
                continue
            if pending is not None:
                yield pending
            pending = JsonLine(path, reader.line_num, {**_head(row), "id": name, "turns": [turn]})
    except csv.Error as error:
        flaws.add(f"{path}:{reader.line_num}", f"broken CSV: {error}")
    if pending is not None:
        yield pending


def _check_columns(path: Path, names: list[str] | Any) -> None:
    unknown = [name for name in names if name not in COLUMNS]
    if "user" not in names or unknown:
        what = f"unknown column `{unknown[0]}`" if unknown else "the column `user` is missing"
        raise ConfigurationError(f"{path}:1: {what}; known are {', '.join(COLUMNS)}")


def _head(row: dict[str, Any]) -> dict[str, Any]:
    head: dict[str, Any] = {name: row[name].strip() for name in ("language", "topic") if (row.get(name) or "").strip()}
    return head | ({"critical": True} if (row.get("critical") or "").strip().lower() == "true" else {})


def _turn(path: Path, line: int, row: dict[str, Any], flaws: Flaws) -> dict[str, Any] | None:
    if None in row or any(value is None for value in row.values()):
        flaws.add(f"{path}:{line}", "the row has more or fewer cells than the first line has columns")
        return None
    cells = {name: value.strip() for name, value in row.items() if value.strip()}
    if not cells:
        return None
    expect: dict[str, Any] = {}
    for name in _EXPECT:
        if name not in cells:
            continue
        try:
            expect["language" if name == "language_of_reply" else name] = _value(name, cells[name])
        except ValueError as error:
            flaws.add(f"{path}:{line}", f"`{name}`: {error}")
    return {"user": cells.get("user", ""), **({"expect": expect} if expect else {})}


def _value(name: str, cell: str) -> Any:
    if name in _LISTS:
        return [part.strip() for part in cell.split(_SEPARATOR) if part.strip()]
    if name in _TRUTHS:
        if cell.lower() not in ("true", "false"):
            raise ValueError("must be true or false")
        return cell.lower() == "true"
    if name == "max_characters":
        return int(cell) if cell.isdecimal() else cell
    return cell
