"""A shelf of files, to be sent or received: bytes under the SHA-256 of their content. Knows no table and no channel."""

import hashlib
import os
import tempfile
import time
from pathlib import Path

_PIECE = 1024 * 1024


class Shelf:
    """A folder of files named by their content, so that none is changed behind its name. Blocking: use threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, data: bytes) -> str:
        """Keep the bytes; their hash. What is there already is left as it is."""
        digest = hashlib.sha256(data).hexdigest()
        target = self._place(digest)
        if not target.exists():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._folder, prefix=".new-")
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            Path(name).replace(target)
        return digest

    def room(self) -> Path:
        """A place for a file that is still coming; `settle` it, or remove it."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._folder, prefix=".new-")
        os.close(handle)
        return Path(name)

    def settle(self, place: Path, digest: str) -> None:
        """Keep a file that came, whose SHA-256 is known."""
        with place.open("rb") as stream:
            os.fsync(stream.fileno())
        place.replace(self._place(digest))

    def find(self, digest: str, *, root: str = "", path: str = "") -> Path | None:
        """The file with this content; taken again from where it was learned if it is not here. `None`: it is gone."""
        place = self._place(digest)
        if _holds(place, digest):
            return place
        place.unlink(missing_ok=True)
        origin = Path(root) / path
        inside = bool(root) and origin.resolve().is_relative_to(Path(root).resolve())
        if inside and _holds(origin, digest):
            self.put(origin.read_bytes())
        return place if _holds(place, digest) else None

    def older(self, age_s: float) -> list[str]:
        """The names of all files here that nobody has touched for so long, those of downloads that broke off too."""
        if not self._folder.is_dir():
            return []
        with os.scandir(self._folder) as entries:
            return sorted(entry.name for entry in entries if entry.is_file() and _is_older(Path(entry.path), age_s))

    def remove_older(self, name: str, age_s: float) -> bool:
        """Forget a file unless somebody has touched it meanwhile: the same content came again. Whether it went."""
        place = self._place(name)
        is_older = _is_older(place, age_s)
        if is_older:
            place.unlink(missing_ok=True)
        return is_older

    def remove(self, digest: str) -> None:
        """Forget a file, if it is here."""
        self._place(digest).unlink(missing_ok=True)

    def _place(self, digest: str) -> Path:
        return self._folder / digest


def _holds(file: Path, digest: str) -> bool:
    if not file.is_file():
        return False
    found = hashlib.sha256()
    with file.open("rb") as stream:
        while piece := stream.read(_PIECE):
            found.update(piece)
    return found.hexdigest() == digest


def _is_older(file: Path, age_s: float) -> bool:
    """Whether nobody has touched a file for so long; one that is gone by now is somebody else's matter."""
    try:
        return file.stat().st_mtime <= time.time() - age_s
    except FileNotFoundError:
        return False


def outgoing_shelf(home: Path) -> Shelf:
    """The files that may be sent to customers, in the data folder."""
    return Shelf(home / "media")


def incoming_shelf(home: Path) -> Shelf:
    """The files that customers sent, in the data folder."""
    return Shelf(home / "incoming")
