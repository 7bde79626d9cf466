"""The addresses that a web page or a sitemap names. Follows none of them.

What reads hostile bytes here is run by the sandbox, as the readers of documents are.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from knowledge.text import decode

MOST_LINKS = 5_000
_SITEMAPS = ("urlset", "sitemapindex")


@dataclass(frozen=True, slots=True)
class Links:
    """`urls` as they are written, relative ones too. `learn` is false where a page asks not to be kept.

    `sitemap`: the urls are those of a list of pages or of lists, not of a page.
    """

    urls: tuple[str, ...] = ()
    learn: bool = True
    sitemap: bool = False


def read_links(data: bytes, *, xml: bool) -> Links:
    """The addresses in a page, or in a sitemap where it is XML. Raises `LoadError` where the bytes are no text."""
    return _sitemap(data) if xml else _page(data)


def _page(data: bytes) -> Links:
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(decode(data))
    wishes = ",".join(_attribute(node, "content").lower() for node in tree.css("meta[name=robots i]"))
    learn = "noindex" not in wishes and "none" not in wishes
    if "nofollow" in wishes or "none" in wishes:
        return Links(learn=learn)
    first = tree.css_first("base[href]")
    base = _attribute(first, "href") if first is not None else ""
    urls = [
        _joined(base, _attribute(node, "href").strip())
        for node in tree.css("a[href], area[href]")[:MOST_LINKS]
        if "nofollow" not in _attribute(node, "rel").lower().split()
    ]
    return Links(tuple(dict.fromkeys(filter(None, urls))), learn=learn)


def _sitemap(data: bytes) -> Links:
    from defusedxml.ElementTree import ParseError, fromstring

    try:
        root = fromstring(data)
    except (ParseError, ValueError):
        return Links()
    if _plain(root.tag) not in _SITEMAPS:
        return Links()
    found = [(node.text or "").strip() for node in root.iter() if _plain(node.tag) == "loc"]
    return Links(tuple(dict.fromkeys(filter(None, found[:MOST_LINKS]))), learn=False, sitemap=True)


def _joined(base: str, url: str) -> str:
    try:
        return urljoin(base, url)
    except ValueError:
        return ""


def _attribute(node: Any, name: str) -> str:
    return str(node.attributes.get(name) or "")


def _plain(tag: str) -> str:
    return tag.rpartition("}")[2]
