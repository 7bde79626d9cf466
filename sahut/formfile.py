"""Reads forms from YAML or JSON; every mistake is named by file, place and what to do. Must not know a database."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from sahut.errors import ConfigurationError
from sahut.forms import Form

MOST_BYTES = 256 * 1024
SUFFIXES = (".yaml", ".yml")
_KINDS = "text, number, date, choice, yes_no, phone, email, pattern or photo"

# Pydantic's words are for programmers: these are for whoever writes a form.
_SAID = {
    "missing": "is missing: add it",
    "extra_forbidden": "is no key that a form knows: remove it, or mend its spelling",
    "union_tag_not_found": f"has no type: add one of {_KINDS}",
    "union_tag_invalid": f"has an unknown type: use one of {_KINDS}",
    "too_short": "holds too little: add an item",
    "string_too_short": "is empty: write something",
    "dict_type": "must be a text, or texts by language: {en: ..., id: ...}",
    "tuple_type": "must be a list",
    "model_type": "must hold keys and values",
    "model_attributes_type": "must hold keys and values",
    "string_type": "must be a text: put it in quotes",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
}


def read_folder(folder: Path) -> list[Form] | None:
    """Every form of a folder, by file name; `None` where there is no folder.

    Raises `ConfigurationError` with one line for every mistake in all of its files.
    """
    if not folder.is_dir():
        return None
    forms: dict[str, Form] = {}
    wrong: list[str] = []
    for path in sorted(path for path in folder.glob("*") if path.suffix in SUFFIXES):
        try:
            form = read_file(path)
        except ConfigurationError as error:
            wrong.append(str(error))
            continue
        if form.name in forms:
            wrong.append(f"{path}: name: another file has a form {form.name!r} already: rename one")
        forms[form.name] = form
    if wrong:
        raise ConfigurationError("\n".join(wrong))
    return list(forms.values())


def read_file(path: Path) -> Form:
    """The form of a YAML file; its name is the file's where the file gives none. Raises `ConfigurationError`."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ConfigurationError(f"{path}: is larger than {MOST_BYTES} bytes: a form is a page of text")
        text = path.read_text("utf-8")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path}: is not UTF-8: save it as UTF-8") from None
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error
    return parse(text, where=str(path), name=path.stem)


def parse(text: str, *, where: str, name: str = "") -> Form:
    """The form in a YAML text (JSON is YAML too). Raises `ConfigurationError`; its lines begin with `where`."""
    try:
        given = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}" if mark else "the text"
        what = getattr(error, "problem", None) or "cannot be read"
        raise ConfigurationError(f"{where}: {place}: is no YAML ({what}): mend it there or just above") from None
    return read_form(given, where=where, name=name)


def read_form(given: Any, *, where: str, name: str = "") -> Form:
    """The form in a mapping. Raises `ConfigurationError` with a line `where: place: mistake` for each mistake."""
    if not isinstance(given, Mapping):
        raise ConfigurationError(f"{where}: must hold keys and values (name, title, examples, fields)")
    named = {"name": name, **given} if name else dict(given)
    try:
        return Form.model_validate(named)
    except ValidationError as error:
        found = [item for item in error.errors() if not _follows(item, error.errors())]
        lines = (f"{where}: {_place(item['loc'], named)}{_mistake(item)}" for item in found)
        raise ConfigurationError("\n".join(dict.fromkeys(lines))) from None


def _place(loc: tuple[int | str, ...], given: Mapping[str, Any]) -> str:
    """`fields.plate.pattern: `: a field by its name where it has one, else by its number."""
    parts: list[str] = []
    at: Any = given
    for before, step in zip((None, *loc), loc, strict=False):
        # Pydantic names the branch of the union, which is the field's type.
        if isinstance(before, int) and isinstance(at, Mapping) and step == at.get("type"):
            continue
        at = at[step] if _has(at, step) else None
        named = at.get("name") if isinstance(step, int) and isinstance(at, Mapping) else None
        parts.append(named if isinstance(named, str) else str(step + 1) if isinstance(step, int) else step)
    return f"{'.'.join(part for part in parts if part != '[key]')}: " if parts else ""


def _follows(item: Any, errors: list[Any]) -> bool:
    """Whether a list only lacks items because they are wrong, which is said of each of them."""
    depth = len(item["loc"])
    return item["type"] == "too_short" and any(
        len(other["loc"]) > depth and other["loc"][:depth] == item["loc"] for other in errors
    )


def _has(at: Any, step: int | str) -> bool:
    if isinstance(step, int):
        return isinstance(at, list) and 0 <= step < len(at)
    return isinstance(at, Mapping) and step in at


def _mistake(item: Any) -> str:
    kind = item["type"]
    if item["loc"] and item["loc"][-1] == "[key]":
        return "is no language: use a code such as en, id, pt, es or is"
    if kind == "string_pattern_mismatch":
        return "must begin with a letter and hold only a-z, 0-9, - and _, at most 40"
    if kind in _SAID:
        return _SAID[kind]
    return str(item["msg"]).removeprefix("Value error, ")
