"""The parts of the house as the storm plays them: the real store, worker, sender and doors, with gates between steps.

Only the assistant's thinking is scripted: what it answers depends on the words of the burst alone.
"""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiosqlite

from agent.filling.machine import Ear, begin
from api.sending.sender import POST_LIMIT_S
from api.whatsapp.client import GraphClient
from sahut.authority import Grant, Ground, digest_of
from sahut.errors import ModelFailed, SendUnknown
from sahut.forms import Edition, Form
from sahut.found import Citation
from sahut.ids import new_id
from sahut.models import Message
from sahut.store import Store, Tx
from sahut.tool import ToolContext
from sahut.toolcall import Confirmation
from sahut.turn import Menu, Reply, Row, Screening, Turn
from tests.storm.plot import Says
from tests.storm.stage import Stage
from tests.storm.watch import Watch
from tools.toolbox import Toolbox

OGG = b"OggS" + b"\0" * 60
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
FORM = Form.model_validate(
    {
        "name": "storm",
        "title": "Storm",
        "examples": ["form"],
        "fields": [{"name": "matter", "type": "text", "label": "Matter", "ask": "What is it?"}],
        "ticket": {"topic": "storm"},
    }
)


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
    watch: Watch | None = None

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
        if self.watch is not None:
            async with super().reading() as tx:
                await self.watch.look(tx, self.stage.steps)

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
        began = self.stage.now()
        await self.stage.gate("post")
        if self.stage.now() > began + timedelta(seconds=POST_LIMIT_S):
            # As the sender's own limit, which keeps real time: nobody's POST begins after its lease.
            raise TimeoutError
        try:
            return await self.client.send(number, body)
        finally:
            await self.stage.gate("answer")

    async def upload(self, number: str, file: Path, media_type: str) -> str:
        """The storm's customers ask for no files."""
        raise AssertionError("nothing to upload")

    async def mark_read(self, number: str, wamid: str, *, typing: bool) -> None:
        """Blue ticks are best effort and change nothing: the storm leaves them out."""


class GatedGraph(GraphClient):
    """The Graph client of the fetcher: a gate stands before each file's record, and sometimes there is no answer."""

    stage: Stage
    trouble: float

    async def media_record(self, number: str, media_id: str) -> dict[str, Any]:
        await self.stage.gate("media")
        if self.stage.luck.random() < self.trouble:
            raise SendUnknown("no answer")
        return await super().media_record(number, media_id)


@dataclass(frozen=True)
class ScriptedHearing:
    """Hears the words that a voice note's bytes spell, or nothing."""

    stage: Stage
    trouble: float

    async def hear(self, file: Path, media_type: str) -> str:
        words = file.read_bytes().removeprefix(OGG).decode()  # noqa: ASYNC240 - a few bytes
        await self.stage.gate("hear")
        if self.stage.luck.random() < self.trouble:
            raise ModelFailed("nobody listens")
        return words


async def unscreened(words: str) -> Screening:
    """Nobody in the storm writes spam."""
    return Screening()


@dataclass
class LossyEngine:
    """Wake-ups with a memory; the director serves them, or loses them."""

    stage: Stage
    wakes: list[tuple[str, str]] = field(default_factory=list)

    async def wake(self, topic: str, key: str) -> None:
        await self.stage.gate("wake")
        if (topic, key) not in self.wakes:
            self.wakes.append((topic, key))


CITED = Citation(document="storm.md", version="1", start=0, end=5, quote="storm")


@dataclass
class ScriptedAssistant:
    """Answers by the words of the burst: `human` hands off, `ticket` asks, `yes` opens it, `fail` raises once.

    `said` tells what each message said by its wamid: a voice note that was not heard says nothing but that it came.
    Every other `ticket` or question begins a form, with a list to choose from, and `yes` sends it.
    """

    stage: Stage
    store: Store
    toolbox: Toolbox
    said: dict[str, Says]
    edition: Edition | None = None
    failed: set[str] = field(default_factory=set)

    async def answer(self, turn: Turn, coming: Callable[[], None]) -> Reply:
        coming()
        await self.stage.gate("think")
        tokens = [self.said[message.wamid or ""].token for message in turn.burst]
        words = {word for message in turn.burst for word in message.text.split()}
        if "fail" in words and not self.failed & set(tokens):
            self.failed |= set(tokens)
            raise RuntimeError("the model fell over")
        text = "answers " + " ".join(tokens)
        if "human" in words:
            return Reply(decision="hand_off", reason="asked_for_human", text=f"soon {text}", language="en")
        if turn.confirmation is not None and "yes" in words:
            return await self._open(turn, turn.confirmation, text)
        if turn.filling is not None and "yes" in words:
            sent = turn.filling.model_copy(update={"state": "submitted"})
            return Reply(decision="reply", text=f"sent {sent.reference} {text}", language="en", filling=sent)
        if words & {"ticket", "question"} and self.edition is not None and int(tokens[0][-1]) % 2:
            begun = begin(self.edition, "", Ear("en", turn.now.date())).filling
            summed_up = begun.model_copy(update={"step": "summary", "answers": {"matter": turn.text}})
            rows = tuple(Row(id=str(number), title=f"Row {number}") for number in range(10))
            menu = Menu(button="Choose", rows=rows)
            return Reply(decision="clarify", text=f"form {text}", language="en", filling=summed_up, menu=menu)
        if "ticket" in words:
            arguments = {"topic": "storm", "description": turn.text}
            digest = digest_of("create_ticket", arguments)
            waiting = Confirmation(id=new_id(), tool="create_ticket", arguments=arguments, digest=digest)
            return Reply(decision="clarify", text=f"shall I? {text}", language="en", confirmation=waiting)
        return Reply(decision="reply", text=text, language="en", citations=(CITED,))

    async def _open(self, turn: Turn, confirmation: Confirmation, text: str) -> Reply:
        context = ToolContext(
            key=confirmation.id,
            conversation_id=turn.conversation_id,
            contact_id=turn.contact_id,
            language="en",
            now=turn.now,
            store=self.store,
        )
        grant = Grant(confirmation.id, "customer", confirmation.digest)
        call = await self.toolbox.call(
            confirmation.tool, confirmation.arguments, context, ground=Ground("none"), grant=grant
        )
        return Reply(decision="reply", text=f"done {text}", language="en", tool_calls=(call,))


def tokens_of(message: Message) -> set[str]:
    """The customer's messages that one of our messages answers, by their tokens."""
    return {word for word in json.dumps(message.body).replace('"', " ").split() if word.startswith("#")}
