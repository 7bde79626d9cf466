"""A web site of our own: a real server on a port, whose pages a test writes, and which remembers what was asked for."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.server import address_of, listen, served


def page(title: str, words: str, *links: str, head: str = "") -> str:
    """A page with links."""
    anchors = "".join(f'<a href="{link}">{link}</a>' for link in links)
    return f"<html><head><title>{title}</title>{head}</head><body><h1>{title}</h1><p>{words}</p>{anchors}</body></html>"


class Web:
    """`pages` maps an address below the host to a page, or to a whole answer; what is not there is 404."""

    def __init__(self) -> None:
        self.url = ""
        self.pages: dict[str, str | bytes | Response] = {}
        self.asked: list[str] = []
        self.app = Starlette(routes=[Route("/{path:path}", self._answer)])

    async def _answer(self, request: Request) -> Response:
        wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        self.asked.append(wanted)
        found: Any = self.pages.get(wanted)
        if found is None:
            return Response("nothing", 404)
        return found if isinstance(found, Response) else Response(found, media_type="text/html")


def moved(location: str) -> Response:
    """A redirect."""
    return Response("", 302, headers={"location": location})


@asynccontextmanager
async def open_web() -> AsyncIterator[Web]:
    """The site, while the block lasts."""
    web, listening = Web(), listen("127.0.0.1", 0)
    web.url = address_of(listening)
    async with served(web.app, listening):
        yield web
