"""HTML to plain text with headings: the page's content without its furniture. Never fetches anything."""

import re
from dataclasses import replace
from typing import Any

from knowledge.formats.rows import add_facts
from knowledge.text import Extract, TextBuilder, decode, one_line

_FURNITURE = (
    "script, style, nav, footer, noscript, template, svg, iframe, button, select, textarea, label, head, aside, "
    "dialog, object, canvas, [hidden], [aria-hidden=true], [role=navigation], [role=contentinfo], [role=search]"
)
_HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}
# Accordions and definition lists: the question is a heading for as long as its own element lasts.
_SMALL_HEADINGS = {"summary": 7, "dt": 7}
_SCOPES = {"details", "dl"}
_BLOCKS = {
    *("p", "div", "section", "article", "main", "header", "ul", "ol", "li", "dd", "blockquote", "pre", "figure"),
    *("figcaption", "address", "details", "dl", "fieldset", "hr", "body", "center"),
}
_CHARSET = re.compile(rb"""<meta[^>]+charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]+)""", re.IGNORECASE)
# `form` is no furniture: some site builders wrap the whole page in one.
_SITE_NAME = re.compile(r"\s+[|\u2013\u2014\u00b7»-]\s+.*$")
_CHARSET_WITHIN = 4096
_MOST_SPAN = 100


def read_page(data: bytes) -> Extract:
    """The content of a page: `<main>` where there is exactly one, else the body. Raises `LoadError`."""
    from selectolax.lexbor import LexborHTMLParser

    declared = _CHARSET.search(data[:_CHARSET_WITHIN])
    tree = LexborHTMLParser(decode(data, declared=declared.group(1).decode("ascii") if declared else ""))
    head = tree.css_first("title")
    title = _SITE_NAME.sub("", one_line(head.text())) if head else ""
    end = tree.css_first("meta[name=valid-until i], meta[name=valid_until i]")
    until = one_line(end.attributes.get("content") or "") if end is not None else ""
    body: Any = tree.body
    if body is None:
        return TextBuilder().finish(title)
    for node in tree.css(_FURNITURE):
        if node.mem_id != body.mem_id:
            node.decompose()
    mains = tree.css("main, [role=main]")
    first = tree.css_first("h1")
    if len(mains) == 1:
        body = mains[0]
    else:
        for header in tree.css("body > header"):
            if header.css_first("h1") is None:
                header.decompose()
    return replace(_Walker().read(body, one_line(first.text()) if first else title), valid_until=until)


def read_body(html: str, title: str) -> Extract:
    """HTML that another program made of a document: all of it is content, and every table is one of facts."""
    from selectolax.lexbor import LexborHTMLParser

    body: Any = LexborHTMLParser(html).body
    if body is None:
        return TextBuilder().finish(title)
    return _Walker(made=True).read(body, title)


class _Walker:
    """Walks the tree without recursion, because a page may be nested thousands deep.

    With `made` the HTML was made of a document: its tables' cells hold paragraphs, and it marks no header cells.
    """

    def __init__(self, *, made: bool = False) -> None:
        self._made = made
        self._builder = TextBuilder()
        self._run: list[str] = []
        self._heading = 0
        self._item = False
        self._after_item = False

    def read(self, root: Any, title: str) -> Extract:
        stack: list[tuple[Any, bool]] = [(root, False)]
        while stack:
            node, leaving = stack.pop()
            if leaving:
                self._leave(node.tag)
            elif node.tag == "-text":
                self._run.append(node.text(deep=False).replace("\n", " "))
            elif node.tag == "table" and self._tells_facts(node):
                self._table(node)
            else:
                self._enter(node.tag)
                stack.append((node, True))
                stack.extend((child, False) for child in reversed(list(node.iter(include_text=True))))
        self._flush()
        return self._builder.finish(title)

    def _enter(self, tag: str) -> None:
        if tag == "br":
            self._run.append("\n")
        elif tag in _HEADINGS or tag in _SMALL_HEADINGS:
            self._flush()
        elif tag in ("td", "th"):
            self._run.append(" ")
        elif tag in _BLOCKS or tag in ("table", "tr"):
            self._flush()
            self._item = tag == "li"

    def _leave(self, tag: str) -> None:
        level = _HEADINGS.get(tag) or _SMALL_HEADINGS.get(tag)
        if level:
            text = "".join(self._run)
            self._run = []
            self._builder.heading(level, text)
        elif tag in _BLOCKS or tag in ("table", "tr"):
            self._flush()
            if tag in _SCOPES:
                self._builder.close(min(_SMALL_HEADINGS.values()))
            self._item = False

    def _flush(self) -> None:
        text = "".join(self._run).strip()
        self._run = []
        if text:
            self._builder.block(f"- {text}" if self._item else text, tight=self._item and self._after_item)
            self._after_item = self._item
            self._item = False

    def _tells_facts(self, table: Any) -> bool:
        """Whether a table is one of data rather than of layout."""
        if self._made:
            return (
                table.css_first("table table, h1, h2, h3") is None and table.css_first("td + td, th + th") is not None
            )
        return table.css_first("table table, h1, h2, h3, p, ul, ol") is None

    def _table(self, table: Any) -> None:
        self._flush()
        lines = [cells for row in table.css("tr") if (cells := row.css("th, td"))]
        rows = _grid(lines)
        if len(rows) > 1 and all(cell.tag == "th" for cell in lines[0]):
            add_facts(self._builder, rows[1:], names=rows[0])
        elif self._made:
            add_facts(self._builder, rows)
        else:
            add_facts(self._builder, rows, names=[])
        self._after_item = False


def _grid(lines: list[list[Any]]) -> list[list[str]]:
    """The cells' words in their columns. A cell of several rows stands in each of them, so that a row can be quoted
    alone; one of several columns stands in the first, in the header in all.
    """
    grid: list[list[str]] = []
    carried: dict[int, tuple[int, str]] = {}
    for number, cells in enumerate(lines):
        row: list[str] = []
        waiting = list(cells)
        while waiting or len(row) in carried:
            if len(row) in carried:
                left, text = carried.pop(len(row))
                if left > 1:
                    carried[len(row)] = (left - 1, text)
                row.append(text)
                continue
            cell = waiting.pop(0)
            text = one_line(cell.text(separator=" "))
            wide, high = _span(cell, "colspan"), _span(cell, "rowspan")
            for column in range(wide):
                shown = text if column == 0 or number == 0 else ""
                if high > 1:
                    carried[len(row)] = (high - 1, shown)
                row.append(shown)
        grid.append(row)
    return grid


def _span(cell: Any, name: str) -> int:
    value = cell.attributes.get(name) or "1"
    return min(int(value), _MOST_SPAN) if value.isdecimal() and int(value) else 1
