"""Files and folders to loaded documents. Knows no database and no model.

A document's path is POSIX and relative to the learned folder; that of a file named by itself, to the
file's folder.
"""

import hashlib
import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from knowledge.formats.markdown import read_markdown
from knowledge.formats.page import read_page
from knowledge.formats.plain import read_plain
from knowledge.formats.sheet import read_sheet
from knowledge.text import Extract, Section, decode
from sahut.errors import ConfigurationError, LoadError

MOST_BYTES = 20 * 1024 * 1024
MOST_PATH = 1024

_READERS: dict[str, tuple[str, Callable[[bytes], Extract]]] = {
    ".md": ("text/markdown", lambda data: read_markdown(decode(data))),
    ".markdown": ("text/markdown", lambda data: read_markdown(decode(data))),
    ".txt": ("text/plain", lambda data: read_plain(decode(data))),
    ".html": ("text/html", read_page),
    ".htm": ("text/html", read_page),
    ".csv": ("text/csv", lambda data: read_sheet(decode(data))),
}


@dataclass(frozen=True, slots=True)
class Source:
    """A file to be read: where it lies, the folder it was learned from, and its path below that."""

    file: Path
    root: str
    path: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """A document that was read.

    `hash` is the SHA-256 of the source bytes in hexadecimal; sections are spans of `text`.
    """

    path: str
    media_type: str
    title: str
    text: str
    hash: str
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What lies under the given paths: sources, folders in whole, and files left out, with the reason."""

    sources: tuple[Source, ...]
    folders: tuple[str, ...]
    refused: tuple[tuple[str, str], ...]
    skipped: tuple[str, ...]


def find(paths: Sequence[Path]) -> Found:
    """Every readable document under `paths`, sorted. Hidden files are passed over; other kinds of file are
    `skipped`; of two files with the same relative path the second is refused, as it would replace the first.

    Raises `ConfigurationError` where a path does not exist.
    """
    sources: dict[str, Source] = {}
    folders: list[str] = []
    refused: list[tuple[str, str]] = []
    skipped: list[str] = []
    for given in paths:
        if not given.exists():
            raise ConfigurationError(f"{given}: there is no such file or folder")
        root = (given if given.is_dir() else given.parent).resolve()
        if given.is_dir():
            folders.append(str(root))
        for file in _below(root) if given.is_dir() else [root / given.name]:
            path = file.relative_to(root).as_posix()
            if file.suffix.lower() not in _READERS and given.is_dir():
                skipped.append(path)
            elif reason := _refusal(file, root if given.is_dir() else None, path) or _clash(file, sources.get(path)):
                refused.append((path, reason))
            else:
                sources[path] = Source(file, str(root), path)
    kept = tuple(sources[path] for path in sorted(sources))
    return Found(kept, tuple(folders), tuple(dict.fromkeys(refused)), tuple(skipped))


def load(source: Source) -> Loaded:
    """Read one file. Raises `LoadError`."""
    try:
        with source.file.open("rb") as stream:
            data = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise LoadError(f"it cannot be opened: {error.strerror or error}") from error
    return load_bytes(source.path, data)


def load_bytes(path: str, data: bytes) -> Loaded:
    """Read a document that is already in memory; the kind is told by the path's ending. Raises `LoadError`."""
    suffix = Path(path).suffix.lower()
    if suffix not in _READERS:
        raise LoadError(f"this kind of file is not read (known: {', '.join(sorted(_READERS))})")
    if len(path) > MOST_PATH or "\0" in path:
        raise LoadError(f"its name is longer than {MOST_PATH} characters or holds a NUL")
    if len(data) > MOST_BYTES:
        raise LoadError(f"it is larger than {MOST_BYTES // 1024 // 1024} MB")
    if not data.strip():
        raise LoadError("it is empty")
    media_type, read = _READERS[suffix]
    extract = read(data)
    if not extract.sections:
        raise LoadError("it holds no text beyond its headings")
    title = extract.title or Path(path).stem.replace("-", " ").replace("_", " ").strip().capitalize()
    digest = hashlib.sha256(data).hexdigest()
    return Loaded(path, media_type, title, extract.text, digest, extract.sections)


def _below(root: Path) -> list[Path]:
    found: list[Path] = []
    for folder, names, files in os.walk(root, followlinks=False):
        names[:] = sorted(name for name in names if not name.startswith("."))
        found.extend(Path(folder) / name for name in sorted(files) if not name.startswith("."))
    return found


def _clash(file: Path, other: Source | None) -> str:
    if other is None or other.file == file:
        return ""
    return f"{file} would replace {other.file}, which has the same path: learn the folder above both"


def _refusal(file: Path, root: Path | None, path: str) -> str:
    """Why a file must not be read, or nothing. A file found in the folder `root` may not lead out of it."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return "its name is not valid UTF-8"
    if len(path) > MOST_PATH or "\0" in path:
        return f"its path is longer than {MOST_PATH} characters"
    try:
        target = file.resolve(strict=True)
        if root is not None and not target.is_relative_to(root):
            return "it is a link that leads out of the folder"
        if not stat.S_ISREG(target.stat().st_mode):
            return "it is not a regular file"
    except (OSError, RuntimeError) as error:
        return f"it cannot be opened: {error}"
    return ""
