"""Live updates: "this conversation changed", to whoever watches, in this process and in the others.

A change is a hint to look at the rows again, never the news itself. It must not know what is shown, or to whom.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Set
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import structlog

from sahut.ports import Clock
from sahut.store import Store, wire

log = structlog.get_logger(__name__)

# Changes are gathered for so long before other processes are told.
GATHER_S = 0.05
RETRY_S = 1.0
GOODBYE_S = 2.0
# Conversations that wait for one watcher; beyond it "look at everything" says as much.
WAITING_MOST = 1000
_EVERYTHING = ""


@dataclass(frozen=True)
class Change:
    """A conversation changed; without an id: look at everything again, since changes may have been missed."""

    conversation_id: str | None
    at: datetime


class Subscription:
    """The changes since it was made, each conversation at most once until it is taken. Close it, or use `with`.

    Iteration ends when it is closed and what waited is taken.
    """

    def __init__(self, watchers: set["Subscription"]) -> None:
        self._watchers = watchers
        self._waiting: dict[str, datetime] = {}
        self._news = asyncio.Event()
        self.closed = False
        watchers.add(self)

    def put(self, ids: Set[str], at: datetime) -> None:
        """Add changes; what waits already is not added twice."""
        if _EVERYTHING in self._waiting:
            return
        self._waiting.update(dict.fromkeys(ids, at))
        if len(self._waiting) > WAITING_MOST or _EVERYTHING in ids:
            self._waiting = {_EVERYTHING: at}
        self._news.set()

    def close(self) -> None:
        """No more changes; whoever waits for one is released."""
        self.closed = True
        self._watchers.discard(self)
        self._news.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Change:
        while not self._waiting:
            if self.closed:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        key = next(iter(self._waiting))
        return Change(key or None, self._waiting.pop(key))


class Events:
    """Hears from the store what each commit changed and tells it to the subscriptions of every process."""

    def __init__(self, store: Store, clock: Clock, *, retry_s: float = RETRY_S) -> None:
        self._store, self._clock, self._retry_s = store, clock, retry_s
        self._name = secrets.token_hex(8)
        self._watchers: set[Subscription] = set()
        self._outgoing: set[str] = set()
        self._gathered: asyncio.Event | None = None
        store.announce = self.announce

    def subscribe(self) -> Subscription:
        """Changes from this moment on. Subscribe first, then read: nothing falls between."""
        return Subscription(self._watchers)

    def announce(self, ids: Set[str]) -> None:
        """Conversations changed in this process, and the change is committed."""
        self._tell(ids)
        if self._gathered is not None:
            self._outgoing |= ids
            self._gathered.set()

    def close(self) -> None:
        """End every subscription, so that open streams do not hold up the end of the service."""
        for watcher in list(self._watchers):
            watcher.close()

    @asynccontextmanager
    async def between_processes(self) -> AsyncIterator[None]:
        """Tell and hear other processes for the length of the block; on SQLite there are none."""
        if self._store.is_sqlite:
            yield
            return
        self._gathered = asyncio.Event()
        tasks = [asyncio.create_task(self._notify_forever(self._gathered)), asyncio.create_task(self._listen_forever())]
        try:
            yield
        finally:
            self._gathered = None
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._say_goodbye()

    def _tell(self, ids: Set[str]) -> None:
        if self._watchers:
            now = self._clock.now()
            for watcher in self._watchers:
                watcher.put(ids, now)

    async def _notify_forever(self, gathered: asyncio.Event) -> None:
        while True:
            await gathered.wait()
            await asyncio.sleep(GATHER_S)
            gathered.clear()
            if not await self._notify():
                gathered.set()
                await asyncio.sleep(self._retry_s)

    async def _notify(self) -> bool:
        """Tell the others what was gathered; where that fails it stays gathered: they are late then, not wrong."""
        ids, self._outgoing = self._outgoing, set()
        try:
            await wire.notify(self._store, self._name, ids)
        except Exception as error:
            log.warning("other processes could not be told of changes", error=type(error).__name__)
            self._outgoing |= ids
            return False
        return True

    async def _say_goodbye(self) -> None:
        """Tell what is gathered still, unless the database keeps the end of the service waiting."""
        if self._outgoing:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._notify(), GOODBYE_S)

    async def _listen_forever(self) -> None:
        while True:
            try:
                await self._listen()
            except Exception as error:
                log.warning("the wire to other processes broke, listening again", error=type(error).__name__)
            await asyncio.sleep(self._retry_s)

    async def _listen(self) -> None:
        async with wire.listening(self._store.url.render_as_string(hide_password=False)) as heard:
            # Whatever was said while nobody listened is unknown.
            self._tell({_EVERYTHING})
            async for sender, ids in heard:
                if sender != self._name:
                    self._tell(set(ids))
