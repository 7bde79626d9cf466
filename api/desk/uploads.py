"""Uploads: named streams of bytes come to rest under the data folder and are learned, file by file.

REST and the console both come through here. Knows no HTTP and no format.
"""

import asyncio
import json
import shutil
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from agent.screening.documents import speaks_to_assistant
from api.house import House
from knowledge.archive import MOST_ARCHIVE_BYTES
from knowledge.attachments import attach_bytes, is_sendable
from knowledge.learn import learn_files
from knowledge.load import ARCHIVE, MOST_BYTES, Source, check_name, suffix_of
from knowledge.owner import Owner
from knowledge.paths import clean_path
from knowledge.report import Step
from knowledge.sandbox import Sandbox
from knowledge.unpack import unpack
from sahut.errors import ConfigurationError, Conflict, LoadError, SahutError
from sahut.ids import new_id
from sahut.models import FileState, Upload, UploadFile
from sahut.store import uploads

MOST_FILES = 1000
# All files of an upload together: a full archive and a little more.
MOST_UPLOAD_BYTES = MOST_ARCHIVE_BYTES + MOST_BYTES
_KEPT = timedelta(days=30)
_GIVEN_UP = timedelta(days=1)
_MOST_SHOWN = 200
# In an upload's folder: the paths of its files in the order of their numbers, and what was refused, with reasons.
_LIST = "list.json"

_FOLDER = "uploads"

NOT_READ = "this kind of file is not read"


@dataclass(frozen=True, slots=True)
class Incoming:
    """A file as it comes in: the name that the sender gave it, and its bytes in pieces of any size."""

    name: str
    chunks: AsyncIterator[bytes]


async def receive(house: House, incoming: Iterable[Incoming], *, collection: str, by: str) -> str:
    """Bring files to rest and record them; the upload's id. A file that cannot be learned has its reason already.

    Nothing is learned yet: `learn` does that, or `start` behind the caller's back.
    """
    now = house.clock.now()
    upload = Upload(id=new_id(), collection=collection, created_by=by, created_at=now)
    folder = folder_of(house, upload.id)
    await asyncio.to_thread(folder.mkdir, mode=0o700, parents=True)
    try:
        spooled, refused = await _spool(incoming, folder)
        rows = [*(_row(path, FileState.FAILED, reason) for path, reason in refused), *(_row(path) for path in spooled)]
        async with house.store.transaction() as tx:
            await uploads.forget(tx, before=now - _KEPT)
            await uploads.add(tx, upload)
            await uploads.write_files(tx, upload.id, rows)
    except BaseException:
        await asyncio.shield(asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True))
        raise
    return upload.id


async def learn(house: House, upload_id: str) -> AsyncGenerator[Step, None]:
    """Learn what has come in, telling each file's outcome as it is recorded.

    Raises `Conflict` where it is being learned already, and what stopped the whole of it (the database, a remote
    embedder): the upload is then recorded as failed.
    """
    folder = folder_of(house, upload_id)
    async with house.store.reading() as tx:
        upload = await uploads.get(tx, upload_id)
    if upload.state not in uploads.UNDONE:
        raise Conflict(f"The upload {upload_id} is finished.")
    try:
        owner = await asyncio.to_thread(Owner, folder)
    except ConfigurationError as error:
        raise Conflict(f"The upload {upload_id} is being learned already.") from error
    try:
        async with Sandbox() as sandbox:
            sources = await _opened(house, upload_id, sandbox)
            files = {source.path: source for source in sources}
            steps = learn_files(
                house.store,
                house.embedder,
                sandbox,
                sources,
                collection=upload.collection,
                clock=house.clock,
                suspects=speaks_to_assistant,
            )
            async with aclosing(steps):
                async for step in steps:
                    learned = step.outcome != "failed"
                    unsendable = await _offer(house, files[step.path], upload.collection) if learned else ""
                    await _settle(house, upload_id, step, unsendable)
                    yield step
        await _finish(house, upload_id)
    except Exception as error:
        reason = str(error) if isinstance(error, SahutError) else "something unexpected happened; it is in the log"
        await _finish(house, upload_id, f"It could not be learned: {reason}")
        raise
    finally:
        owner.release()


def start(house: House, upload_id: str) -> None:
    """Learn it after the caller has gone on; `uploads.get` and `uploads.files` tell how far it is."""
    house.background.start(_to_the_end(house, upload_id), name=f"upload {upload_id}")


async def resume(house: House) -> None:
    """Take up what a process that stopped has left behind here; give up what nobody can take up."""
    async with house.store.reading() as tx:
        undone = await uploads.undone(tx)
    for upload in undone:
        if await asyncio.to_thread(folder_of(house, upload.id).is_dir):
            start(house, upload.id)
        elif house.store.is_sqlite or house.clock.now() - upload.created_at > _GIVEN_UP:
            await _finish(house, upload.id, "The files were lost when the service stopped: upload them again.")
    known = {upload.id for upload in undone}
    await asyncio.to_thread(_clear_out, house.settings.home / _FOLDER, known)


