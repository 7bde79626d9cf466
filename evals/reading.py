"""Reads JSON lines and YAML so that every flaw has a file and a line, duplicate keys and NaN included.

Knows nothing of what the data means.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from sahut.errors import ConfigurationError

MOST_TOLD = 20

Where = tuple[int | str, ...]


@dataclass
class Flaws:
    """Everything found wrong, so that a file is mended in one go."""

    found: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, flaws: Iterable[tuple[str, str]]) -> ConfigurationError:
        """The error that tells these flaws, each a place and a sentence."""
        return cls([f"{place}: {text}" for place, text in flaws]).error()

    def add(self, place: str, text: str) -> None:
        """Note what is wrong at `place` (file:line)."""
        self.found.append(f"{place}: {text}")

    def error(self) -> ConfigurationError:
        """One error with a line for each flaw; of very many only the first."""
        rest = len(self.found) - MOST_TOLD
        more = [f"... and {rest} more"] if rest > 0 else []
        return ConfigurationError("\n".join(self.found[:MOST_TOLD] + more))

    def raise_if_any(self) -> None:
        """Raises `ConfigurationError` where something was noted."""
        if self.found:
            raise self.error()


@dataclass(frozen=True)
class JsonLine:
    """One line's value; `number` counts from 1."""

    path: Path
    number: int
    data: Any

    @property
    def place(self) -> str:
        """Where it stands, as `file:line`."""
        return f"{self.path}:{self.number}"


def read_json_lines(path: Path, flaws: Flaws) -> Iterator[JsonLine]:
    """Each line's value; blank lines are skipped, broken ones noted in `flaws`.

    Raises `ConfigurationError` where the file cannot be read.
    """
    for number, raw in enumerate(_bytes(path).removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if not raw.strip():
            continue
        try:
            yield JsonLine(path, number, parse_json(raw))
        except ValueError as error:
            flaws.add(f"{path}:{number}", str(error))


def parse_json(raw: bytes) -> Any:
    """A JSON value. Raises `ValueError` with a sentence; duplicate keys, NaN and infinities are refused."""
    try:
        return json.loads(raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 (byte {error.start + 1})") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"broken JSON: {error.msg} (column {error.colno})") from error
    except RecursionError as error:
        raise ValueError("broken JSON: nested too deeply") from error


class YamlFile:
    """A YAML file's mapping, and the line on which each of its keys stands."""

    def __init__(self, path: Path, data: dict[Any, Any], node: yaml.Node) -> None:
        self.path = path
        self.data = data
        self._node = node

    def at(self, where: Where) -> str:
        """`file:line` of the value at the path `where`, or of the nearest thing around it."""
        node, line = self._node, self._node.start_mark.line
        for step in where:
            found = _child(node, step)
            if found is None:
                break
            line, node = found
        return f"{self.path}:{line + 1}"


def read_yaml(path: Path) -> YamlFile:
    """The mapping of a YAML file. Raises `ConfigurationError` where it is broken, empty or repeats a key."""
    try:
        loader = yaml.SafeLoader(_bytes(path))
        node = loader.get_single_node()
        if not isinstance(node, yaml.MappingNode):
            raise ConfigurationError(f"{path}:1: a suite is a mapping with at least `name` and `cases`")
        _refuse_repeats(path, node)
        return YamlFile(path, loader.construct_document(node), node)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigurationError(f"{path}:{line}: broken YAML: {error.problem}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path}:1: broken YAML: {str(error).splitlines()[0]}") from error


def sentences(error: ValidationError) -> Iterator[tuple[Where, str]]:
    """What Pydantic found, each as a place in the data and a sentence."""
    told: set[tuple[Where, str]] = set()
    flaws = error.errors(include_url=False)
    for flaw in flaws:
        where = tuple(flaw["loc"])
        if flaw["type"] == "too_short" and any(len(other["loc"]) > len(where) for other in flaws):
            continue  # Pydantic counts only the sound items, and what is wrong with the others is told already
        inner = where[-1] if where else ""
        around = f" in {_spoken(where[:-1])}" if where[:-1] else ""
        text = {
            "extra_forbidden": f"unknown key `{inner}`{around}",
            "missing": f"`{inner}` is missing{around}",
            "string_pattern_mismatch": f"`{_spoken(where)}` is empty",
            "string_too_short": f"`{_spoken(where)}` is empty",
            "too_short": f"`{_spoken(where)}` is empty",
            "tuple_type": f"`{_spoken(where)}` must be a list",
            "value_error": flaw["msg"].removeprefix("Value error, "),
        }.get(flaw["type"], f"`{_spoken(where)}`: {flaw['msg'][:1].lower()}{flaw['msg'][1:]}")
        if (where, text) not in told:
            told.add((where, text))
            yield where, text


def _spoken(where: Where) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in where).removeprefix(".")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror or error})") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key `{next(key for key in keys if keys.count(key) > 1)}` stands twice in one object")
    return row


def _no_constant(name: str) -> Any:
    raise ValueError(f"broken JSON: {name} is no JSON number")


def _refuse_repeats(path: Path, node: yaml.Node) -> None:
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_repeats(path, item)
    if not isinstance(node, yaml.MappingNode):
        return
    seen: set[str] = set()
    for key, value in node.value:
        name = str(key.value)
        if name in seen:
            raise ConfigurationError(f"{path}:{key.start_mark.line + 1}: the key `{name}` stands twice")
        seen.add(name)
        _refuse_repeats(path, value)


def _child(node: yaml.Node, step: int | str) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark.line, node.value[step]
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == step:
                return key.start_mark.line, value
    return None
