"""Markdown, as models write it, turned into the marks that WhatsApp shows; pure, and no word of it is lost.

WhatsApp knows `*bold*`, `_italic_`, `~strike~`, `` `code` ``, fenced blocks, `> quote`, `- item` and `1. item`;
headings, links, pictures and tables become the nearest thing. It must not know who wrote the text.
"""

import re
from collections.abc import Callable
from itertools import zip_longest

# Stands for something that is put back untouched at the end; such a character comes in no cleaned text.
_OPEN, _CLOSE = "\ue000", "\ue001"

_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[^\n`]*\n(.*?)(?:\n[ \t]*\1[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"(?<!`)(`{1,2})(?!`)(.+?)(?<!`)\1(?!`)")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_ADDRESS = re.compile(r"<((?:https?://|mailto:)[^\s<>]{1,2000})>|\b(?:https?://|www\.)[^\s<>()\[\]]{1,2000}")
_LINK = re.compile(r"(!?)\[([^\[\]\n]{0,1000})\]\(\s*<?([^\s()<>]{0,2000}(?:\([^\s()]{0,200}\)[^\s()<>]{0,200})?)>?"
                   r"(?:\s+[\"'][^\"'\n]{0,500}[\"'])?\s*\)")  # fmt: skip
_NAMED = re.compile(r"^[ ]{0,3}\[([^\[\]\n]{1,100})\]:[ \t]*<?(\S{1,2000}?)>?[ \t]*$\n?", re.MULTILINE)
_BY_NAME = re.compile(r"\[([^\[\]\n]{1,1000})\]\[([^\[\]\n]{0,100})\]")
_HEADING = re.compile(r"^[ ]{0,3}#{1,6}[ \t]+(.+?)[ \t]*#*[ \t]*$", re.MULTILINE)
_UNDERLINED = re.compile(r"^(?=[^\n]{0,200}\w)([^\n|]{1,200})\n[ ]{0,3}(?:=+|-{3,})[ \t]*$", re.MULTILINE)
_RULE = re.compile(r"^[ ]{0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$", re.MULTILINE)
_ITEM = re.compile(r"^([ \t]*)[*+-][ \t]+(?:\[([ xX])\][ \t]+)?", re.MULTILINE)
_NUMBERED = re.compile(r"^([ \t]*\d{1,9})\)[ \t]+", re.MULTILINE)
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_ROW = r"[ \t]*\|?[^\n|]*(?:\|[^\n|]*)+\|?[ \t]*"
_TABLE = re.compile(
    rf"^({_ROW})\n[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$((?:\n{_ROW}$)*)", re.MULTILINE
)
_BOTH = re.compile(r"(?<![\w*])\*\*\*(?=\S)([^\n]{1,500}?)(?<=\S)\*\*\*(?![\w*])")
_BOLD = (
    re.compile(r"\*\*(?=[^\s*])([^\n]{1,500}?)(?<=\S)\*\*(?!\*)"),
    re.compile(r"(?<!\w)__(?=[^\s_])([^\n]{1,500}?)(?<=\S)__(?!\w|\.\w)"),
)
_ITALIC = re.compile(r"(?<![\w*])\*(?=[^\s*])([^\n*]{1,500}?)(?<=[^\s*])\*(?![\w*])")
_STRIKE = re.compile(r"~~(?=\S)([^\n]{1,500}?)(?<=\S)~~")
# Bold until the end: a star that italics must not take for theirs.
_STAR = "\ue002"


def marked(text: str) -> str:
    """`text` with Markdown as WhatsApp's marks. What is no Markdown stays as it is."""
    kept: list[str] = []

    def keep(what: str) -> str:
        kept.append(what)
        return f"{_OPEN}{len(kept) - 1}{_CLOSE}"

    text = re.sub(f"[{_OPEN}{_CLOSE}{_STAR}]", "", text)
    text = _FENCE.sub(lambda found: keep(f"```{found[2]}```"), text)
    text = _CODE.sub(lambda found: keep(f"`{found[2].strip()}`"), text)
    text = _ESCAPED.sub(lambda found: keep(found[1]), text)
    text = _links(text, keep)
    text = _blocks(text)
    text = _spans(text)
    while _OPEN in text:
        text = re.sub(f"{_OPEN}(\\d+){_CLOSE}", lambda found: kept[int(found[1])], text)
    return text


def _links(text: str, keep: Callable[[str], str]) -> str:
    """Each address once, in words that can be tapped, and out of reach of the other rules."""
    named = {found[1].lower(): found[2] for found in _NAMED.finditer(text)}
    used: set[str] = set()

    def by_name(found: re.Match[str]) -> str:
        name = (found[2] or found[1]).lower()
        if name not in named:
            return found[0]
        used.add(name)
        return _said(found[1], named[name], keep)

    text = _LINK.sub(lambda found: _said(found[2], found[3], keep), text)
    text = _BY_NAME.sub(by_name, text)
    text = _NAMED.sub(lambda found: "" if found[1].lower() in used else found[0], text)
    return _ADDRESS.sub(lambda found: keep((found[1] or found[0]).removeprefix("mailto:")), text)


def _said(words: str, address: str, keep: Callable[[str], str]) -> str:
    where = address.removeprefix("mailto:").removeprefix("tel:")
    if not where or words.strip() in (where, address):
        return keep(where) if where else words
    return f"{words} ({keep(where)})" if words.strip() else keep(where)


def _blocks(text: str) -> str:
    text = _BREAK.sub("\n", text)
    text = _TABLE.sub(_rows, text)
    text = _UNDERLINED.sub(lambda found: _title(found[1]), text)
    text = _HEADING.sub(lambda found: _title(found[1]), text)
    text = _RULE.sub("———", text)
    text = _ITEM.sub(lambda found: f"{found[1]}- {_tick(found[2])}", text)
    return _NUMBERED.sub(r"\1. ", text)


def _title(words: str) -> str:
    """A heading is bold; what is bold in it already needs no more."""
    plain = re.sub(r"\*\*|__", "", words.strip())
    return f"{_STAR}{plain}{_STAR}" if plain else ""


def _tick(mark: str | None) -> str:
    return "" if mark is None else "☐ " if mark == " " else "☑ "


def _rows(table: re.Match[str]) -> str:
    """A table as a list: each row is an item, each cell is named by its column."""
    names = _cells(table[1])
    items = []
    for line in table[2].strip("\n").split("\n") if table[2].strip() else []:
        cells = _cells(line)
        named = zip_longest(names, cells, fillvalue="")
        items.append("- " + ", ".join(f"{head}: {cell}" if head else cell for head, cell in named if cell))
    return "\n".join(items) if items else ", ".join(names)


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip().removeprefix("|").removesuffix("|").split("|")]


def _spans(text: str) -> str:
    text = _BOTH.sub(rf"{_STAR}_\1_{_STAR}", text)
    for bold in _BOLD:
        text = bold.sub(rf"{_STAR}\1{_STAR}", text)
    text = _ITALIC.sub(r"_\1_", text)
    return _STRIKE.sub(r"~\1~", text).replace(_STAR, "*")
