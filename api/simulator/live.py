"""Brings news to every open page as server-sent events; knows nothing of what they say.

Who reads too slowly is let go: the page comes back by itself and begins with everything anew.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

from api.simulator.shapes import Json

BEHIND = 1000
PULSE_S = 20.0

Frame = tuple[str, Json]


class Live:
    """The open pages."""

    def __init__(self) -> None:
        self._pages: set[asyncio.Queue[bytes | None]] = set()
        self._closed = False

    def tell(self, name: str, data: Json) -> None:
        """Tell every open page."""
        frame = encode(name, data)
        for page in list(self._pages):
            if page.qsize() >= BEHIND:
                self._let_go(page)
            else:
                page.put_nowait(frame)

    def close(self) -> None:
        """End every stream, and each one that comes: the server waits for its streams before it stops."""
        self._closed = True
        for page in list(self._pages):
            self._let_go(page)

    async def follow(self, first: Callable[[], Json]) -> AsyncIterator[bytes]:
        """The frames for one page: everything first, then what is new, and a pulse where nothing is."""
        with self._open() as page:
            yield encode("all", first())
            while (frame := await _next(page)) is not None:
                yield frame

    @contextmanager
    def _open(self) -> Iterator[asyncio.Queue[bytes | None]]:
        page: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._pages.add(page)
        if self._closed:
            self._let_go(page)
        try:
            yield page
        finally:
            self._pages.discard(page)

    def _let_go(self, page: asyncio.Queue[bytes | None]) -> None:
        self._pages.discard(page)
        page.put_nowait(None)


def encode(name: str, data: Json) -> bytes:
    """One event. JSON has no raw line breaks, so nothing in it can end the frame."""
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()


async def _next(page: asyncio.Queue[bytes | None]) -> bytes | None:
    try:
        async with asyncio.timeout(PULSE_S):
            return await page.get()
    except TimeoutError:
        return b": still here\n\n"
