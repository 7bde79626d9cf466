"""The organisation's own files that customers may be sent: forms, price lists, pictures. Reads no text in them.

Every PDF, office file, JPEG and PNG that is learned may be sent. Its name is the first line of `<file>.caption` beside
it, else the title of the document that was learned from it, else the file's own; further lines are other names that
customers may call it by, in other languages for instance.
"""

import asyncio
import os
import stat
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from sahut.clock import SystemClock
from sahut.errors import LoadError
from sahut.models import Attachment
from sahut.ports import Clock
from sahut.shelf import Shelf
from sahut.store import Store, library, media

SIDECAR = ".caption"
MOST_NAME = 100
MOST_FILENAME = 120
MOST_NAMES = 10
MB = 1024 * 1024
# Meta's limits for what is uploaded; each kind with what its files begin with.
MOST_BYTES = {"document": 100 * MB, "image": 5 * MB}
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_OFFICE = "application/vnd.openxmlformats-officedocument."


class Kind(NamedTuple):
    """How WhatsApp sends a kind of file (`document` or `image`), its media type, and its first bytes."""

    sent_as: str
    media_type: str
    begins: bytes


KINDS = {
    ".pdf": Kind("document", "application/pdf", b"%PDF-"),
    ".docx": Kind("document", f"{_OFFICE}wordprocessingml.document", _ZIP),
    ".xlsx": Kind("document", f"{_OFFICE}spreadsheetml.sheet", _ZIP),
    ".pptx": Kind("document", f"{_OFFICE}presentationml.presentation", _ZIP),
    ".doc": Kind("document", "application/msword", _OLE),
    ".xls": Kind("document", "application/vnd.ms-excel", _OLE),
    ".ppt": Kind("document", "application/vnd.ms-powerpoint", _OLE),
    ".jpg": Kind("image", "image/jpeg", b"\xff\xd8\xff"),
    ".jpeg": Kind("image", "image/jpeg", b"\xff\xd8\xff"),
    ".png": Kind("image", "image/png", b"\x89PNG\r\n\x1a\n"),
}


@dataclass(frozen=True, slots=True)
class AttachReport:
    """Files that may be sent now, by path; those no longer, and those refused with the reason."""

    sendable: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _File:
    file: Path
    root: str
    path: str


def is_sendable(path: str) -> bool:
    """Whether a file of this name may be sent, told by its ending."""
    return Path(path).suffix.lower() in KINDS


async def attach(
    store: Store,
    shelf: Shelf,
    paths: Sequence[Path],
    *,
    collection: str = "default",
    dry_run: bool = False,
    prune: bool = False,
    clock: Clock | None = None,
) -> AttachReport:
    """Bring the files that may be sent level with files and folders that were learned.

    With `prune`, files that came from the same folders and are no longer there are sent to nobody any more.
    """
    clock = clock or SystemClock()
    found = await asyncio.to_thread(_find, paths)
    done: list[str] = []
    failed: list[tuple[str, str]] = []
    for one in found:
        try:
            data, names = await asyncio.to_thread(_read, one)
            if dry_run:
                checked(one.path, data)
            else:
                await attach_bytes(
                    store, shelf, one.path, data, names=names, root=one.root, collection=collection, clock=clock
                )
            done.append(one.path)
        except LoadError as error:
            failed.append((one.path, str(error)))
    there = {one.path for one in found}
    folders = [str(path.resolve()) for path in paths if path.is_dir()]
    async with store.reading() as tx:
        gone = [row.path for row in await media.under(tx, collection, folders) if row.path not in there]
    removed = gone if prune else []
    if removed and not dry_run:
        async with store.transaction() as tx:
            for path in removed:
                await media.remove(tx, collection, path, now=clock.now())
    return AttachReport(tuple(done), tuple(removed), tuple(failed))


