"""Batch files: JSONL in, JSONL out, in the same order; a bad line is reported and the rest goes on. Knows no verb."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from sahut.errors import ConfigurationError, SahutError

Row = dict[str, Any]
Work = Callable[[Row], Awaitable[Row]]


def check_files(source: Path, out: Path) -> None:
    """Raises `ConfigurationError` where one cannot be read or the other not be written, before any work is begun."""
    if not source.is_file():
        why = "Is a directory" if source.is_dir() else "No such file or directory"
        raise ConfigurationError(f"{source} cannot be read: {why}.")
    if out.is_dir():
        raise ConfigurationError(f"{out} cannot be written: Is a directory.")
    if not out.parent.is_dir():
        raise ConfigurationError(f"{out} cannot be written: there is no folder {out.parent}.")


async def run_batch(source: Path, out: Path, work: Work) -> int:
    """Do `work` for every line of `source`; the number of bad lines, each named on standard error."""
    try:
        lines = (await asyncio.to_thread(source.read_bytes)).splitlines()
    except OSError as error:
        raise ConfigurationError(f"{source} cannot be read: {error.strerror}.") from error
    bad = 0
    # Written beside the target and moved at the end: a reader never sees half a file.
    partial = out.with_name(out.name + ".part")
    try:
        with partial.open("wb") as target:
            for number, line in _progress(lines):
                result = await _one(source, number, line, work)
                bad += result is None
                if result is not None:
                    target.write(result)
        partial.replace(out)
    except OSError as error:
        raise ConfigurationError(f"{out} cannot be written: {error.strerror}.") from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
    return bad


def _progress(lines: list[bytes]) -> Iterator[tuple[int, bytes]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        for number, line in bar.track(list(enumerate(lines, start=1)), description="Working"):
            if line.strip():
                yield number, line


async def _one(source: Path, number: int, line: bytes, work: Work) -> bytes | None:
    """The line of the result; whatever is wrong with one line, be it its work, costs that line alone."""
    try:
        row = _row(line)
        return _dumped({"id": row["id"], **await work(row)})
    except (SahutError, ValueError) as error:
        print(f"{source}:{number}: {error}", file=sys.stderr)
        return None


def _row(line: bytes) -> Row:
    try:
        row = json.loads(line, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"not JSON ({error})") from error
    if not isinstance(row, dict) or "id" not in row:
        raise ConfigurationError('each line must be an object with an "id"')
    _dumped(row)
    return row


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _dumped(row: Row) -> bytes:
    try:
        return (json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n").encode()
    except UnicodeEncodeError as error:
        raise ConfigurationError("a text in it holds half of a surrogate pair, which is no character") from error
    except ValueError as error:
        raise ConfigurationError(f"it cannot be written as JSON ({error})") from error


def text_of(row: Row, key: str) -> str:
    """A required text field of a batch line."""
    value = row.get(key)
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(f'"{key}" is missing or empty')
    return value
