"""Markdown to plain text with headings: what a customer should read, without the marks. Knows no HTML beyond tags.

A line reader for the Markdown that people write in handbooks, not a CommonMark engine: block quotes are flattened
and reference links keep their words.
"""

import re
from dataclasses import replace

from knowledge.text import Extract, TextBuilder, clean, one_line

_HEADING = re.compile(r"^ {0,3}(#{1,6})(?:[ \t]+|$)(.*)$")
_CLOSING = re.compile(r"(?:\A|[ \t])#+\Z")
_SETEXT = re.compile(r"^ {0,3}(=+|-+)[ \t]*$")
_RULE = re.compile(r"^ {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$")
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_ITEM = re.compile(r"^\s*(?:[-*+]|(\d{1,9})[.)])[ \t]+(?:\[[ xX]\][ \t]+)?(.*)$")
_QUOTE = re.compile(r"^ {0,3}(?:>[ ]?)+")
_TABLE_RULE = re.compile(r"^\s*(?:\|\s*)?:?-{2,}:?\s*(?:\|\s*:?-{2,}:?\s*)*(?:\|\s*)?$")
_CELL = re.compile(r"(?<!\\)\|")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_FRONT = re.compile(r"\A---[ \t]*\n(.*?\n)?(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FRONT_END = re.compile(r"^valid[_ -]until:[ \t]*(.+)$", re.MULTILINE | re.IGNORECASE)
_FRONT_TITLE = re.compile(r"^title:[ \t]*(.+)$", re.MULTILINE)
_DEFINITION = re.compile(r"^ {0,3}\[[^\[\]\n]+\]:[ \t]*\S+.*$", re.MULTILINE)

# Every repeat has a bound or stops at the mark that it begins with: a page of nothing but open marks must not cost
# the square of its length.
_INLINE: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"!\[([^\[\]]*)\]\([^)\[]*\)"), r"\1"),
    (re.compile(r"\[([^\[\]]+)\]\[[^\[\]]*\]"), r"\1"),
    (re.compile(r"<((?:https?://|mailto:)[^<>\s]+)>"), r"\1"),
    (re.compile(r"</?[a-zA-Z][^<>]{0,300}>"), ""),
    (re.compile(r"(?<![\w\\`])(`{1,9})(?!`)(.{1,300}?)(?<!`)\1(?!`)"), r"\2"),
    (re.compile(r"(?<!\\)\*\*(?=\S)((?:[^*\n]|\*(?!\*))+)(?<=\S)\*\*"), r"\1"),
    (re.compile(r"(?<![\w\\])__(?=\S)(.{1,300}?)(?<=\S)__(?!\w)"), r"\1"),
    (re.compile(r"(?<![\w\\*])\*(?=[^\s*])(.{1,300}?)(?<=[^\s*])\*(?![\w*])"), r"\1"),
    (re.compile(r"(?<![\w\\_])_(?=[^\s_])(.{1,300}?)(?<=[^\s_])_(?!\w)"), r"\1"),
    (re.compile(r"~~(?=\S)(.{1,300}?)(?<=\S)~~"), r"\1"),
    (re.compile(r"\\([!-/:-@\[-`{-~])"), r"\1"),
)
_LINK = re.compile(r"\[([^\[\]]+)\]\(\s{0,9}<?([^)\s>\[]*)>?(?:\s{1,9}[\"'(][^)\[]*)?\)")


def read_markdown(text: str) -> Extract:
    """Headings, paragraphs with their soft line breaks joined, list items as lines, table rows as named cells."""
    text = clean(text)
    title = end = ""
    if front := _FRONT.match(text):
        title = _said(_FRONT_TITLE, front.group(1) or "")
        end = _said(_FRONT_END, front.group(1) or "")
        text = text[front.end() :]
    text = _DEFINITION.sub("", _COMMENT.sub("", text))
    return replace(_Reader(text.split("\n")).read(title), valid_until=end)


def _said(pattern: re.Pattern[str], front: str) -> str:
    found = pattern.search(front)
    return found.group(1).strip().strip("\"'") if found else ""


def inline(text: str) -> str:
    """A run of Markdown without its marks; an absolute link keeps its address behind the words."""
    text = _LINK.sub(_link, text)
    for pattern, replacement in _INLINE:
        text = pattern.sub(replacement, text)
    return text


def _link(match: re.Match[str]) -> str:
    words, address = match.group(1), match.group(2)
    bare = address.removeprefix("mailto:").removeprefix("tel:")
    if not re.match(r"(?:https?://|mailto:|tel:)", address) or bare in words:
        return words
    return f"{words} ({bare})"


class _Reader:
    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self._at = 0
        self._builder = TextBuilder()
        self._paragraph: list[str] = []
        self._is_item = False
        self._after_item = False

    def read(self, title: str) -> Extract:
        while self._at < len(self._lines):
            line = _QUOTE.sub("", self._lines[self._at])
            self._at += 1
            self._line(line)
        self._flush()
        return self._builder.finish(title)

    def _line(self, line: str) -> None:
        if not line.strip():
            self._flush()
        elif fence := _FENCE.match(line):
            self._code(fence.group(1))
        elif heading := _HEADING.match(line):
            self._flush()
            text = _CLOSING.sub("", heading.group(2).rstrip())
            self._builder.heading(len(heading.group(1)), inline(text))
        elif (under := _SETEXT.match(line)) and self._paragraph and not self._is_item:
            text = " ".join(self._paragraph)
            self._paragraph = []
            self._builder.heading(1 if under.group(1)[0] == "=" else 2, inline(text))
        elif _RULE.match(line):
            self._flush()
        elif "|" in line and self._at < len(self._lines) and _TABLE_RULE.match(self._lines[self._at]):
            self._table(line)
        elif item := _ITEM.match(line):
            self._flush()
            self._is_item = True
            self._paragraph = [(f"{item.group(1)}. " if item.group(1) else "- ") + item.group(2)]
        else:
            self._paragraph.append(line.strip() + ("\n" if line.endswith(("  ", "\\")) else ""))

    def _flush(self) -> None:
        if self._paragraph:
            text = inline(" ".join(self._paragraph).replace("\\\n", "\n"))
            self._builder.block(text, tight=self._is_item and self._after_item)
            self._after_item = self._is_item
        self._paragraph = []
        self._is_item = False

    def _code(self, fence: str) -> None:
        self._flush()
        body = []
        while self._at < len(self._lines):
            line = self._lines[self._at]
            self._at += 1
            if line.strip().startswith(fence) and not line.strip().strip(fence[0]):
                break
            body.append(line)
        self._builder.block("\n".join(body))

    def _table(self, header: str) -> None:
        self._flush()
        rows = [_cells(header)]
        self._at += 1
        while self._at < len(self._lines) and "|" in self._lines[self._at]:
            rows.append(_cells(self._lines[self._at]))
            self._at += 1
        self._builder.table(rows, headed=True)
        self._after_item = False


def _cells(line: str) -> list[str]:
    cells = _CELL.split(line.strip().removeprefix("|"))
    if cells and not cells[-1].strip():
        cells.pop()
    return [one_line(inline(cell.replace("\\|", "|"))) for cell in cells]
