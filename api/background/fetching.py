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
from sahut.errors import LoadError, ModelFailed, SendError, SendRefused, StoreUnavailable
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
# With what a file is read in, less than its lease (`sahut.store.files.LEASE`): nobody else begins it meanwhile.
FETCH_WITHIN_S = 240.0
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
    fetch_within_s: float = FETCH_WITHIN_S
    _room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_AT_ONCE))
    _under_way: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self) -> None:
        """Look for what is due and fetch it, until cancelled; raises what the database raises."""
        try:
            while True:
                await self._begin()
                await self.clock.sleep(LOOK_EVERY_S)
        finally:
            await self._stop()

    async def look(self) -> int:
        """Fetch what is due now; how many files were looked at."""
        begun = await self._begin()
        await asyncio.gather(*self._under_way)
        return begun

    async def _begin(self) -> int:
        """Begin what is due, as far as there is room; a file that takes long keeps no other waiting."""
        begun = 0
        while True:
            await self._room.acquire()
            try:
                file = await self.take()
            except BaseException:
                self._room.release()
                raise
            if file is None:
                self._room.release()
                return begun
            task = asyncio.create_task(self._watched(file))
            self._under_way.add(task)
            task.add_done_callback(self._over)
            begun += 1

    def _over(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._room.release()

    async def _stop(self) -> None:
        """Break off what is under way; it is fetched again when its lease is over."""
        tasks = list(self._under_way)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

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

    async def _watched(self, file: InboundFile) -> None:
        try:
            await self._attend(file)
        except StoreUnavailable as error:
            log.error("the database went away, the file is fetched when its lease is over", error=str(error))

    async def _attend(self, file: InboundFile) -> None:
        """Fetch one file; whatever goes wrong with it stops no other."""
        try:
            if file.state == MediaState.KEPT or not await self._left_as_spam(file):
                await self.fetch(file)
        except StoreUnavailable:
            raise
        except Exception:
            log.exception("a customer's file could not be fetched or read", message=file.message_id)
            await self._later(file, "Something unexpected happened; it is in the log.")

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
            message = await tx.get(Message, file.message_id)
        if message is None:
            return False
        kind = message.kind if message.kind in FILE_KINDS else "document"
        place = await asyncio.to_thread(self.shelf.room)
        try:
            async with asyncio.timeout(self.fetch_within_s):
                found = await download(
                    self.graph, file.number, file.media_id or "", kind=kind, told_sha256=file.told_sha256, into=place
                )
            await asyncio.to_thread(self.shelf.settle, place, found.digest)
        except FileRefused as error:
            await self._failed(file, MediaState.REFUSED, str(error))
        except TimeoutError:
            await self._later(file, f"It did not come within {self.fetch_within_s:.0f} s.")
        except SendError as error:
            gone = isinstance(error, SendRefused) and error.code in _GONE
            await (self._failed(file, MediaState.LOST, files.LOST_AT_META) if gone else self._later(file, str(error)))
        else:
            file.hash, file.media_type, file.state = found.digest, found.media_type, MediaState.KEPT
            async with self.store.transaction() as tx:
                return await files.kept(
                    tx,
                    file,
                    digest=found.digest,
                    media_type=found.media_type,
                    size_bytes=found.size_bytes,
                    now=self.clock.now(),
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
        await self.engine.wake("turn", file.conversation_id)
        log.warning("a customer's file is fetched later", message=file.message_id, error=why)
