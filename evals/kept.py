"""Keeps what was played, or judged, in a file of JSON lines, by a key: for a run's folder and for caches.

Each line is written whole as soon as its work has ended, so that an interrupt costs only what was under way. Must not
know what that was.
"""

import os
from pathlib import Path
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

from pydantic import ValidationError

from sahut.errors import ConfigurationError


class Line(Protocol):
    """What names a line, and whether nothing is missing in it."""

    @property
    def key(self) -> str: ...

    @property
    def is_whole(self) -> bool: ...

    def written(self) -> str:
        """The line, without its end."""
        ...

    @classmethod
    def model_validate_json(cls, json_data: bytes) -> Self:
        """A line as it was written. Raises Pydantic's `ValidationError`."""
        ...


L = TypeVar("L", bound=Line)


class Kept(Generic[L]):
    """The lines of one file, made where missing. Use as a context manager; `keep` appends.

    A cache keeps `only_whole` lines, a run's folder those with errors too.
    """

    def __init__(self, path: Path, shape: type[L], *, only_whole: bool = False) -> None:
        self.path = path
        self._shape = shape
        self._only_whole = only_whole
        self._kept: dict[str, L] = {}
        self._descriptor = -1

    def __enter__(self) -> Self:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            self._read()
        except OSError as error:
            raise ConfigurationError(f"{self.path} cannot be used ({error.strerror or error})") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, key: str) -> L | None:
        """The line of that key, the latest where there are several."""
        return self._kept.get(key)

    def keep(self, line: L) -> None:
        """Write a line down; it is on its way to the disk when this returns. Raises `ConfigurationError`."""
        if self._only_whole and not line.is_whole:
            return
        try:
            os.write(self._descriptor, (line.written() + "\n").encode())
        except OSError as error:
            raise ConfigurationError(f"{self.path} cannot be written ({error.strerror or error})") from error
        self._kept[line.key] = line

    def _read(self) -> None:
        """Take up every line; half a line at the end is what an interrupt left, and is cut off."""
        data = self.path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            os.ftruncate(self._descriptor, whole)
        for number, written in enumerate(data[:whole].splitlines(), start=1):
            try:
                line = self._shape.model_validate_json(written)
            except ValidationError as error:
                os.close(self._descriptor)
                what = error.errors(include_url=False)[0]["msg"]
                kind = self._shape.__name__.lower()
                raise ConfigurationError(
                    f"{self.path}:{number}: is no {kind} of this version: {what}; remove the file to begin anew"
                ) from error
            self._kept[line.key] = line
