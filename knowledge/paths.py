"""The paths of documents that came with a name from outside: uploads and members of archives. Touches no disk."""

import re
import unicodedata

from sahut.errors import LoadError

MOST_PATH = 1024
_DRIVE = re.compile(r"^[a-zA-Z]:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u200b\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def clean_path(name: str) -> str:
    """A relative POSIX path. Raises `LoadError` for a name that leads out of its folder or holds what none should."""
    if _CONTROL.search(name):
        raise LoadError("its name holds control characters: rename it")
    path = unicodedata.normalize("NFC", _DRIVE.sub("", name.replace("\\", "/")))
    parts = [part.strip() for part in path.split("/")]
    parts = [part for part in parts if part not in ("", ".")]
    if ".." in parts:
        raise LoadError("its name leads out of its folder: rename it")
    path = "/".join(parts)
    if not path:
        raise LoadError("it has no name")
    if len(path) > MOST_PATH:
        raise LoadError(f"its name is longer than {MOST_PATH} characters: shorten it")
    return path


def is_hidden(path: str) -> bool:
    """Whether a path is one of those that systems keep for themselves (`.git/...`, `__MACOSX/...`, `Thumbs.db`)."""
    return any(part.startswith((".", "__MACOSX", "~$")) or part == "Thumbs.db" for part in path.split("/"))
