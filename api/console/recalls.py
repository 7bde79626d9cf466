"""The page of recalls: answers that the documents do not bear out any more. `api.desk.recalls` decides."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from api.console import forms, paper
from api.console.place import BASE, Place
from api.desk.recalls import Recalls
from sahut.errors import SahutError, StoreUnavailable
from sahut.models import RecallState, Role
from sahut.store import operators

router = APIRouter(prefix="/recalls", include_in_schema=False)
MAY = (Role.SUPERVISOR, Role.ADMIN)
PAGE = 50
_SAID = {"sent": "The correction is on its way.", "dismissed": "Dismissed. Nothing was sent."}
Cursor = Annotated[str, Query(max_length=64)]
Token = Annotated[str, Form(max_length=128)]


@router.get("")
async def show(request: Request, after: Cursor = "", said: str = "") -> Response:
    """The open ones."""
    forms.allowed(request, *MAY)
    return await _page(request, after=after, said=_SAID.get(said, ""))


@router.post("/{recall_id}/send")
async def send(
    request: Request, recall_id: str, token: Token = "", text: Annotated[str, Form(max_length=20_000)] = ""
) -> Response:
    """Send the correction as it stands in the form."""
    place, me = forms.posted(request, token, *MAY)
    try:
        await Recalls(place.house).send(operators.actor_of(me), recall_id, text)
    except StoreUnavailable:
        raise
    except SahutError as error:
        return await _page(request, problem=str(error), status=HTTPStatus.CONFLICT)
    return RedirectResponse(f"{BASE}/recalls?said=sent", HTTPStatus.SEE_OTHER)


@router.post("/{recall_id}/dismiss")
async def dismiss(request: Request, recall_id: str, token: Token = "") -> Response:
    """Leave the answer as it was."""
    place, me = forms.posted(request, token, *MAY)
    try:
        await Recalls(place.house).dismiss(operators.actor_of(me), recall_id)
    except StoreUnavailable:
        raise
    except SahutError as error:
        return await _page(request, problem=str(error), status=HTTPStatus.CONFLICT)
    return RedirectResponse(f"{BASE}/recalls?said=dismissed", HTTPStatus.SEE_OTHER)


async def _page(
    request: Request, *, after: str = "", said: str = "", problem: str = "", status: int = HTTPStatus.OK
) -> Response:
    place: Place = request.scope["sahut.place"]
    found = await Recalls(place.house).listed(state=RecallState.OPEN, after=after, limit=PAGE + 1)
    return paper.page(
        request,
        "recalls.html",
        "Recalls",
        status=status,
        page="recalls",
        recalls=found[:PAGE],
        more=found[PAGE - 1].recall.id if len(found) > PAGE else "",
        said=said,
        problem=problem,
    )
