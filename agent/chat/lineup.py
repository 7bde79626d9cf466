"""The chat models of a house in their order: the first that is well answers, within limits on what may be spent.

Where none answers it raises, and the turn goes on with the embedded answer. Logs names and kinds of failure, never
words. Knows no prompt and no HTTP.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

import structlog

from agent.chat.breaker import Breaker
from agent.chat.spending import Purse, SpendLimitReached
from sahut.brief import Brief, Draft
from sahut.errors import ModelFailed
from sahut.ports import ChatModel, Clock, Judge, Ranker
from sahut.turn import Opinion, Turn, Usage

log = structlog.get_logger(__name__)

Answer = TypeVar("Answer")


class Watch(Protocol):
    """Whoever counts how the models do."""

    def asked(self, model: str, outcome: str) -> None:
        """A question's outcome: answered, slow, failed, unusable, resting, over_day or over_contact."""
        ...


class Member(ChatModel, Judge, Ranker, Protocol):
    """A chat model that may be asked for a second look, for an order of passages, and for a summary, too."""

    async def sum_up(self, text: str, language: str, tokens: int) -> tuple[str, Usage]:
        """A summary and what it took. Raises `ModelFailed`."""
        ...


class Lineup:
    """A `ChatModel` over one or more models. `most_s` is the time that each but the last gets; slower is a failure.

    `slow_s`: an answer that took longer is used, and counts against the model. `watch` may be put in later.
    """

    def __init__(self, models: Sequence[Member], purse: Purse, clock: Clock, *, most_s: float, slow_s: float) -> None:
        self.name = models[0].name
        self.watch: Watch | None = None
        self._members = [(model, Breaker()) for model in models]
        self._purse = purse
        self._clock = clock
        self._most_s = most_s
        self._slow_s = slow_s

    async def think(self, brief: Brief) -> Draft:
        """A draft of the first model that answers. Raises `ModelFailed`, beyond a limit too."""
        return await self._ask(brief.turn.contact_id, lambda model: model.think(brief), lambda draft: draft.usage)

    async def judge(self, turn: Turn) -> tuple[Opinion, Usage]:
        """A second look at the turn's text. Raises `ModelFailed`, beyond a limit too."""
        return await self._ask(turn.contact_id, lambda model: model.judge(turn), lambda answer: answer[1])

    async def rank(self, brief: Brief) -> tuple[tuple[int, ...], Usage]:
        """An order of the brief's passages. Raises `ModelFailed`, beyond a limit too."""
        return await self._ask(brief.turn.contact_id, lambda model: model.rank(brief), lambda answer: answer[1])

    async def sum_up(self, text: str, language: str, tokens: int, *, contact_id: str) -> str:
        """A summary by the first model that answers. Raises `ModelFailed`, beyond a limit too."""
        text, _ = await self._ask(
            contact_id, lambda model: model.sum_up(text, language, tokens), lambda answer: answer[1]
        )
        return text

    async def _ask(
        self,
        contact_id: str,
        ask: Callable[[Member], Awaitable[Answer]],
        usage_of: Callable[[Answer], Usage],
    ) -> Answer:
        try:
            await self._purse.check(contact_id)
        except SpendLimitReached as error:
            self._tell(self.name, error.trouble)
            raise
        last = ModelFailed("Every chat model rests after failures.", trouble="resting")
        for at, (model, breaker) in enumerate(self._members):
            if not breaker.allows(self._clock.now()):
                self._tell(model.name, "resting")
                continue
            is_last = at == len(self._members) - 1
            try:
                answer = await self._try(model, breaker, ask, None if is_last else self._most_s)
            except ModelFailed as error:
                last = error
                if error.usage is not None:
                    await self._purse.pay(contact_id, error.usage)
                continue
            await self._purse.pay(contact_id, usage_of(answer))
            return answer
        raise last

    async def _try(
        self,
        model: Member,
        breaker: Breaker,
        ask: Callable[[Member], Awaitable[Answer]],
        most_s: float | None,
    ) -> Answer:
        """One model asked, and what that says of its health. Raises `ModelFailed`."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(most_s):
                answer = await ask(model)
        except TimeoutError as error:
            self._failed(model, breaker, "slow", "timeout")
            raise ModelFailed(f"{model.name} did not answer in {most_s:g} s.", trouble="slow") from error
        except ModelFailed as error:
            self._failed(model, breaker, error.trouble, str(error))
            raise
        except asyncio.CancelledError:
            # The turn's time is over, or nobody waits for the answer any more.
            if loop.time() - began >= self._slow_s:
                self._failed(model, breaker, "slow", "the turn's time was over")
            else:
                breaker.let_go()
            raise
        except Exception as error:
            # Not foreseen, and told as it is; but a probe that nobody ends would leave the model alone for ever.
            self._failed(model, breaker, "failed", type(error).__name__)
            raise
        if loop.time() - began >= self._slow_s:
            self._failed(model, breaker, "slow", "answered late")
        else:
            breaker.answered()
            self._tell(model.name, "answered")
        return answer

    def _failed(self, model: Member, breaker: Breaker, outcome: str, why: str) -> None:
        self._tell(model.name, outcome)
        if breaker.failed(self._clock.now()):
            log.warning("a chat model is left alone for a while", model=model.name, outcome=outcome, why=why)

    def _tell(self, model: str, outcome: str) -> None:
        if self.watch is not None:
            self.watch.asked(model, outcome)
