"""The desk's addresses in NiceGUI's router. They belong to the process; the house comes with each request."""

from fastapi import Request, Response
from nicegui import Client, ui

from api.console import paper
from api.console.seat import Seat
from sahut.errors import NotFound, StoreUnavailable

# After it a page that is not built yet is an error page: on a machine that is busy for a moment, late is better.
PATIENCE_S = 15.0


def register() -> None:
    """Add the pages. Call it once."""
    ui.page("/", title="Sahut", response_timeout=PATIENCE_S)(desk)
    ui.page("/c/{conversation_id}", title="Sahut", response_timeout=PATIENCE_S)(conversation)


async def desk(request: Request, client: Client) -> Response | None:
    """The queue, nothing open."""
    return await _draw(request, client, None)


async def conversation(request: Request, client: Client, conversation_id: str) -> Response | None:
    """The queue with one conversation open."""
    return await _draw(request, client, conversation_id)


async def _draw(request: Request, client: Client, conversation_id: str | None) -> Response | None:
    scope = request.scope
    seat = Seat(scope["sahut.place"], scope["sahut.operator"], scope["sahut.token"], client)
    ui.add_head_html(paper.HEAD)
    ui.add_body_html(paper.FOOT)
    try:
        await seat.draw(conversation_id)
    except (NotFound, StoreUnavailable) as error:
        client.delete()
        return paper.not_found(request) if isinstance(error, NotFound) else paper.unavailable(request)
    return None
