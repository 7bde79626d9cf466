"""PowerPoint slides to text: a slide is a page, its title a heading. Knows no pictures.

Hidden slides, speaker notes and comments stay out: they were not meant for readers.
"""

import posixpath
import zipfile
from collections.abc import Iterator
from typing import Any

from knowledge.formats.package import opened, part
from knowledge.formats.rows import add_facts
from knowledge.text import Extract, TextBuilder
from sahut.errors import LoadError

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_RELATION = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
_MAIN = "ppt/presentation.xml"
_TITLES = {"title", "ctrTitle"}
# Furniture that a template puts on every slide.
_FURNITURE = {"ftr", "hdr", "sldNum", "dt"}


def read_slides(data: bytes) -> Extract:
    """The slides in their order. Raises `LoadError`."""
    builder = TextBuilder()
    with opened(data) as package:
        for number, slide in enumerate(_slides(package), start=1):
            builder.page()
            builder.close(2)
            if slide.get("show") not in ("0", "false"):
                _read(builder, slide, level=1 if number == 1 else 2)
    return builder.finish()


def _slides(package: zipfile.ZipFile) -> Iterator[Any]:
    presentation = part(package, _MAIN)
    if presentation is None:
        raise LoadError("it is damaged: it holds no presentation")
    targets = _relations(package, _MAIN)
    for entry in presentation.iter(f"{_P}sldId"):
        slide = part(package, targets.get(entry.get(f"{_R}id"), ""))
        if slide is not None:
            yield slide


def _relations(package: zipfile.ZipFile, name: str) -> dict[str, str]:
    """Relation id -> the part that it names."""
    folder, file = posixpath.split(name)
    root = part(package, f"{folder}/_rels/{file}.rels")
    if root is None:
        return {}
    found = ((item.get("Id", ""), item.get("Target", "")) for item in root.iter(_RELATION))
    return {key: posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/") for key, target in found}


def _read(builder: TextBuilder, slide: Any, level: int) -> None:
    shapes = list(_shapes(slide))
    for shape in shapes:
        if _place(shape) in _TITLES:
            builder.heading(level, " ".join(text for _, text in _paragraphs(shape)))
    for shape in shapes:
        if shape.tag == f"{_A}tbl":
            add_facts(builder, [_row(row) for row in shape.iter(f"{_A}tr")])
        elif _place(shape) not in _TITLES | _FURNITURE:
            _text(builder, shape)


def _shapes(slide: Any) -> Iterator[Any]:
    """Shapes with text and tables, in the order they were drawn, out of groups too."""
    wanted = (f"{_P}sp", f"{_A}tbl")
    return (element for element in slide.iter() if element.tag in wanted)


def _place(shape: Any) -> str:
    mark = next(shape.iter(f"{_P}ph"), None)
    return str(mark.get("type", "body")) if mark is not None else ""


def _text(builder: TextBuilder, shape: Any) -> None:
    """Paragraphs; those of the body, which are bulleted, as items."""
    listed = _place(shape) in ("body", "obj")
    paragraphs = list(_paragraphs(shape))
    for number, (bulleted, text) in enumerate(paragraphs):
        item = listed and bulleted and len(paragraphs) > 1
        builder.block(f"- {text}" if item else text, tight=number > 0)


def _paragraphs(shape: Any) -> Iterator[tuple[bool, str]]:
    """(whether it has a bullet, text) of each paragraph that says anything."""
    for paragraph in shape.iter(f"{_A}p"):
        text = "".join(_run(node) for node in paragraph.iter()).strip()
        if text:
            yield next(paragraph.iter(f"{_A}buNone"), None) is None, text


def _run(node: Any) -> str:
    if node.tag == f"{_A}t":
        return str(node.text or "")
    return "\n" if node.tag == f"{_A}br" else ""


def _row(row: Any) -> list[str]:
    """A row's cells; one that is merged away is empty, its words stand where the merged cell begins."""
    return [" ".join(text for _, text in _paragraphs(cell)) for cell in row.iter(f"{_A}tc")]