def _clear_out(folder: Path, known: set[str]) -> None:
    """Remove what a process left that stopped before it had recorded an upload; what is fresh may still be coming."""
    for left in folder.glob("*") if folder.is_dir() else ():
        if left.name not in known and time.time() - left.stat().st_mtime > _GIVEN_UP.total_seconds():
            shutil.rmtree(left, ignore_errors=True)


async def _to_the_end(house: House, upload_id: str) -> None:
    with suppress(Conflict):
        async for _ in learn(house, upload_id):
            pass


async def _spool(incoming: Iterable[Incoming], folder: Path) -> tuple[list[str], list[tuple[str, str]]]:
    """Write the files as `0`, `1`, ... and their paths beside them; the paths, and (name, reason) of those refused."""
    paths: list[str] = []
    refused: list[tuple[str, str]] = []
    left = MOST_UPLOAD_BYTES
    for file in incoming:
        try:
            path = clean_path(file.name)
            check_name(path)
            if path in paths:
                raise LoadError("another file of this name came with it")
            left -= await _write(file.chunks, folder / str(len(paths)), min(left, _most(path)))
            paths.append(path)
        except LoadError as error:
            refused.append((_shown(file.name), str(error)))
    listed = json.dumps({"paths": paths, "refused": refused})
    await asyncio.to_thread((folder / _LIST).write_text, listed, "utf-8")
    return paths, refused


async def _write(chunks: AsyncIterator[bytes], target: Path, most: int) -> int:
    """The number of bytes written. Raises `LoadError` where there are more than `most`."""
    size = 0
    with await asyncio.to_thread(target.open, "wb") as stream:
        async for chunk in chunks:
            size += len(chunk)
            if size > most:
                raise LoadError(f"it is larger than {most // 1024 // 1024} MB")
            await asyncio.to_thread(stream.write, chunk)
    return size


def _most(path: str) -> int:
    return MOST_ARCHIVE_BYTES if suffix_of(path) == ARCHIVE else MOST_BYTES


def _shown(name: str) -> str:
    """A refused name as it may be stored and shown."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name[:_MOST_SHOWN])


async def _opened(house: House, upload_id: str, sandbox: Sandbox) -> list[Source]:
    """The files to learn, archives taken apart; the rows say the same afterwards.

    Also where a process stopped in the middle: what it had learned is unchanged then.
    """
    folder = folder_of(house, upload_id)
    listed = json.loads(await asyncio.to_thread((folder / _LIST).read_text, "utf-8"))
    unpacked = await unpack(sandbox, [Source(folder / str(n), "", path) for n, path in enumerate(listed["paths"])])
    rows = [
        *(_row(path, FileState.FAILED, reason) for path, reason in [*listed["refused"], *unpacked.refused]),
        *(_row(path, FileState.SKIPPED, NOT_READ) for path in unpacked.skipped),
        *(_row(source.path) for source in unpacked.sources),
    ]
    async with house.store.transaction() as tx:
        await uploads.begin(tx, upload_id)
        await uploads.write_files(tx, upload_id, rows)
    return unpacked.sources


async def _offer(house: House, source: Source, collection: str) -> str:
    """Let customers be sent the file, if it came by itself and is of such a kind; why it cannot be sent, else empty."""
    if source.member is not None or not is_sendable(source.path):
        return ""
    try:
        data = await asyncio.to_thread(source.file.read_bytes)
        await attach_bytes(house.store, house.shelf, source.path, data, collection=collection, clock=house.clock)
    except LoadError as error:
        return f"It was learned, but cannot be sent to customers: {error}"
    return ""


async def _settle(house: House, upload_id: str, step: Step, unsendable: str) -> None:
    failed = step.outcome == "failed"
    state, outcome = (FileState.FAILED, "") if failed else (FileState.DONE, step.outcome)
    if step.suspect:
        unsendable = f"{unsendable} Look at this: it speaks to an assistant: {step.suspect[0]!r}".strip()
    async with house.store.transaction() as tx:
        await uploads.settle(tx, upload_id, step.path, state, outcome=outcome, reason=step.reason or unsendable)


async def _finish(house: House, upload_id: str, reason: str = "") -> None:
    async with house.store.transaction() as tx:
        await uploads.finish(tx, upload_id, now=house.clock.now(), reason=reason)
    await asyncio.to_thread(shutil.rmtree, folder_of(house, upload_id), ignore_errors=True)


def _row(path: str, state: FileState = FileState.WAITING, reason: str = "") -> UploadFile:
    return UploadFile(upload_id="", position=0, path=path, state=state, reason=reason)


def folder_of(house: House, upload_id: str) -> Path:
    """Where the bytes of an upload lie until it is done."""
    return house.settings.home / _FOLDER / upload_id
