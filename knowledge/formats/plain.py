"""Plain text: paragraphs, capital headlines and list items. Knows nothing of markup."""

import re

from knowledge.text import Extract, TextBuilder, clean

_UNDERLINE = re.compile(r"^\s*(=|-|~|\*)\1{2,}\s*$")
_ITEM = re.compile(r"^\s*(?:[-*•–·]|\d{1,3}[.)]|[a-z][.)])\s+")
_HEADLINE_MOST = 80
_MOST_HEADLINES = 0.6
_WRAPPED_SHARE = 0.6


def read_plain(text: str) -> Extract:
    """Paragraphs are what stands between blank lines; hard-wrapped lines of one paragraph are joined."""
    lines = clean(text).split("\n")
    width = max((len(line) for line in lines), default=0)
    # Old offices write whole leaflets in capitals; there they say nothing about headings.
    capitals = sum(map(_shouts, lines)) > _MOST_HEADLINES * sum(bool(line.strip()) for line in lines)
    builder = TextBuilder()
    title = ""
    paragraph: list[str] = []
    for number, line in enumerate([*lines, ""]):
        if not line.strip() or _UNDERLINE.match(line):
            ruled = bool(_UNDERLINE.match(line)) and len(paragraph) == 1
            found = _take(paragraph, builder, width, ruled=ruled, first=not title)
            title = title or found
            paragraph = []
        elif not (paragraph or capitals) and _shouts(line) and number + 1 < len(lines):
            builder.heading(1 if not title else 2, line)
            title = title or line
        else:
            paragraph.append(line)
    return builder.finish(title)


def _take(paragraph: list[str], builder: TextBuilder, width: int, *, ruled: bool, first: bool) -> str:
    """Hand a paragraph to the builder; the text if it was the document's title."""
    if ruled:
        builder.heading(1 if first else 2, paragraph[0])
        return paragraph[0]
    for number, line in enumerate(join_wrapped(paragraph, width)):
        builder.block(line, tight=number > 0)
    return ""


def join_wrapped(lines: list[str], width: int) -> list[str]:
    """Join the lines that a text editor broke at `width` columns; list items and short lines stay lines."""
    joined: list[list[str]] = []
    last = 0
    for line in lines:
        wrapped = last >= max(40, width * _WRAPPED_SHARE)
        if joined and wrapped and not _ITEM.match(line):
            joined[-1].append(line.strip())
        else:
            joined.append([line.strip()])
        last = len(line)
    return [" ".join(parts) for parts in joined]


def _shouts(line: str) -> bool:
    letters = [c for c in line if c.isalpha()]
    return len(letters) >= 3 and line.isupper() and len(line) <= _HEADLINE_MOST and line.rstrip()[-1] not in ".,;"
