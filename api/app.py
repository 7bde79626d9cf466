"""The web application over a house: which doors exist. It must not know how any of them works."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI

from api import health, problems, rest, tracking, webhook
from api.desk import uploads
from api.house import House
from api.rest.description import Described
from sahut import __version__

ROLES = ("web", "worker", "console")
# What any door takes unless it says otherwise; counted while it streams, before a key is looked at.
MAX_BODY_BYTES = 1024 * 1024


def create_app(house: House, *, roles: tuple[str, ...] = ROLES) -> FastAPI:
    """The service as an ASGI application. Without the roles `web` and `console` it answers only the probes."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(house.worker.run()) if "worker" in roles else None
        if "web" in roles:
            await uploads.resume(house)
        try:
            yield
        finally:
            await house.background.stop()
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    app = Described(
        title="Sahut",
        version=__version__,
        summary="An AI-first customer support agent service for WhatsApp",
        openapi_url="/api/v1/openapi.json",
        # FastAPI's pages for people load their scripts from elsewhere; the description itself is served.
        docs_url=None,
        max_body_size=MAX_BODY_BYTES,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.house = house
    problems.install(app)
    app.include_router(health.router)
    if "web" in roles:
        app.include_router(webhook.router)
        app.include_router(rest.router)
        app.include_router(tracking.router)
        app.state.misses = tracking.Misses(house.clock)
    if "console" in roles:
        # NiceGUI takes a second and 25 MB: only who shows pages loads it.
        from api.console.mount import mount

        mount(app, house)
    return app
