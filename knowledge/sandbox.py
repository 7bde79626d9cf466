"""Reading documents in a process of its own, bounded in time, memory and output. Knows no format.

Documents come from anywhere, and what reads them is a lot of code: a file that hangs or kills its reader must cost
that file only.
"""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from pydantic import TypeAdapter, ValidationError

from knowledge.archive import Member
from knowledge.formats.links import Links
from knowledge.load import Loaded, Source
from knowledge.sandboxed import OUT_OF_MEMORY
from sahut.errors import LoadError

MOST_S = 60
MOST_MEMORY_BYTES = 1024 * 1024 * 1024
# Ten million characters of text are at most four times as many bytes; the rest is sections.
MOST_REPLY_BYTES = 128 * 1024 * 1024
_END_WITHIN_S = 2
_MOST_REASON = 500
_KEPT_ENVIRONMENT = ("SYSTEMROOT", "TMPDIR", "TMP", "TEMP", "LANG", "LD_LIBRARY_PATH")

T = TypeVar("T")
_LOADED = TypeAdapter(Loaded)
_MEMBERS = TypeAdapter(list[Member])
_LINKS = TypeAdapter(Links)


class Sandbox:
    """One reader, started when it is first needed and again after a file that was too much for it.

    Reads one file at a time; use it as `async with Sandbox() as sandbox`.
    """

    def __init__(self, *, most_s: int = MOST_S, most_memory_bytes: int = MOST_MEMORY_BYTES) -> None:
        self._most_s = most_s
        self._most_memory_bytes = most_memory_bytes
        self._process: Process | None = None
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._end()

    async def load(self, source: Source) -> Loaded:
        """Read one file. Raises `LoadError`, whatever the file does."""
        reply = await self._ask({"do": "load", "file": str(source.file), "path": source.path, "member": source.member})
        return _parsed(_LOADED, reply.get("loaded"))

    async def members(self, file: Path) -> list[Member]:
        """What an archive holds. Raises `LoadError`."""
        return _parsed(_MEMBERS, (await self._ask({"do": "members", "file": str(file)})).get("members"))

    async def links(self, file: Path, *, xml: bool) -> Links:
        """The addresses in a page or a sitemap. Raises `LoadError`."""
        return _parsed(_LINKS, (await self._ask({"do": "links", "file": str(file), "xml": xml})).get("links"))

    async def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        async with self._turn:
            process = await self._ready()
            try:
                async with asyncio.timeout(self._most_s):
                    reply = await _exchange(process, request)
            except TimeoutError as error:
                await self._end(kill=True)
                raise LoadError(f"it took longer than {self._most_s} s to read: split it or simplify it") from error
            except (OSError, EOFError, ValueError) as error:
                raise LoadError(self._failure(await self._end())) from error
            except BaseException:
                await self._end(kill=True)
                raise
            if reply.get("tired"):
                await self._end()
        if "error" in reply:
            raise LoadError(str(reply["error"])[:_MOST_REASON])
        return reply

    async def _ready(self) -> Process:
        if self._process is None or self._process.returncode is not None:
            # Nothing of our environment goes along: it holds keys, and the working folder may hold modules.
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-X", "utf8", "-m", "knowledge.sandboxed"),
                *(str(self._most_s), str(self._most_memory_bytes)),
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
                env={name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ},
            )
        return self._process

    def _failure(self, code: int | None) -> str:
        if code == OUT_OF_MEMORY:
            return f"it takes more than {self._most_memory_bytes // 1024 // 1024} MB of memory to read: split it"
        return f"its reader failed on it ({_told(code)}): it is damaged, or too much at once"

    async def _end(self, *, kill: bool = False) -> int | None:
        """Stop the reader; the code that it ended with."""
        process, self._process = self._process, None
        return await asyncio.shield(_stopped(process, kill=kill)) if process is not None else None


async def _exchange(process: Process, request: dict[str, Any]) -> dict[str, Any]:
    assert process.stdin is not None  # noqa: S101  # both are pipes
    assert process.stdout is not None  # noqa: S101
    data = json.dumps(request).encode()
    process.stdin.write(len(data).to_bytes(4, "big") + data)
    await process.stdin.drain()
    size = int.from_bytes(await process.stdout.readexactly(4), "big")
    if size > MOST_REPLY_BYTES:
        raise ValueError("the reply is too long")
    reply = json.loads(await process.stdout.readexactly(size))
    if not isinstance(reply, dict):
        raise ValueError("the reply is no object")
    return reply


async def _stopped(process: Process, *, kill: bool) -> int:
    """End the process: the end of its input is enough for one that waits for it."""
    assert process.stdin is not None  # noqa: S101
    process.stdin.close()
    try:
        async with asyncio.timeout(0 if kill else _END_WITHIN_S):
            return await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        return await process.wait()


def _parsed(shape: TypeAdapter[T], value: Any) -> T:
    """What the reader said, in the shape that it must have: a hostile file may have taken the reader over."""
    try:
        return shape.validate_python(value)
    except ValidationError as error:
        raise LoadError("its reader said something that cannot be: the file may be hostile") from error


def _told(code: int | None) -> str:
    if code is not None and code < 0:
        try:
            return signal.Signals(-code).name
        except ValueError:
            pass
    return f"code {code}"
