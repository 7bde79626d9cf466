"""A daily limit on what the chat model may cost. Knows no model in particular."""

from sahut.errors import ModelFailed
from sahut.ports import ChatModel, Clock
from sahut.store import Store, turns
from sahut.turn import Brief, Draft

LOOK_EVERY_S = 15.0


class Capped:
    """A chat model that fails, so that the fallback answers, once the day's money is spent.

    The day is UTC's. What other processes spent is read from the turns' records every few seconds.
    """

    def __init__(self, model: ChatModel, store: Store, clock: Clock, *, limit_usd: float) -> None:
        self.name = model.name
        self._model = model
        self._store = store
        self._clock = clock
        self._limit_usd = limit_usd
        self._spent_usd = 0.0
        self._looked_at = float("-inf")

    async def think(self, brief: Brief) -> Draft:
        """As the model does. Raises `ModelFailed` beyond the limit too."""
        if await self._spent() >= self._limit_usd:
            raise ModelFailed(f"The day's spending limit of ${self._limit_usd:.2f} is reached.")
        draft = await self._model.think(brief)
        self._spent_usd += draft.usage.cost_usd
        return draft

    async def _spent(self) -> float:
        now = self._clock.now()
        if now.timestamp() - self._looked_at > LOOK_EVERY_S:
            self._looked_at = now.timestamp()
            midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
            async with self._store.reading() as tx:
                self._spent_usd = await turns.spent_since(tx, midnight)
        return self._spent_usd
