"""Uvicorn as this service runs it. Knows no route."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.types import ASGIApp

from sahut.errors import ConfigurationError

KEEP_ALIVE_S = 75
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def _config(app: ASGIApp) -> uvicorn.Config:
    """Logging is ours; open requests finish at the end."""
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=10,
        server_header=False,
    )


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises `ConfigurationError` where the address is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise ConfigurationError(f"Cannot listen on {host}:{port}: {error.strerror}. Give another --port.") from error
    listening.listen(2048)
    return listening


def address_of(listening: socket.socket) -> str:
    """The address as a URL."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Server(uvicorn.Server):
    """A server that says when its end begins, before it waits for open requests."""

    def __init__(self, app: ASGIApp, ending: Callable[[], None] | None) -> None:
        super().__init__(_config(app))
        self._ending = ending

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._ending is not None:
            self._ending()
        await super().shutdown(sockets)


async def serve_app(
    app: ASGIApp, host: str, port: int, announce: Callable[[str], None], ending: Callable[[], None] | None = None
) -> None:
    """Serve until told to stop; `announce` gets the address, `ending` is called when the end begins."""
    listening = listen(host, port)
    server = _Server(app, ending)
    announce(address_of(listening))
    try:
        await server.serve(sockets=[listening])
    finally:
        listening.close()


class _Guest(_Server):
    """A server that leaves the process's signals to its host."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def served(
    app: ASGIApp, listening: socket.socket, ending: Callable[[], None] | None = None
) -> AsyncIterator[str]:
    """Serve in a task of this loop for the length of the block; the address, once the server answers."""
    server = _Guest(app, ending)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        while not server.started:
            if task.done():
                await task
            await asyncio.sleep(0.01)
        yield address_of(listening)
    finally:
        server.should_exit = True
        await task
