"""Sees what a turn does on the way (what it searched for, what the screen thought) without changing it.

Wraps the parts that the turn asks. Must not know what is expected of them.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace

from agent.screening.signals import Signal
from agent.state import Screener
from agent.turn import Assistant
from sahut.found import SearchResult
from sahut.ports import Retriever
from sahut.turn import Screening


@dataclass
class Watch:
    """What one turn asked of retrieval and of the screen, in its order."""

    searches: list[SearchResult] = field(default_factory=list)
    screenings: list[Screening] = field(default_factory=list)

    @property
    def found(self) -> tuple[str, ...] | None:
        """The documents of the first search, best first, each once; `None` where nothing was searched for."""
        if not self.searches:
            return None
        found = (one for passage in self.searches[0].passages for one in (passage, *passage.also))
        return tuple(dict.fromkeys(one.document for one in found))

    @property
    def screening(self) -> Screening | None:
        """The first screening."""
        return self.screenings[0] if self.screenings else None


_current: ContextVar[Watch | None] = ContextVar("watch", default=None)


@contextmanager
def watching() -> Iterator[Watch]:
    """A watch over whatever is done inside, in this task and those that it starts."""
    watch = Watch()
    token = _current.set(watch)
    try:
        yield watch
    finally:
        _current.reset(token)


@dataclass(frozen=True)
class _WatchedRetriever:
    inner: Retriever

    async def search(self, question: str, *, top: int = 5, collections: Collection[str] | None = None) -> SearchResult:
        found = await self.inner.search(question, top=top, collections=collections)
        watch = _current.get()
        if watch is not None:
            watch.searches.append(found)
        return found


@dataclass(frozen=True)
class _WatchedScreen:
    inner: Screener

    async def screen(
        self,
        text: str,
        *,
        hint: str | None = None,
        spam_threshold: float | None = None,
        around: tuple[Signal, ...] = (),
    ) -> Screening:
        screening = await self.inner.screen(text, hint=hint, spam_threshold=spam_threshold, around=around)
        watch = _current.get()
        if watch is not None:
            watch.screenings.append(screening)
        return screening


def watched(assistant: Assistant) -> Assistant:
    """The same assistant, whose searches and screenings a `watching()` sees."""
    deps = assistant.deps
    return Assistant(replace(deps, retriever=_WatchedRetriever(deps.retriever), screen=_WatchedScreen(deps.screen)))