async def attach_bytes(
    store: Store,
    shelf: Shelf,
    path: str,
    data: bytes,
    *,
    names: Sequence[str] = (),
    root: str = "",
    collection: str = "default",
    clock: Clock | None = None,
) -> Attachment:
    """Make one file sendable, such as an upload. Raises `LoadError` for what WhatsApp would not take."""
    kind = checked(path, data)
    digest = await asyncio.to_thread(shelf.put, data)
    async with store.transaction() as tx:
        document = await library.find(tx, collection, path)
        stem = Path(path).stem.replace("-", " ").replace("_", " ").capitalize()
        titles = [*names, *([document.title] if document and not names else []), *([] if names else [stem])]
        known = list(dict.fromkeys(name for title in titles if (name := plain(title, MOST_NAME))))[:MOST_NAMES]
        wanted = Attachment(
            collection=collection,
            root=root,
            path=path,
            name=known[0] if known else "File",
            names=known or ["File"],
            filename=_filename(path),
            kind=kind.sent_as,
            media_type=kind.media_type,
            hash=digest,
            size_bytes=len(data),
            updated_at=(clock or SystemClock()).now(),
        )
        return await media.put(tx, wanted)


def checked(path: str, data: bytes) -> Kind:
    """The kind of a file that WhatsApp takes. Raises `LoadError` for another one, a lie about it, too many bytes."""
    kind = KINDS.get(Path(path).suffix.lower())
    if kind is None:
        raise LoadError(f"this kind of file cannot be sent (known: {', '.join(sorted(KINDS))})")
    if len(path) > 1024 or "\0" in path:
        raise LoadError("its path is longer than 1024 characters or holds a NUL")
    most = MOST_BYTES[kind.sent_as]
    if len(data) > most:
        raise LoadError(f"it is larger than {most // MB} MB, which is WhatsApp's limit for this kind")
    if not data.startswith(kind.begins):
        raise LoadError(f"it is not what its name says: a {Path(path).suffix.lower()} file begins otherwise")
    return kind


def plain(text: str, most: int) -> str:
    """Text on one line without characters that are not seen, cut at `most` characters."""
    seen = "".join(" " if c.isspace() else c for c in text if c.isspace() or unicodedata.category(c)[0] != "C")
    return " ".join(seen.split())[:most].strip()


def _filename(path: str) -> str:
    """The name under which a customer gets the file: of the path its last part, cut in the middle where it is long."""
    name = plain(path.replace("\\", "/").rsplit("/", 1)[-1], 1024)
    suffix = Path(path).suffix.lower()
    stem = name[: -len(suffix)] if name.lower().endswith(suffix) else name
    return f"{stem[: MOST_FILENAME - len(suffix)].strip(' .') or 'file'}{suffix}"


def _find(paths: Sequence[Path]) -> list[_File]:
    found: dict[str, _File] = {}
    for given in paths:
        root = (given if given.is_dir() else given.parent).resolve()
        for file in _below(root) if given.is_dir() else [root / given.name]:
            path = file.relative_to(root).as_posix()
            if is_sendable(path):
                found.setdefault(path, _File(file, str(root), path))
    return [found[path] for path in sorted(found)]


def _below(root: Path) -> list[Path]:
    files = []
    for folder, names, inside in os.walk(root, followlinks=False):
        names[:] = sorted(name for name in names if not name.startswith("."))
        files += [Path(folder) / name for name in sorted(inside) if not name.startswith(".")]
    return files


def _read(one: _File) -> tuple[bytes, tuple[str, ...]]:
    """The bytes of a file and the names in its sidecar. Raises `LoadError`."""
    try:
        one.path.encode("utf-8")
        target = one.file.resolve(strict=True)
        if not target.is_relative_to(one.root):
            raise LoadError("it is a link that leads out of the folder")
        if not stat.S_ISREG(target.stat().st_mode):
            raise LoadError("it is not a regular file")
        with target.open("rb") as stream:
            data = stream.read(max(MOST_BYTES.values()) + 1)
    except UnicodeEncodeError:
        raise LoadError("its name is not valid UTF-8") from None
    except OSError as error:
        raise LoadError(f"it cannot be opened: {error.strerror or error}") from error
    sidecar = one.file.with_name(one.file.name + SIDECAR)
    if not sidecar.is_file() or not sidecar.resolve().is_relative_to(one.root):
        return data, ()
    with sidecar.open("rb") as stream:
        lines = stream.read(4096).decode("utf-8-sig", "replace").splitlines()
    return data, tuple(line for line in lines if line.strip())
