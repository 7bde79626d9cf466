"""Files, folders, archives and corpora to loaded documents. Knows no database and no model.

A document's path is POSIX and relative to the learned folder or archive; that of a file named by itself, to the file's
folder. What reads a document's bytes here is run by `sandbox.py` in a process of its own.
"""

import hashlib
import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath

from knowledge import corpus, kinds
from knowledge.archive import Member, read_member
from knowledge.archive import members as archived
from knowledge.formats.mail import read_mail, read_outlook
from knowledge.formats.markdown import read_markdown
from knowledge.formats.page import read_page
from knowledge.formats.pdf import read_pdf
from knowledge.formats.plain import read_plain
from knowledge.formats.sheet import read_sheet
from knowledge.formats.slides import read_slides
from knowledge.formats.word import read_word
from knowledge.formats.workbook import read_workbook
from knowledge.paths import MOST_PATH, is_hidden
from knowledge.text import Extract, Section, decode
from sahut.errors import ConfigurationError, LoadError

MOST_BYTES = 50 * 1024 * 1024
MOST_TEXT = 10_000_000
ARCHIVE = ".zip"

_OFFICE = "application/vnd.openxmlformats-officedocument"

# By the ending of the name: media type, what the content must be, and what reads it.
_READERS: dict[str, tuple[str, str, Callable[[bytes], Extract]]] = {
    ".md": ("text/markdown", kinds.TEXT, lambda data: read_markdown(decode(data))),
    ".markdown": ("text/markdown", kinds.TEXT, lambda data: read_markdown(decode(data))),
    ".txt": ("text/plain", kinds.TEXT, lambda data: read_plain(decode(data))),
    ".html": ("text/html", kinds.TEXT, read_page),
    ".htm": ("text/html", kinds.TEXT, read_page),
    ".csv": ("text/csv", kinds.TEXT, lambda data: read_sheet(decode(data))),
    ".eml": ("message/rfc822", kinds.TEXT, read_mail),
    ".msg": ("application/vnd.ms-outlook", kinds.OUTLOOK, read_outlook),
    ".pdf": ("application/pdf", kinds.PDF, read_pdf),
    ".docx": (f"{_OFFICE}.wordprocessingml.document", kinds.WORD, read_word),
    ".pptx": (f"{_OFFICE}.presentationml.presentation", kinds.SLIDES, read_slides),
    ".xlsx": (f"{_OFFICE}.spreadsheetml.sheet", kinds.WORKBOOK, read_workbook),
}


@dataclass(frozen=True, slots=True)
class Source:
    """A file to be read: where it lies, the folder it was learned from, and its path below that.

    Of an archive's file, `member` is its place in the archive. Of the archive itself, `inside` is what the paths of
    its files begin with. A corpus of JSON lines is an archive of its lines.
    """

    file: Path
    root: str
    path: str
    member: int | None = None
    inside: str = ""

    @property
    def is_archive(self) -> bool:
        return self.member is None and suffix_of(self.path) in (ARCHIVE, corpus.SUFFIX)

    @property
    def is_corpus(self) -> bool:
        return self.is_archive and suffix_of(self.path) == corpus.SUFFIX


@dataclass(frozen=True, slots=True)
class Loaded:
    """A document that was read.

    `hash` is the SHA-256 of the source bytes in hexadecimal; sections are spans of `text`; `pages` are the offsets
    where its pages begin, if it has pages; after `valid_until` it is not to be answered from.
    """

    path: str
    media_type: str
    title: str
    text: str
    hash: str
    sections: tuple[Section, ...]
    pages: tuple[int, ...] = ()
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What lies under the given paths: sources, folders and archives in whole, and files left out, with the reason."""

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
            source = _source(file, root, alone=not given.is_dir())
            if source.is_archive and not given.is_dir():
                folders.append(source.root)
            if given.is_dir() and not (is_known(source.path) or file.name == corpus.NAME):
                skipped.append(source.path)
            elif reason := _refusal(file, root if given.is_dir() else None, source.path) or _clash(source, sources):
                refused.append((source.path, reason))
            else:
                sources[source.path] = source
    kept = tuple(sources[path] for path in sorted(sources))
    return Found(kept, tuple(folders), tuple(dict.fromkeys(refused)), tuple(skipped))


def suffix_of(path: str) -> str:
    """The ending of a path's name, in small letters."""
    return PurePosixPath(path).suffix.lower()


