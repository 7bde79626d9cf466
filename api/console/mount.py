"""Hangs the console into the application, and holds what NiceGUI has only once in a process. Knows no page's inside.

NiceGUI keeps one application, one socket server and one loop for the whole process. Houses in one process share them,
in one loop; each page finds its own house through the request that asked for it (`scope["sahut.place"]`).
"""

import os
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import RedirectResponse
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from api.console import documents, entry, files, gaps, numbers, paper, people, recalls, sending
from api.console.door import Door, path_below
from api.console.place import BASE, Place
from api.house import House

STATIC = Path(__file__).parent / "static"
# Level 9, the default, would hold up the loop; browsers keep what is large.
GZIP_LEVEL = 3
# A page whose connection failed for less than this goes on where it was; after it, and after a restart, it reloads.
RECONNECT_S = 30.0
_DESK = re.compile(r"/(c/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?|/favicon.ico|/_nicegui(_ws)?/.*")


def mount(app: FastAPI, house: House) -> None:
    """Serve the console of this house under `/console`."""
    place, shell = Place(house), _shell(str(house.settings.home))
    inside = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    for part in (entry, people, documents, files, gaps, numbers, recalls, sending):
        inside.include_router(part.router)
    inside.mount("/static", StaticFiles(directory=STATIC))
    inside.mount("/", _Desk(shell))
    entry.install(inside)
    app.add_api_route(BASE, _to_the_desk, include_in_schema=False)
    app.mount(BASE, GZipMiddleware(Door(inside, place), minimum_size=1024, compresslevel=GZIP_LEVEL))
    around = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(_running(shell))
            await stack.enter_async_context(place.open())
            await stack.enter_async_context(around(app))
            yield

    app.router.lifespan_context = lifespan


class _Desk:
    """NiceGUI as far as it has pages of ours: what it would say to any other address is not for operators."""

    def __init__(self, shell: ASGIApp) -> None:
        self._shell = shell

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        known = _DESK.fullmatch(path_below(scope)) is not None
        await (self._shell if known else paper.not_found(Request(scope)))(scope, receive, send)


async def _to_the_desk() -> RedirectResponse:
    return RedirectResponse(f"{BASE}/")


@cache
def _prepared() -> FastAPI:
    """NiceGUI with our pages, in an application of its own: once, since its routes and settings are the process's."""
    from nicegui import app, ui

    from api.console import pages

    shell = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    shell.state.houses = 0
    app.config.socket_io_js_transports = ["websocket"]
    # Quasar's bar over every request of the page has no name that a screen reader could tell.
    app.config.quasar_config["loadingBar"]["skipHijack"] = True
    pages.register()
    ui.run_with(
        shell,
        title="Sahut",
        language="en-US",
        tailwind=False,
        binding_refresh_interval=None,
        reconnect_timeout=RECONNECT_S,
        gzip_middleware_factory=None,
        show_welcome_message=False,
        favicon=STATIC / "sahut.svg",
    )
    return shell


def _shell(home: str) -> FastAPI:
    # Nothing is kept in NiceGUI's storage; were it ever, it would lie with the rest of the data.
    os.environ.setdefault("NICEGUI_STORAGE_PATH", str(Path(home) / "console"))
    return _prepared()


@asynccontextmanager
async def _running(shell: FastAPI) -> AsyncIterator[None]:
    """NiceGUI runs from the first house that opens to the last that closes."""
    state = shell.state
    if state.houses == 0:
        state.life = shell.router.lifespan_context(shell)
        await state.life.__aenter__()
    state.houses += 1
    try:
        yield
    finally:
        state.houses -= 1
        if state.houses == 0:
            await state.life.__aexit__(None, None, None)
