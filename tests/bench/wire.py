"""A lean HTTP client for the load's side: what it costs is taken from the service on the same cores. Posts only."""

import asyncio
from collections import deque
from dataclasses import dataclass
from urllib.parse import urlsplit

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True)
class Answer:
    """What the Graph double's post office wants of an answer."""

    status_code: int


class Wire:
    """Kept-alive connections to one host, as many as there are posts at once."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._idle: deque[Streams] = deque()

    async def post(self, path: str, *, content: bytes, headers: dict[str, str]) -> Answer:
        """Post once; the status, 0 where there was no answer."""
        lines = [f"POST {path} HTTP/1.1", f"Host: {self._host}", f"Content-Length: {len(content)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        request = "\r\n".join(lines).encode() + b"\r\n\r\n" + content
        try:
            return Answer(await self._exchange(request))
        except (OSError, EOFError, ValueError):
            return Answer(0)

    async def _exchange(self, request: bytes) -> int:
        reader, writer = self._idle.pop() if self._idle else await asyncio.open_connection(self._host, self._port)
        try:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(_length(head))
        except BaseException:
            writer.close()
            raise
        self._idle.append((reader, writer))
        return int(head[9:12])

    async def aclose(self) -> None:
        """Close the connections."""
        while self._idle:
            self._idle.pop()[1].close()


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0
