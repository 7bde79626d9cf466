"""The page of sending: our numbers, why one is paused, and the messages that failed. Admins resume, all may decide."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from api.console import forms, paper
from api.console.acts import words_of
from api.console.place import BASE, Place
from api.desk.conversations import Desk
from api.sending.standing import numbers_of, resume
from api.whatsapp.clean import clean_text
from sahut.errors import SahutError
from sahut.models import Operator, Role
from sahut.store import failures, numbers, operators

router = APIRouter(prefix="/sending", include_in_schema=False)
Short = Annotated[str, Form(max_length=1024)]
Cursor = Annotated[str, Query(max_length=64)]
ALL = tuple(Role)
PAGE = 50
WHY_MOST = 500
_SAID = {
    "resumed": "Resumed: what waits is being sent.",
    "paused": "Paused: nothing is sent until an admin resumes it.",
    "removed": "Removed. Its conversations stay; nothing is taken from it or sent any more.",
    "retried": "Queued once more, in your name. The conversation is yours now.",
    "dismissed": "Dismissed.",
}


@router.get("")
async def show(request: Request, said: str = "", before: Cursor = "") -> Response:
    """The numbers and the list of failures."""
    forms.allowed(request, *ALL)
    return await _page(request, said=_SAID.get(said, ""), before=before)


@router.post("/numbers/{number}/resume")
async def resume_number(request: Request, number: str, token: Short = "") -> Response:
    """Let it send again."""
    place, me = forms.posted(request, token, Role.ADMIN)
    try:
        await resume(place.house.store, place.house.clock, number, actor=operators.actor_of(me))
    except SahutError as error:
        return await _page(request, problem=words_of(error), status=HTTPStatus.UNPROCESSABLE_ENTITY)
    await place.look_for_alert()
    return _back("resumed")


@router.post("/numbers/{number}/pause")
async def pause_number(request: Request, number: str, token: Short = "", why: Short = "") -> Response:
    """Stop it."""
    place, me = forms.posted(request, token, Role.ADMIN)
    reason = clean_text(why).strip()
    try:
        if not 0 < len(reason) <= WHY_MOST:
            return await _page(request, problem=f"Say why, in 1 to {WHY_MOST} characters.", status=422)
        async with place.house.store.transaction() as tx:
            await numbers.pause_by(tx, operators.actor_of(me), number, why=reason, now=place.house.clock.now())
    except SahutError as error:
        return await _page(request, problem=words_of(error), status=HTTPStatus.UNPROCESSABLE_ENTITY)
    await place.look_for_alert()
    return _back("paused")


@router.post("/failures/{message_id}/retry")
async def retry(request: Request, message_id: str, token: Short = "") -> Response:
    """Once more."""
    place, me = forms.posted(request, token, *ALL)
    return await _decide(request, place, me, message_id, "retried")


@router.post("/failures/{message_id}/dismiss")
async def dismiss(request: Request, message_id: str, token: Short = "") -> Response:
    """Nothing more."""
    place, me = forms.posted(request, token, *ALL)
    return await _decide(request, place, me, message_id, "dismissed")


async def _decide(request: Request, place: Place, me: Operator, message_id: str, what: str) -> Response:
    desk, actor = Desk(place.house), operators.actor_of(me)
    try:
        await (desk.retry(actor, message_id) if what == "retried" else desk.dismiss(actor, message_id))
    except SahutError as error:
        return await _page(request, problem=words_of(error), status=HTTPStatus.CONFLICT)
    return _back(what)


async def _page(
    request: Request, *, said: str = "", problem: str = "", before: str = "", status: int = HTTPStatus.OK
) -> Response:
    place: Place = request.scope["sahut.place"]
    shown = await numbers_of(place.house)
    async with place.house.store.reading() as tx:
        failed = await failures.listed(tx, before=before or None, limit=PAGE + 1)
    return paper.page(
        request,
        "sending.html",
        "Sending",
        status=status,
        page="sending",
        numbers=shown,
        failures=failed[:PAGE],
        more=failed[PAGE - 1][0].id if len(failed) > PAGE else "",
        may=request.scope["sahut.operator"].role == Role.ADMIN,
        said=said,
        problem=problem,
    )


def _back(said: str) -> RedirectResponse:
    return RedirectResponse(f"{BASE}/sending?said={said}", HTTPStatus.SEE_OTHER)
