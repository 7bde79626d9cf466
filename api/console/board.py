"""The board of one house: spreads live news to every open page, and reads for all of them what all of them show.

Twenty pages that hear of one message read the queue once. Knows nothing of what a page looks like.
"""

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from api.events import Change
from api.house import House
from sahut.store import Tx, desk

T = TypeVar("T")
# The order of the queue depends on the clock, so a look serves only so long.
FRESH_S = 20.0
# Looks that are remembered; lanes and page sizes are few.
LOOKS_MOST = 64
# Whose unread messages are counted in what all pages share: nobody's.
NOBODY = ""


class Listener(Protocol):
    """A page that wants to hear."""

    def hear(self, conversation_id: str | None) -> None:
        """A conversation changed; without an id, look at everything again. Returns at once."""


@dataclass(frozen=True)
class _Look:
    """Something as it was read: after which news, when, and what was found."""

    news: int
    at: float
    found: "asyncio.Future[Any]"

    def serves(self, news: int) -> bool:
        failed = self.found.done() and (self.found.cancelled() or self.found.exception() is not None)
        return self.news == news and time.monotonic() - self.at < FRESH_S and not failed


class Board:
    """Who listens, and what was read last."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._listeners: set[Listener] = set()
        self._news = 0
        self._looks: dict[Hashable, _Look] = {}

    @asynccontextmanager
    async def spreading(self) -> AsyncIterator[None]:
        """Spread news for the length of the block."""
        with self._house.events.subscribe() as changes:
            task = asyncio.create_task(self._spread(changes))
            try:
                yield
            finally:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    def join(self, listener: Listener) -> None:
        """Hear from now on."""
        self._listeners.add(listener)

    def leave(self, listener: Listener) -> None:
        """Hear no more."""
        self._listeners.discard(listener)

    def stir(self) -> None:
        """Let every page look at everything again."""
        for listener in list(self._listeners):
            listener.hear(None)

    async def waiting(self, lane: desk.Lane, limit: int, team: str) -> list[desk.Waiting]:
        """The open requests of a lane that a team sees, as `desk.queue`."""
        now = self._house.clock.now
        return await self._shared(
            ("waiting", lane, limit, team), lambda tx: desk.queue(tx, lane, now=now(), team=team, limit=limit)
        )

    async def everybody(self, limit: int) -> list[desk.Row]:
        """The newest conversations, as `desk.inbox`; what is unread in them is each operator's own."""
        return await self._shared(("everybody", limit), lambda tx: desk.inbox(tx, NOBODY, limit=limit))

    async def counts(self, team: str) -> desk.Counts:
        """How many wait in the lanes that all operators of a team share."""
        return await self._shared(("counts", team), lambda tx: desk.counts(tx, NOBODY, team=team))

    async def holders(self, conversation_ids: frozenset[str]) -> dict[str, str]:
        """conversation id -> who holds it, for those that an operator holds."""
        if not conversation_ids:
            return {}
        return await self._shared(conversation_ids, lambda tx: desk.holders(tx, conversation_ids))

    async def _shared(self, key: Hashable, read: Callable[[Tx], Awaitable[T]]) -> T:
        """What is not older than the last news; whoever asks at the same time shares the look."""
        look = self._looks.get(key)
        if look is None or not look.serves(self._news):
            if len(self._looks) >= LOOKS_MOST:
                self._looks.clear()
            look = self._looks[key] = _Look(self._news, time.monotonic(), asyncio.ensure_future(self._read(read)))
        found: T = await asyncio.shield(look.found)
        return found

    async def _read(self, read: Callable[[Tx], Awaitable[T]]) -> T:
        async with self._house.store.reading() as tx:
            return await read(tx)

    async def _spread(self, changes: AsyncIterable[Change]) -> None:
        async for change in changes:
            self._news += 1
            for listener in list(self._listeners):
                listener.hear(change.conversation_id)
