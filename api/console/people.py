"""The page of people: who may sign in. Supervisors see it, admins change it."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from api.console import forms, paper
from api.console.place import BASE, Place
from api.whatsapp.clean import clean_text
from sahut.errors import ConfigurationError, Conflict
from sahut.models import Role
from sahut.store import operators
from sahut.store.audit import audit

router = APIRouter(prefix="/people", include_in_schema=False)
Short = Annotated[str, Form(max_length=1024)]
MOST_TEAM = 100
_SAID = {
    "added": "Added. They can sign in now.",
    "disabled": "Disabled and signed out.",
    "enabled": "Enabled again.",
    "joined": "Saved. It holds from the next page they open.",
}


@router.get("")
async def show(request: Request, said: str = "") -> Response:
    """The list."""
    forms.allowed(request, Role.SUPERVISOR, Role.ADMIN)
    return await _page(request, said=_SAID.get(said, ""))


@router.post("")
async def add(
    request: Request,
    email: Short = "",
    name: Short = "",
    role: Short = "",
    team: Short = "",
    password: Short = "",
    token: Short = "",
) -> Response:
    """Somebody new."""
    place, me = forms.posted(request, token, Role.ADMIN)
    given = {"name": clean_text(name).strip(), "email": email, "role": role, "team": _team(team)}
    try:
        kept = await place.house.passwords.hash(password)
        async with place.house.store.transaction() as tx:
            now = place.house.clock.now()
            wanted = Role(role) if role in list(Role) else Role.OPERATOR
            more = {"name": given["name"], "team": given["team"], "password_hash": kept}
            added = await operators.add(tx, email=email, role=wanted, now=now, **more)
            audit(tx, operators.actor_of(me), "operator_add", None, now, operator=added.id)
    except (ConfigurationError, Conflict) as error:
        return await _page(request, problem=str(error), given=given, status=422)
    return _back("added")


@router.post("/{operator_id}/team")
async def join(request: Request, operator_id: str, token: Short = "", team: Short = "") -> Response:
    """They see the requests of another team, or all."""
    place, me = forms.posted(request, token, Role.ADMIN)
    async with place.house.store.transaction() as tx:
        await operators.join(tx, operator_id, _team(team))
        now = place.house.clock.now()
        audit(tx, operators.actor_of(me), "operator_team", None, now, operator=operator_id, team=_team(team))
    return _back("joined")


@router.post("/{operator_id}/disable")
async def disable(request: Request, operator_id: str, token: Short = "") -> Response:
    """They cannot sign in any more."""
    place, me = forms.posted(request, token, Role.ADMIN)
    if operator_id == me.id:
        raise HTTPException(HTTPStatus.CONFLICT, "You cannot disable yourself: another admin can.")
    async with place.house.store.transaction() as tx:
        now = place.house.clock.now()
        await operators.disable(tx, operator_id, now=now)
        audit(tx, operators.actor_of(me), "operator_disable", None, now, operator=operator_id)
    return _back("disabled")


@router.post("/{operator_id}/enable")
async def enable(request: Request, operator_id: str, token: Short = "") -> Response:
    """They may sign in again."""
    place, me = forms.posted(request, token, Role.ADMIN)
    async with place.house.store.transaction() as tx:
        await operators.enable(tx, operator_id)
        now = place.house.clock.now()
        audit(tx, operators.actor_of(me), "operator_enable", None, now, operator=operator_id)
    return _back("enabled")


def _team(given: str) -> str:
    return " ".join(clean_text(given, MOST_TEAM).split())


async def _page(
    request: Request,
    *,
    said: str = "",
    problem: str = "",
    given: dict[str, str] | None = None,
    status: int = HTTPStatus.OK,
) -> Response:
    place: Place = request.scope["sahut.place"]
    async with place.house.store.reading() as tx:
        people = await operators.listed(tx)
    return paper.page(
        request,
        "people.html",
        "People",
        status=status,
        page="people",
        people=people,
        roles=[str(role) for role in Role],
        may=request.scope["sahut.operator"].role == Role.ADMIN,
        given=given or {"name": "", "email": "", "role": str(Role.OPERATOR), "team": ""},
        said=said,
        problem=problem,
    )


def _back(said: str) -> RedirectResponse:
    return RedirectResponse(f"{BASE}/people?said={said}", HTTPStatus.SEE_OTHER)
