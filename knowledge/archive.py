"""Zip archives: what is in them and one member at a time, bounded. Writes no file and follows no link."""

import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from knowledge.paths import clean_path, is_hidden
from sahut.errors import LoadError

MOST_ARCHIVE_BYTES = 500 * 1024 * 1024
MOST_MEMBERS = 10_000
_UTF8_NAME = 0x800
_LOCKED = 0x1


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive: its place in the list of all, and its path. `refused` says why it is not read."""

    number: int
    path: str
    refused: str = ""


def members(file: Path) -> list[Member]:
    """The files of an archive; hidden ones and folders are passed over. Raises `LoadError`."""
    if file.stat().st_size > MOST_ARCHIVE_BYTES:
        raise LoadError(f"it is larger than {MOST_ARCHIVE_BYTES // 1024 // 1024} MB: split it")
    with _opened(file) as archive:
        infos = archive.infolist()
    if len(infos) > MOST_MEMBERS:
        raise LoadError(f"it holds more than {MOST_MEMBERS} files: split it")
    found: dict[str, Member] = {}
    refused: list[Member] = []
    for number, info in enumerate(infos):
        if info.is_dir():
            continue
        member = _member(number, info)
        if not member.refused and is_hidden(member.path):
            continue
        if not member.refused and member.path in found:
            member = Member(number, member.path, "the archive holds another file of this name")
        if member.refused:
            refused.append(member)
        else:
            found[member.path] = member
    return [*found.values(), *refused]


def read_member(file: Path, number: int, most_bytes: int) -> bytes:
    """The bytes of a member, up to one more than `most_bytes`, whatever its header promises. Raises `LoadError`."""
    with _opened(file) as archive:
        infos = archive.infolist()
        if number >= len(infos):
            raise LoadError("the archive has changed meanwhile: try again")
        with archive.open(infos[number]) as stream:
            return stream.read(most_bytes + 1)


@contextmanager
def _opened(file: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(file) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise LoadError("the archive is damaged or packed in a way that is not read: pack it again as zip") from error
    except OSError as error:
        raise LoadError(f"it cannot be opened: {error.strerror or 'the archive is damaged'}") from error


def _member(number: int, info: zipfile.ZipInfo) -> Member:
    name = _name(info)
    try:
        path = clean_path(name)
    except LoadError as error:
        return Member(number, name[:200], str(error))
    if info.flag_bits & _LOCKED:
        return Member(number, path, "it has a password: pack it without one")
    if stat.S_ISLNK(info.external_attr >> 16):
        return Member(number, path, "it is a link: pack the file itself")
    return Member(number, path)


def _name(info: zipfile.ZipInfo) -> str:
    """The name as it was meant: many packers write UTF-8 without saying so, which is then read as an old code page."""
    name = info.orig_filename
    if info.flag_bits & _UTF8_NAME:
        return name
    try:
        return name.encode("cp437").decode("utf-8")
    except UnicodeError:
        return name
