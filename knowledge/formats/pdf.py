"""PDF to lines of text with their places, by PDFium; `layout.py` makes headings and tables of them. Never renders.

PDFium is a large C++ library: call this in the sandbox only.
"""

import ctypes
import re
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from typing import Any

from knowledge.formats.layout import Cell, Line, read_lines
from knowledge.text import Extract
from sahut.errors import LoadError

MOST_PAGES = 5000
# Fewer letters than this on all pages together are stamps and page numbers, not a document.
_LEAST_LETTERS = 12
# So many times its height of white space parts a line into cells; words stand about a quarter apart.
_CELL_GAP = 0.55
_BOLD = (b"bold", b"black", b"heavy")
_NO_TITLE = re.compile(
    r"\.(?:docx?|pptx?|xlsx?|odt|rtf|indd|pdf|html?)$|^(?:untitled|title|document\d*)$", re.IGNORECASE
)
_SOFT_HYPHENS = "\x02\ufffe\u00ad"


def read_pdf(data: bytes) -> Extract:
    """Text page by page, running heads left out, headings by their size. Raises `LoadError`."""
    import pypdfium2 as pdfium
    from pypdfium2 import raw

    try:
        document = pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        if error.err_code == raw.FPDF_ERR_PASSWORD:
            raise LoadError("it has a password: save it without one and try again") from error
        raise LoadError("it is damaged: no PDF reader opens it") from error
    with document:
        if len(document) > MOST_PAGES:
            raise LoadError(f"it has {len(document)} pages; up to {MOST_PAGES} are read: split it")
        pages = [_lines(document, number) for number in range(len(document))]
        letters = sum(c.isalnum() for page in pages for line in page for cell in line.cells for c in cell.text)
        if letters < _LEAST_LETTERS:
            raise LoadError(
                f"it has no text on its {len(pages)} pages, so it is a scan: "
                "run text recognition (OCR) over it and try again"
            )
        return read_lines(pages, title=_title(document.get_metadata_dict().get("Title", "")))


def _title(said: str) -> str:
    """The title that the file says, unless it is the name of another file or what programs say for want of one."""
    said = said.removeprefix("Microsoft Word - ").removeprefix("Microsoft PowerPoint - ").strip()
    return "" if _NO_TITLE.search(said) else said


def _lines(document: Any, number: int) -> list[Line]:
    """The lines of a page; none where the page itself is broken, because the others may be whole."""
    import pypdfium2 as pdfium

    try:
        page = document[number]
    except pdfium.PdfiumError:
        return []
    with closing(page), closing(page.get_textpage()) as text:
        return list(_Text(text).lines())


class _Text:
    """The characters of one page. Those that stand in the file have places; white space is PDFium's own guess."""

    def __init__(self, page: Any) -> None:
        from pypdfium2 import raw

        self._raw = raw
        self._page = page
        self._characters = [chr(raw.FPDFText_GetUnicode(page, index)) for index in range(page.count_chars())]

    def lines(self) -> Iterator[Line]:
        """The lines in the order in which they were written."""
        run: list[int] = []
        for index, character in enumerate(self._characters):
            if character not in "\r\n":
                run.append(index)
                continue
            yield from self._line(run)
            run = []
        yield from self._line(run)

    def _line(self, run: list[int]) -> Iterator[Line]:
        """The run of characters as a line, its cells told apart by the space between them."""
        seen = [index for index in run if not self._characters[index].isspace()]
        if not seen:
            return
        # The size is that of the last word: a bullet at the beginning may be larger.
        last = self._box(seen[-1])
        height = max(last.top - last.bottom, 1.0)
        cells: list[Cell] = []
        begin, left = seen[0], self._box(seen[0]).left
        for before, after in pairwise(seen):
            if after == before + 1:
                continue
            end, start = self._box(before), self._box(after)
            if start.left - end.right > _CELL_GAP * height:
                cells.append(Cell(left, end.right, self._words(begin, before)))
                begin, left = after, start.left
        cells.append(Cell(left, max(last.right, left), self._words(begin, seen[-1])))
        bold = self._is_bold(seen[0]) and self._is_bold(seen[-1])
        broken = self._characters[run[-1]] in _SOFT_HYPHENS
        yield Line(tuple(cells), top=last.top, bottom=last.bottom, bold=bold, broken=broken)

    def _box(self, index: int) -> Any:
        """The place of a character with the room of its font around it, in points from the lower left corner."""
        box = self._raw.FS_RECTF()
        self._raw.FPDFText_GetLooseCharBox(self._page, index, ctypes.byref(box))
        return box

    def _is_bold(self, index: int) -> bool:
        """By the font's name: the weight that PDFium tells is a guess that says 0 for standard fonts."""
        name, flags = ctypes.create_string_buffer(128), ctypes.c_int()
        self._raw.FPDFText_GetFontInfo(self._page, index, name, len(name), ctypes.byref(flags))
        return any(word in name.value.lower() for word in _BOLD)

    def _words(self, first: int, last: int) -> str:
        """PDFium gives characters beyond the first plane as two halves; together they are one again."""
        text = "".join(self._characters[first : last + 1])
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").strip()
