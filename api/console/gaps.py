"""The pages of gaps: what customers asked in vain, and an article for it. `api.desk.gaps` drafts and publishes."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from api.console import forms, paper
from api.console.place import BASE, Place
from api.desk.gaps import Gaps
from sahut.errors import ConfigurationError, Conflict, LoadError
from sahut.models import GapState, Role
from sahut.rules import Actor
from sahut.store import operators

router = APIRouter(prefix="/gaps", include_in_schema=False)
# What customers are told comes from here, so not every operator may write it.
MAY = (Role.SUPERVISOR, Role.ADMIN)
PAGE = 100
_SAID = {
    "saved": "Saved. Customers are not told yet.",
    "drafted": "Drafted from what operators answered. Read it before you publish it.",
    "published": "Published, and the questions were asked again: see below.",
    "dismissed": "Dismissed. It does not come back when it is asked again.",
}
Words = Annotated[str, Form(max_length=50_000)]
Token = Annotated[str, Form(max_length=128)]


@router.get("")
async def show(request: Request, state: GapState = GapState.OPEN) -> Response:
    """Gaps of one state, the most asked first."""
    forms.allowed(request, *MAY)
    place: Place = request.scope["sahut.place"]
    found = await Gaps(place.house).most_asked(state, limit=PAGE)
    states = [str(each) for each in GapState]
    return paper.page(request, "gaps.html", "Gaps", page="gaps", gaps=found, state=str(state), states=states)


@router.get("/{gap_id}")
async def show_one(request: Request, gap_id: str, said: Annotated[str, Query(max_length=64)] = "") -> Response:
    """One gap with its questions and its article."""
    forms.allowed(request, *MAY)
    return await _page(request, gap_id, said=_SAID.get(said, ""))


@router.post("/{gap_id}/save")
async def save(request: Request, gap_id: str, token: Token = "", title: Words = "", text: Words = "") -> Response:
    """Keep the article for later."""
    return await _done(request, token, gap_id, "saved", lambda gaps, actor: gaps.save(actor, gap_id, title, text))


@router.post("/{gap_id}/draft")
async def draft(request: Request, gap_id: str, token: Token = "") -> Response:
    """Draft the article anew."""
    return await _done(request, token, gap_id, "drafted", lambda gaps, actor: gaps.draft(actor, gap_id))


@router.post("/{gap_id}/publish")
async def publish(request: Request, gap_id: str, token: Token = "", title: Words = "", text: Words = "") -> Response:
    """Learn the article, and ask the questions again."""
    return await _done(
        request, token, gap_id, "published", lambda gaps, actor: gaps.publish(actor, gap_id, title, text)
    )


@router.post("/{gap_id}/dismiss")
async def dismiss(request: Request, gap_id: str, token: Token = "") -> Response:
    """Nothing is to be written about this."""
    return await _done(request, token, gap_id, "dismissed", lambda gaps, actor: gaps.dismiss(actor, gap_id))


async def _done(
    request: Request, token: str, gap_id: str, said: str, do: Callable[[Gaps, Actor], Awaitable[Any]]
) -> Response:
    place, me = forms.posted(request, token, *MAY)
    try:
        await do(Gaps(place.house), operators.actor_of(me))
    except (ConfigurationError, Conflict, LoadError) as error:
        return await _page(request, gap_id, problem=str(error), status=HTTPStatus.UNPROCESSABLE_ENTITY)
    return RedirectResponse(f"{BASE}/gaps/{gap_id}?said={said}", HTTPStatus.SEE_OTHER)


async def _page(
    request: Request, gap_id: str, *, said: str = "", problem: str = "", status: int = HTTPStatus.OK
) -> Response:
    place: Place = request.scope["sahut.place"]
    whole = await Gaps(place.house).get(gap_id)
    return paper.page(request, "gap.html", "Gap", status=status, page="gaps", whole=whole, said=said, problem=problem)