def is_known(path: str) -> bool:
    """Whether a file of this name is read."""
    return suffix_of(path) in _READERS or suffix_of(path) == ARCHIVE


def check_name(path: str) -> None:
    """Raises `LoadError` where no file of this name is read."""
    if not is_known(path):
        raise LoadError(f"this kind of file is not read (known: {', '.join(sorted([*_READERS, ARCHIVE]))})")


def load(source: Source) -> Loaded:
    """Read one file. Raises `LoadError`."""
    if source.member is not None and corpus.is_corpus(source.file.name):
        return _load_line(source.path, corpus.read_line(source.file, source.member))
    check_name(source.path)
    if source.member is not None:
        return load_bytes(source.path, read_member(source.file, source.member, MOST_BYTES))
    try:
        with source.file.open("rb") as stream:
            data = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise LoadError(f"it cannot be opened: {error.strerror or error}") from error
    return load_bytes(source.path, data)


def members(file: Path) -> list[Member]:
    """What an archive or a corpus holds. Raises `LoadError`."""
    return corpus.documents(file) if corpus.is_corpus(file.name) else archived(file)


def load_bytes(path: str, data: bytes) -> Loaded:
    """Read a document that is already in memory; its content must be what the path's ending says.

    Raises `LoadError`.
    """
    check_name(path)
    if len(path) > MOST_PATH or "\0" in path:
        raise LoadError(f"its name is longer than {MOST_PATH} characters or holds a NUL")
    if len(data) > MOST_BYTES:
        raise LoadError(f"it is larger than {MOST_BYTES // 1024 // 1024} MB")
    if not data.strip():
        raise LoadError("it is empty")
    suffix = suffix_of(path)
    if suffix == ARCHIVE:
        raise LoadError("it is an archive within an archive: unpack it first")
    media_type, expected, read = _READERS[suffix]
    kinds.check(data, suffix=suffix, expected=expected)
    return _loaded(path, media_type, data, read(data))


def _load_line(path: str, raw: bytes) -> Loaded:
    """A document of a corpus. Raises `LoadError`, also where the file has changed since its lines were listed."""
    if not f"/{path}".endswith(f"/{corpus.parse(raw)[0]}"):
        raise LoadError("the corpus has changed meanwhile: try again")
    return _loaded(path, "text/plain", raw.strip(), corpus.extract(raw))


def _loaded(path: str, media_type: str, data: bytes, extract: Extract) -> Loaded:
    if not extract.sections:
        raise LoadError("it holds no text beyond its headings")
    if len(extract.text) > MOST_TEXT:
        raise LoadError(f"it holds more than {MOST_TEXT:,} characters of text: split it")
    title = extract.title or PurePosixPath(path).stem.replace("-", " ").replace("_", " ").strip().capitalize()
    digest = hashlib.sha256(data).hexdigest()
    return Loaded(
        path, media_type, title, extract.text, digest, extract.sections, extract.pages, _end(extract.valid_until)
    )


def _end(written: str) -> datetime | None:
    """The moment after which a document is not valid: of a date, the end of that day in UTC. Raises `LoadError`."""
    if not written:
        return None
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        raise LoadError(f"its valid_until is {written[:40]!r}: write a date such as 2027-01-31") from None
    if len(written) <= len("2027-01-31"):
        moment += timedelta(days=1)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _below(root: Path) -> list[Path]:
    found: list[Path] = []
    for folder, names, files in os.walk(root, followlinks=False):
        names[:] = sorted(name for name in names if not is_hidden(name))
        found.extend(Path(folder) / name for name in sorted(files) if not is_hidden(name))
    return found


def _source(file: Path, root: Path, *, alone: bool) -> Source:
    """A file's source. An archive that was named by itself is a folder; one in a folder is a folder in it.

    The documents of a corpus have their ids for paths, below the folder in which the corpus lies.
    """
    path = file.relative_to(root).as_posix()
    if corpus.is_corpus(path):
        folder = "" if alone or "/" not in path else f"{path.rpartition('/')[0]}/"
        return Source(file, str(file if alone else root), path, inside=folder)
    if suffix_of(path) != ARCHIVE:
        return Source(file, str(root), path)
    return Source(file, str(file), path) if alone else Source(file, str(root), path, inside=f"{path}/")


def _clash(source: Source, others: dict[str, Source]) -> str:
    other = others.get(source.path)
    if other is None or other.file == source.file:
        return ""
    return f"{source.file} would replace {other.file}, which has the same path: learn the folder above both"


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
