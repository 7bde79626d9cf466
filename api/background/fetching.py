"""The fetcher: brings customers' files to the shelf and reads or hears what can be. Decides nothing about answers.

Every outcome is a row, so a crash only makes a file come twice. What is read is a customer's word, to be trusted as
little: readers run in a sandbox, and the text goes to the assistant marked as what it is.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from api.whatsapp.client import GraphClient
from api.whatsapp.content import FILE_KINDS
from api.whatsapp.download import FileRefused, download
from api.whatsapp.sniff import READABLE
from knowledge.load import Source
from knowledge.sandbox import Sandbox
from sahut.engine import Engine
from sahut.errors import LoadError, ModelFailed, SendError, SendRefused
from sahut.models import InboundFile, MediaState, Message
from sahut.ports import Clock, Hearing
from sahut.shelf import Shelf
from sahut.store import Store, files
from sahut.turn import Screening

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 1.0
LOOK_AGAIN_S = 0.2
OPENED_WITHIN = timedelta(seconds=8)
MOST_AT_ONCE = 3
READ_WITHIN_S = 15
MOST_TEXT = 20_000
# By these Meta says that it has no such file (any more).
_GONE = frozenset({33, 100, 131009, 131052})


@dataclass
class Fetcher:
    """Fetches what is due. Several may run: a file is leased to one. `hearing` is `None` where nobody can listen.

    What came with words that `screen` takes for spam is left at Meta until an operator opens it.
    """

    store: Store
    graph: GraphClient
    engine: Engine
    clock: Clock
    shelf: Shelf
    screen: Callable[[str], Awaitable[Screening]]
    hearing: Hearing | None = None
    _room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_AT_ONCE))

    async def run(self) -> None:
        """Look for what is due and fetch it, until cancelled; raises what the database raises."""
        while True:
            await self.look()
            await self.clock.sleep(LOOK_EVERY_S)

    async def look(self) -> int:
        """Fetch what is due now; how many files were looked at."""
        done = 0
        async with asyncio.TaskGroup() as group:
            while True:
                await self._room.acquire()
                file = await self.take()
                if file is None:
                    self._room.release()
                    break
                group.create_task(self._fetch_and_leave(file))
                done += 1
        return done

    async def bring(self, message_id: str) -> InboundFile:
        """The file of a message, fetched now if it waited for somebody to open it. Raises `NotFound`.

        One that another worker is fetching is waited for, `OPENED_WITHIN` at most; one that failed is not.
        """
        until = self.clock.now() + OPENED_WITHIN
        while True:
            async with self.store.transaction() as tx:
                file = await files.opened(tx, message_id, now=self.clock.now())
            if file.state != MediaState.WANTED or file.error or self.clock.now() >= until:
                return file
            if (mine := await self.take(message_id)) is not None:
                await self.fetch(mine)
            else:
                await self.clock.sleep(LOOK_AGAIN_S)

    async def take(self, message_id: str | None = None) -> InboundFile | None:
        """The file that must be looked at next, or that of one message if it must: leased to the caller."""
        now = self.clock.now()
        async with self.store.reading() as tx:
            key = await files.due(tx, now=now, message_id=message_id)
        if key is None:
            return None
        async with self.store.transaction() as tx:
            return await files.claim(tx, key, now=now)

    async def _fetch_and_leave(self, file: InboundFile) -> None:
        try:
            if file.state == MediaState.KEPT or not await self._left_as_spam(file):
                await self.fetch(file)
        finally:
            self._room.release()

    async def _left_as_spam(self, file: InboundFile) -> bool:
        """Whether it came with what looks like spam. The turn decides about the words; this only spares the disk."""
        async with self.store.reading() as tx:
            words = await files.words_with(tx, file)
        if (await self.screen(words)).verdict.label != "spam":
            return False
        async with self.store.transaction() as tx:
            await files.left(tx, file, now=self.clock.now())
        await self.engine.wake("turn", file.conversation_id)
        return True

    async def fetch(self, file: InboundFile) -> None:
        """Bring a file that was taken to the shelf and read it, as far as that goes now."""
        if file.state != MediaState.KEPT and not await self._keep(file):
            return
        text, trouble = await self._understand(file)
        async with self.store.transaction() as tx:
            speaks = file.media_type.startswith("audio/")
            await files.read(tx, file, text, error=trouble, speaks=speaks, now=self.clock.now())
        await self.engine.wake("turn", file.conversation_id)

    async def _keep(self, file: InboundFile) -> bool:
        """Bring the bytes to the shelf; whether they are there now."""
        async with self.store.reading() as tx:
            message = await tx.get_one(Message, file.message_id)
        kind = message.kind if message.kind in FILE_KINDS else "document"
        place = await asyncio.to_thread(self.shelf.room)
        try:
            found = await download(
                self.graph, file.number, file.media_id or "", kind=kind, told_sha256=file.told_sha256, into=place
            )
            await asyncio.to_thread(self.shelf.settle, place, found.digest)
        except FileRefused as error:
            await self._failed(file, MediaState.REFUSED, str(error))
        except SendError as error:
            gone = isinstance(error, SendRefused) and error.code in _GONE
            await (self._failed(file, MediaState.LOST, files.LOST_AT_META) if gone else self._later(file, str(error)))
        else:
            file.hash, file.media_type, file.state = found.digest, found.media_type, MediaState.KEPT
            async with self.store.transaction() as tx:
                return await files.kept(
                    tx, file, digest=found.digest, media_type=found.media_type, size_bytes=found.size_bytes
                )
        finally:
            place.unlink(missing_ok=True)
        return False

    async def _understand(self, file: InboundFile) -> tuple[str, str]:
        """The text in a file, and why there is none where one could be hoped for."""
        place = await asyncio.to_thread(self.shelf.find, file.hash or "")
        if place is None:
            return "", "The file is not on the shelf any more."
        try:
            if file.media_type in READABLE:
                async with Sandbox(most_s=READ_WITHIN_S) as sandbox:
                    loaded = await sandbox.load(Source(place, "", f"file{READABLE[file.media_type]}"))
                return loaded.text[:MOST_TEXT], ""
            if file.media_type.startswith("audio/") and self.hearing is not None:
                return await self.hearing.hear(place, file.media_type), ""
        except LoadError as error:
            return "", f"No text could be read: {error}."
        except ModelFailed as error:
            return "", f"It could not be transcribed: {error}."
        return "", ""

    async def _failed(self, file: InboundFile, state: MediaState, why: str) -> None:
        async with self.store.transaction() as tx:
            await files.failed(tx, file, state=state, error=why, now=self.clock.now())
        await self.engine.wake("turn", file.conversation_id)
        log.warning("a customer's file is not kept", message=file.message_id, error=why)

    async def _later(self, file: InboundFile, why: str) -> None:
        async with self.store.transaction() as tx:
            await files.later(tx, file, error=why, now=self.clock.now())
        log.warning("a customer's file is fetched later", message=file.message_id, error=why)
