"""A chat model that says what it is told to, can be held in the middle of a thought, and remembers its briefs.

    model = ScriptedModel([ModelFailed("down"), Draft(decision="reply", sentences=(...))])

It must not know who asks.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable

from sahut.brief import Brief, Draft
from sahut.errors import ModelFailed
from sahut.ports import ChatModel

Line = Draft | Exception | Callable[[Brief], Draft]


class ScriptedModel:
    """A `sahut.ports.ChatModel`: one line of the script for each brief, then `otherwise`.

    `hold()` stops every thought until `go_on()`; `holding` counts those that wait.
    """

    def __init__(self, script: Iterable[Line] = (), *, otherwise: ChatModel | None = None) -> None:
        self.name = "scripted" if otherwise is None else otherwise.name
        self.briefs: list[Brief] = []
        self._waiting = 0
        self._script = deque(script)
        self._otherwise = otherwise
        self._free = asyncio.Event()
        self._free.set()

    def says(self, *lines: Line) -> None:
        """Add to the script; an exception is raised."""
        self._script.extend(lines)

    @property
    def holding(self) -> int:
        """How many thoughts wait for `go_on()`."""
        return 0 if self._free.is_set() else self._waiting

    def hold(self) -> None:
        """From now on every thought waits."""
        self._free.clear()

    def go_on(self) -> None:
        """Whoever waits goes on, and nobody waits any more."""
        self._free.set()

    async def think(self, brief: Brief) -> Draft:
        """The next line. Raises what the script says, `ModelFailed` at its end."""
        self.briefs.append(brief)
        self._waiting += 1
        try:
            await self._free.wait()
        finally:
            self._waiting -= 1
        if self._script:
            line = self._script.popleft()
            if isinstance(line, Exception):
                raise line
            return line if isinstance(line, Draft) else line(brief)
        if self._otherwise is None:
            raise ModelFailed("the script is at its end")
        return await self._otherwise.think(brief)
