"""The page of one number: what is set for it, and a form for admins. A secret goes in and is never shown again."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from api.console import forms, paper
from api.console.acts import words_of
from api.console.place import BASE, Place
from api.desk import numbers as ours
from api.house import House
from sahut.errors import NotFound, SahutError
from sahut.models import NumberSettings, Role
from sahut.store import number_settings, operators

router = APIRouter(prefix="/sending/numbers", include_in_schema=False)
Short = Annotated[str, Form(max_length=1024)]
Long = Annotated[str, Form(max_length=100_000)]
EDITIONS = 20
_SAID = {"changed": "Saved. It is in force.", "added": "Added. Give it a token and the secret of its app."}
_WORDS = ("account", "organisation", "persona", "business_hours", "timezone", "team")
_SECRETS = ("access_token", "app_secret")


@router.get("/{number}")
async def show(request: Request, number: str, said: str = "") -> Response:
    """What is set, for admins."""
    forms.allowed(request, Role.ADMIN)
    return await _page(request, number, said=_SAID.get(said, ""))


@router.post("")
async def add(request: Request, token: Short = "", number: Short = "") -> Response:
    """Serve one more number."""
    place, me = forms.posted(request, token, Role.ADMIN)
    try:
        given = ours.NewNumber(number=number.strip())
        await ours.add(place.house, operators.actor_of(me), given)
    except (ValidationError, SahutError) as error:
        text = f"That number was not added. {_words(error)}"
        return paper.page(request, "calm.html", "Not added", status=HTTPStatus.UNPROCESSABLE_ENTITY, text=text)
    return _back(given.number, "added")


@router.post("/{number}")
async def change(
    request: Request,
    number: str,
    token: Short = "",
    account: Short = "",
    access_token: Long = "",
    app_secret: Long = "",
    organisation: Short = "",
    persona: Long = "",
    limited: Short = "",
    collections: Long = "",
    business_hours: Short = "",
    timezone: Short = "",
    team: Short = "",
    forget: Annotated[list[str] | None, Form(max_length=3)] = None,
) -> Response:
    """Set everything as the form has it; a secret only where one was typed or is to be forgotten."""
    place, me = forms.posted(request, token, Role.ADMIN)
    words = dict(zip(_WORDS, (account, organisation, persona, business_hours, timezone, team), strict=True))
    wanted: dict[str, Any] = {name: value.strip() or None for name, value in words.items()}
    wanted["collections"] = [part for part in map(str.strip, collections.split(",")) if part] if limited else None
    wanted |= {name: value for name, value in zip(_SECRETS, (access_token, app_secret), strict=True) if value.strip()}
    wanted |= {name: None for name in forget or [] if name in (*_SECRETS, "old_app_secret")}
    try:
        await ours.change(place.house, operators.actor_of(me), number, ours.NumberChanges.model_validate(wanted))
    except (ValidationError, SahutError) as error:
        shown = {**words, "limited": limited, "collections": collections}
        return await _page(request, number, problem=_words(error), given=shown, status=422)
    return _back(number, "changed")


@router.post("/{number}/remove")
async def remove(request: Request, number: str, token: Short = "", sure: Short = "") -> Response:
    """Serve it no more."""
    place, me = forms.posted(request, token, Role.ADMIN)
    if sure != "yes":
        return await _page(request, number, problem="Say first that you are sure.", status=422)
    try:
        await ours.remove(place.house, operators.actor_of(me), number)
    except SahutError as error:
        return await _page(request, number, problem=words_of(error), status=HTTPStatus.CONFLICT)
    await place.look_for_alert()
    return RedirectResponse(f"{BASE}/sending?said=removed", HTTPStatus.SEE_OTHER)


async def _page(
    request: Request,
    number: str,
    *,
    said: str = "",
    problem: str = "",
    given: dict[str, str] | None = None,
    status: int = HTTPStatus.OK,
) -> Response:
    place: Place = request.scope["sahut.place"]
    board = await place.house.switchboard.look()
    try:
        board.check_ours(number)
    except NotFound:
        return paper.not_found(request)
    async with place.house.store.reading() as tx:
        kept = await number_settings.find(tx, number) or _nothing(place.house, number)
        past = await number_settings.editions(tx, number, before=None, limit=EDITIONS) if kept.edition else []
    now, until = place.house.clock.now(), kept.old_app_secret_until
    return paper.page(
        request,
        "number.html",
        f"Number {number}",
        status=status,
        page="sending",
        number=number,
        kept=kept,
        old_until=until if until is not None and until > now else None,
        given=given or _given(kept),
        otherwise=board.default.guidance,
        otherwise_account=board.default.account,
        troubles=board.of(number).troubles,
        editions=past,
        is_apart=number != board.default.number,
        most_persona=ours.MOST_PERSONA,
        said=said,
        problem=problem,
    )


def _given(kept: NumberSettings) -> dict[str, str]:
    """The form as the row fills it. No secret is among it."""
    words = {name: getattr(kept, name) or "" for name in _WORDS}
    limited = "" if kept.collections is None else "yes"
    return {**words, "limited": limited, "collections": ", ".join(kept.collections or [])}


def _nothing(house: House, number: str) -> NumberSettings:
    now = house.clock.now()
    return NumberSettings(number=number, created_at=now, updated_at=now)


def _words(error: ValidationError | SahutError) -> str:
    return ours.first_words(error) if isinstance(error, ValidationError) else words_of(error)


def _back(number: str, said: str) -> RedirectResponse:
    return RedirectResponse(f"{BASE}/sending/numbers/{number}?said={said}", HTTPStatus.SEE_OTHER)
