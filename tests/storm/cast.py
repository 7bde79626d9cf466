"""The parts of the house as the storm plays them: the real store, worker, sender and doors, with gates between steps.

Only the assistant's thinking is scripted: what it answers depends on the words of the burst alone.
"""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiosqlite

from api.whatsapp.client import GraphClient
from sahut.ids import new_id
from sahut.models import Message
from sahut.store import Store, Tx
from sahut.tool import ToolContext
from sahut.turn import Confirmation, Reply, Turn
from tests.storm.stage import Stage
from tools.toolbox import Toolbox


class _AtOnce:
    """Runs what aiosqlite would queue for its thread. A database in memory has nothing to wait for."""

    def put_nowait(self, item: tuple["asyncio.Future[Any] | None", Callable[[], Any]]) -> None:
        future, function = item
        try:
            result = function()
        except Exception as error:
            if future is not None:
                future.set_exception(error)
        else:
            if future is not None:
                future.set_result(result)


class _Inline(aiosqlite.Connection):
    """aiosqlite without its thread: ten thousand schedules spend their time on Sahut, not on handing over."""

    def __init__(self) -> None:
        super().__init__(lambda: sqlite3.connect(":memory:", isolation_level=None), 64)
        self._tx = _AtOnce()  # type: ignore[assignment]

    def __await__(self) -> Generator[Any, None, aiosqlite.Connection]:
        return self._connect().__await__()


async def inline(*_: Any, **__: Any) -> aiosqlite.Connection:
    """A connection to a fresh database in memory."""
    return await _Inline()


class GatedStore(Store):
    """The real store; a gate stands before every transaction, so that a crash may fall between any two."""

    stage: Stage

    def __init__(self, url: str) -> None:
        super().__init__(url, connect=inline if url == "sqlite://" else None)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        await self.stage.gate("write")
        async with super().transaction() as tx:
            yield tx
        actor = self.stage.current()
        if actor is not None:
            actor.committed = self.stage.steps

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Tx]:
        await self.stage.gate("read")
        async with super().reading() as tx:
            yield tx


@dataclass
class GatedChannel:
    """The real Graph client; gates stand before the POST and before its answer is used.

    `claimed` remembers at which step each POST's claim was committed: the moment when the rules were asked.
    """

    stage: Stage
    client: GraphClient
    claimed: list[tuple[str, int]] = field(default_factory=list)

    async def send(self, number: str, body: dict[str, Any]) -> str:
        actor = self.stage.current()
        assert actor is not None
        self.claimed.append((body["biz_opaque_callback_data"], actor.committed))
        await self.stage.gate("post")
        try:
            return await self.client.send(number, body)
        finally:
            await self.stage.gate("answer")

    async def mark_read(self, number: str, wamid: str, *, typing: bool) -> None:
        """Blue ticks are best effort and change nothing: the storm leaves them out."""


@dataclass
class LossyEngine:
    """Wake-ups with a memory; the director serves them, or loses them."""

    stage: Stage
    wakes: list[tuple[str, str]] = field(default_factory=list)

    async def wake(self, topic: str, key: str) -> None:
        await self.stage.gate("wake")
        if (topic, key) not in self.wakes:
            self.wakes.append((topic, key))


@dataclass
class ScriptedAssistant:
    """Answers by the words of the burst: `human` hands off, `ticket` asks, `yes` opens it, `fail` raises once."""

    stage: Stage
    store: Store
    toolbox: Toolbox
    failed: set[str] = field(default_factory=set)

    async def answer(self, turn: Turn, coming: Callable[[], None]) -> Reply:
        coming()
        await self.stage.gate("think")
        tokens = [word for message in turn.burst for word in message.text.split() if word.startswith("#")]
        words = {word for message in turn.burst for word in message.text.split()}
        if "fail" in words and not self.failed & set(tokens):
            self.failed |= set(tokens)
            raise RuntimeError("the model fell over")
        text = "answers " + " ".join(tokens)
        if "human" in words:
            return Reply(decision="hand_off", reason="asked_for_human", text=f"soon {text}", language="en")
        if turn.confirmation is not None and "yes" in words:
            return await self._open(turn, turn.confirmation, text)
        if "ticket" in words:
            arguments = {"topic": "storm", "description": turn.text}
            waiting = Confirmation(id=new_id(), tool="create_ticket", arguments=arguments)
            return Reply(decision="clarify", text=f"shall I? {text}", language="en", confirmation=waiting)
        return Reply(decision="reply", text=text, language="en")

    async def _open(self, turn: Turn, confirmation: Confirmation, text: str) -> Reply:
        context = ToolContext(
            key=confirmation.id,
            conversation_id=turn.conversation_id,
            contact_id=turn.contact_id,
            language="en",
            now=turn.now,
            store=self.store,
        )
        call = await self.toolbox.call(
            confirmation.tool, confirmation.arguments, context, may_write=True, confirmed=True
        )
        return Reply(decision="reply", text=f"done {text}", language="en", tool_calls=(call,))


def tokens_of(message: Message) -> set[str]:
    """The customer's messages that one of our messages answers, by their tokens."""
    return {word for word in json.dumps(message.body).replace('"', " ").split() if word.startswith("#")}
