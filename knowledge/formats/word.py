"""Word documents: Mammoth makes clean HTML of them, which is read like any page. Comments and deleted text stay out.

Links keep their addresses, because "see here" alone helps nobody.
"""

import io
import re
from html import unescape

from knowledge.formats.package import opened, part
from knowledge.formats.page import read_body
from knowledge.text import Extract

_STYLES = """
p[style-name='Title'] => h1:fresh
p[style-name='Subtitle'] => p:fresh
r[style-name='Strong'] => strong
"""
_BACK = re.compile(r'<a href="#(?:footnote|endnote)-ref-[^"]*">[^<]*</a>')
_NOTE = re.compile(r'<sup><a href="#(?:footnote|endnote)-[^"]*"[^>]*>[^<]*</a></sup>')
_LINK = re.compile(r'<a href="((?:https?://|mailto:|tel:)[^"]*)">((?:(?!</a>).)*)</a>', re.DOTALL)
_BOLD = re.compile(r"<p><strong>((?:(?!</?p>|</?strong>).){2,80})</strong></p>")
_SENTENCE = (".", ",", ";", ":")
_CORE = "docProps/core.xml"
_TITLE = "{http://purl.org/dc/elements/1.1/}title"


def read_word(data: bytes) -> Extract:
    """Headings, paragraphs, lists and tables in order. Raises `LoadError`."""
    import mammoth
    from defusedxml import defuse_stdlib  # type: ignore[attr-defined]  # its stubs leave it out

    # Mammoth reads with the standard library's parser; in this process that one refuses entities now.
    defuse_stdlib()
    with opened(data) as package:
        core = part(package, _CORE)
        title = (core.findtext(_TITLE) or "") if core is not None else ""
        # The style map that a file may bring and the pictures that it shows are its own business.
        html = mammoth.convert_to_html(
            io.BytesIO(data),
            style_map=_STYLES,
            include_embedded_style_map=False,
            convert_image=mammoth.images.img_element(lambda image: {}),
        ).value
    return read_body(_prepared(html), title)


def _prepared(html: str) -> str:
    html = _LINK.sub(_with_address, _NOTE.sub("", _BACK.sub("", html)))
    if not re.search(r"<h[1-6]>", html):
        # Many offices make their headings by hand: a short bold line of its own.
        html = _BOLD.sub(lambda bold: bold.group() if bold.group(1).endswith(_SENTENCE) else _heading(bold), html)
    return html


def _heading(bold: re.Match[str]) -> str:
    return f"<h2>{bold.group(1)}</h2>"


def _with_address(link: re.Match[str]) -> str:
    address, words = link.groups()
    bare = unescape(address).removeprefix("mailto:").removeprefix("tel:")
    return words if bare in unescape(words) else f"{words} ({address.removeprefix('mailto:').removeprefix('tel:')})"
