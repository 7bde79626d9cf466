"""Blue ticks and the typing mark while an answer is made: a courtesy that may fail and delays nothing.

Knows no turn and no store.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from sahut.errors import SendError
from sahut.ports import Channel

log = structlog.get_logger(__name__)

# Meta takes the mark away after 25 s, or with our next message.
AGAIN_S = 20.0


class Ticks:
    """Marks messages as read. `tasks` are the posts under way, to be ended with the worker."""

    def __init__(self, channel: Channel, *, again_s: float = AGAIN_S) -> None:
        self._channel, self._again_s = channel, again_s
        self.tasks: set[asyncio.Task[None]] = set()

    @contextmanager
    def answering(self, number: str, wamid: str | None) -> Iterator[Callable[[], None]]:
        """Gives what is to be called once it is known that a reply is coming; the mark is kept alive for the block."""
        over = asyncio.Event()

        def coming() -> None:
            if wamid is not None:
                task = asyncio.create_task(self._keep_up(number, wamid, over))
                self.tasks.add(task)
                task.add_done_callback(self.tasks.discard)

        try:
            yield coming
        finally:
            over.set()

    async def _keep_up(self, number: str, wamid: str, over: asyncio.Event) -> None:
        while True:
            try:
                await self._channel.mark_read(number, wamid, typing=True)
            except SendError as error:
                log.info("a read mark was not taken", error=str(error))
                return
            try:
                await asyncio.wait_for(over.wait(), self._again_s)
            except TimeoutError:
                continue
            return
