"""Work that goes on after a request was answered: one piece at a time, in order. Knows nothing of the work."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

log = structlog.get_logger(__name__)


class Background:
    """Holds the tasks, so that they are neither lost nor left behind when the service stops."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()

    def start(self, work: Coroutine[Any, Any, None], *, name: str) -> None:
        """Do this when what was started before is done. What goes wrong goes to the log."""
        task = asyncio.create_task(self._in_turn(work, name), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settled(self) -> None:
        """Wait until nothing is left to do."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def stop(self) -> None:
        """Break off what is going on; whoever started it finds it again in the rows."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _in_turn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        try:
            async with self._turn:
                await work
        except Exception:
            log.exception("work in the background failed", work=name)
        finally:
            work.close()
