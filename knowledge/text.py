"""The extracted text of a document: decoding, cleaning, and the builder that keeps headings and spans.

Knows no file format and no file system. Offsets everywhere are code points into the text that is built here.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from sahut.errors import LoadError

_NEWLINES = re.compile(r"\r\n?|[\u2028\u2029\x85\x0b\x0c]")
# Control characters, byte-order marks, soft hyphens, zero-width spaces, bidirectional overrides and halves of
# surrogate pairs: none of them is something a reader sees, the overrides can make a quote read differently from what
# it says, and no database holds the halves.
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ufeff\u00ad\u200b\u202a-\u202e\u2066-\u2069\ufffe\uffff\ud800-\udfff]"
)
_SPACES = re.compile(r"[^\S\n]+")
_BINARY = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_BINARY_SHARE = 0.02


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of the text under one heading path; `text[start:end]` is its body, without the headings."""

    headings: tuple[str, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Extract:
    """What a format reader found: title (may be empty), text, and the sections in order.

    `pages` are the offsets in `text` where page 1, 2, ... begin; empty where the format has no pages. `valid_until` is
    what the document says of its own end, as it is written.
    """

    title: str
    text: str
    sections: tuple[Section, ...]
    pages: tuple[int, ...] = ()
    valid_until: str = ""


def decode(data: bytes, *, declared: str = "") -> str:
    """The characters of `data`: by byte-order mark, as UTF-8, as `declared`, or as Windows-1252.

    Raises `LoadError` where the bytes are no text.
    """
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    for name in filter(None, ["utf-16"] if wide else ["utf-8-sig", declared, "cp1252"]):
        try:
            text = data.decode(name)
        except (UnicodeError, LookupError):
            continue
        most = max(3, len(text) * _BINARY_SHARE) if name == "utf-8-sig" else 0
        if len(_BINARY.findall(text)) > most:
            break
        return text
    raise LoadError("this is not text in an encoding that can be told")


def clean(text: str) -> str:
    """NFC, one kind of newline, no invisible characters. Other white space is kept."""
    text = _INVISIBLE.sub("", _NEWLINES.sub("\n", text))
    return unicodedata.normalize("NFC", text)


def contextual(title: str, headings: Sequence[str], text: str) -> str:
    """A chunk as it is embedded and counted: under its title and headings, which often alone name its subject."""
    return "\n".join([" > ".join(dict.fromkeys([title, *headings])), text])


def one_line(text: str) -> str:
    """`text` on one line, single spaces, trimmed."""
    return _SPACES.sub(" ", text.replace("\n", " ")).strip()


class TextBuilder:
    """Collects blocks and headings in reading order and ends as an `Extract`.

    Heading lines stand in the text too, so that it reads naturally, but outside every section's span.
    """

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._path: list[tuple[int, str]] = []
        self._sections: list[Section] = []
        self._start: int | None = None
        self._pages: list[int] = []
        self._turned = 0

    def page(self) -> None:
        """Turn to the next page: the first call opens page 1."""
        self._turned += 1

    def heading(self, level: int, text: str) -> None:
        """Open a section under a heading of `level` (1 is the highest), closing those of its level and deeper."""
        heading = one_line(clean(text))
        if not heading:
            return
        self.close(level)
        self._append(heading, "\n\n")
        self._path.append((level, heading))

    def close(self, level: int) -> None:
        """End the sections of `level` or deeper; what follows belongs to the heading above them."""
        self._end_section()
        while self._path and self._path[-1][0] >= level:
            self._path.pop()

    def block(self, text: str, *, tight: bool = False) -> None:
        """A paragraph, or with `tight` a line that goes with the one before it (list items, table rows)."""
        body = "\n".join(line for part in clean(text).split("\n") if (line := one_line(part)))
        if not body:
            return
        start = self._append(body, "\n" if tight and self._start is not None else "\n\n")
        if self._start is None:
            self._start = start

    def table(self, rows: list[list[str]], *, headed: bool) -> None:
        """A table, one line a row. Under a header row each cell is named, so that a row can be quoted alone."""
        rows = [row for row in rows if any(cell.strip() for cell in row)]
        names = rows.pop(0) if headed and rows else []
        for number, row in enumerate(rows):
            self.block(table_line(row, names), tight=number > 0)

    def finish(self, title: str = "", *, titled: bool = True) -> Extract:
        """The extract. With `titled` the first heading stands in for a missing title; it then leaves the paths."""
        self._end_section()
        title = one_line(clean(title)) or (self._first_heading() if titled else "")
        sections = tuple(Section(_without_title(s.headings, title), s.start, s.end) for s in self._sections)
        self._pages.extend([self._length] * self._turned)
        return Extract(title, "".join(self._parts), sections, tuple(self._pages))

    def _first_heading(self) -> str:
        if self._sections and self._sections[0].headings:
            return self._sections[0].headings[0]
        return self._path[0][1] if self._path and not self._sections else ""

    def _append(self, text: str, separator: str) -> int:
        if self._parts:
            self._parts.append(separator)
            self._length += len(separator)
        start = self._length
        self._pages.extend([start] * self._turned)
        self._turned = 0
        self._parts.append(text)
        self._length += len(text)
        return start

    def _end_section(self) -> None:
        if self._start is not None:
            self._sections.append(Section(tuple(text for _, text in self._path), self._start, self._length))
            self._start = None


def table_line(cells: list[str], names: list[str]) -> str:
    """One table row as a line: `Name: cell; Name: cell`, or the cells alone where they have no names."""
    cells = [one_line(cell) for cell in cells]
    if not names:
        return "; ".join(cell for cell in cells if cell)
    padded = [*(one_line(name) for name in names), *[""] * len(cells)]
    return "; ".join(f"{name}: {cell}" if name else cell for name, cell in zip(padded, cells, strict=False) if cell)


def _without_title(headings: tuple[str, ...], title: str) -> tuple[str, ...]:
    return headings[1:] if headings and headings[0] == title else headings
