"""Sums up older turns beside the worker, before the history loses them. Answers nobody and decides nothing."""

import asyncio
from datetime import timedelta

import structlog

from agent.chat.summing import EXTRACTIVE, SUMMARY_TOKENS, borne_out, summed, transcript
from agent.memory import TokenCounter
from sahut.errors import ModelFailed
from sahut.ports import ChatModel, Clock, Summariser
from sahut.store import Store, memory

log = structlog.get_logger(__name__)

EVERY_S = 20.0
MOST_AT_ONCE = 200
# After a start, conversations of so long ago are looked at too.
LOOK_BACK = timedelta(days=1)
# A conversation that moves in the middle of a look is looked at again.
_OVERLAP = timedelta(minutes=1)


class Remembering:
    """One in each process that works; several do no harm: the row says how far a conversation is summed up."""

    def __init__(self, store: Store, model: ChatModel | None, clock: Clock, count: TokenCounter) -> None:
        """A `model` that can sum up does so; else, and where it fails, the telling sentences are taken."""
        self._store = store
        self._model: Summariser | None = model if isinstance(model, Summariser) else None
        self._clock = clock
        self._count = count
        self._since = clock.now() - LOOK_BACK

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await self.look()
            await self._clock.sleep(EVERY_S)

    async def look(self) -> int:
        """Sum up whatever waits; how many conversations were."""
        began, done = self._clock.now(), 0
        async with self._store.reading() as tx:
            keys = await memory.moved(tx, since=self._since, limit=MOST_AT_ONCE)
        for key in keys:
            done += await self._one(key)
        # Where there was more than one look takes, the next one begins at the same moment; what is done is passed over.
        if len(keys) < MOST_AT_ONCE:
            self._since = began - _OVERLAP
        return done

    async def _one(self, conversation_id: str) -> bool:
        async with self._store.reading() as tx:
            what = await memory.unsummed(tx, conversation_id)
        if what is None:
            return False
        text, made_by = await self._in_own_words(what)
        if not text:
            text = await asyncio.to_thread(summed, what.lines, what.earlier, self._count)
            made_by = EXTRACTIVE
        async with self._store.transaction() as tx:
            return await memory.sum_up(tx, what, text, made_by=made_by, now=self._clock.now())

    async def _in_own_words(self, what: memory.Unsummed) -> tuple[str, str]:
        """The chat model's summary, without what nobody said; empty where there is none."""
        if self._model is None:
            return "", ""
        try:
            text = await self._model.sum_up(
                transcript(what.lines, what.earlier), what.language, SUMMARY_TOKENS, contact_id=what.contact_id
            )
        except ModelFailed as error:
            log.warning("the chat model summed up nothing", conversation=what.conversation_id, error=str(error))
            return "", ""
        return borne_out(text, what.lines, what.earlier), self._model.name
