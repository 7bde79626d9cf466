"""Signing in and out: plain forms, so that they work before anything else does. The checking is `api.auth`'s."""

import secrets
from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, FastAPI, Form, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from api import auth
from api.console import paper
from api.console.place import BASE, Place
from sahut.errors import SahutError, StoreUnavailable

router = APIRouter(include_in_schema=False)
# Ties the sign-in form to the browser that asked for it, before there is a session.
FORM_COOKIE = "sahut_form"
FORM_LIFE_S = 24 * 3600
_TITLE = "Sign in"

Short = Annotated[str, Form(max_length=1024)]


@router.get("/sign-in")
async def show(request: Request, onward: Annotated[str, Query(alias="next", max_length=200)] = "") -> Response:
    """The form; whoever is signed in goes on."""
    if request.scope["sahut.operator"] is not None:
        return _to(_safe(onward))
    return _form(request, onward=onward)


@router.post("/sign-in")
async def sign_in(
    request: Request,
    email: Short = "",
    password: Short = "",
    token: Short = "",
    onward: Annotated[str, Form(alias="next", max_length=200)] = "",
) -> Response:
    """Check the password and begin a session."""
    place = _place(request)
    if not place.is_form_of(request.cookies.get(FORM_COOKIE, ""), token):
        return _form(
            request, email=email, onward=onward, problem="This form is out of date. Try once more.", status=403
        )
    address = request.client.host if request.client else ""
    outcome = await auth.sign_in(place.house, email, password, address=address)
    if isinstance(outcome, auth.SignInRefused):
        status = HTTPStatus.TOO_MANY_REQUESTS if outcome.reason == "locked" else HTTPStatus.UNAUTHORIZED
        problem = _why(outcome, place.house.clock.now())
        return _form(request, email=email, onward=onward, problem=problem, status=status)
    answer = _to(_safe(onward))
    answer.set_cookie(auth.COOKIE, outcome, **auth.cookie_options(https=request.url.scheme == "https"))
    answer.delete_cookie(FORM_COOKIE, path=BASE)
    return answer


@router.post("/sign-out")
async def sign_out(request: Request, token: Short = "") -> Response:
    """End the session."""
    place, session = _place(request), request.scope["sahut.token"]
    if session and not place.is_form_of(session, token):
        return PlainTextResponse("This form is out of date. Go back and reload.", HTTPStatus.FORBIDDEN)
    if session:
        await auth.sign_out(place.house, session)
    answer = _to(f"{BASE}/sign-in")
    answer.delete_cookie(auth.COOKIE, path="/")
    return answer


@router.get("/alive")
async def alive() -> Response:
    """Whether the session lasts: a page asks that cannot open its socket."""
    return Response(status_code=HTTPStatus.NO_CONTENT)


def install(app: FastAPI) -> None:
    """Errors as pages."""

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        if error.status_code == HTTPStatus.NOT_FOUND:
            return paper.not_found(request)
        return paper.page(request, "calm.html", "That did not work", status=error.status_code, text=str(error.detail))

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, _: RequestValidationError) -> Response:
        text = "What was sent is not what this page expects. Go back and try again."
        return paper.page(request, "calm.html", "That did not work", status=422, text=text)

    @app.exception_handler(SahutError)
    async def _ours(request: Request, error: SahutError) -> Response:
        if isinstance(error, StoreUnavailable):
            return paper.unavailable(request)
        return paper.page(request, "calm.html", "That did not work", status=HTTPStatus.CONFLICT, text=str(error))


def _place(request: Request) -> Place:
    place: Place = request.scope["sahut.place"]
    return place


def _to(address: str) -> RedirectResponse:
    return RedirectResponse(address, HTTPStatus.SEE_OTHER)


def _safe(onward: str) -> str:
    """Where to go after signing in: a page of the console, never another site."""
    inside = onward.startswith(f"{BASE}/") and not onward.startswith(f"{BASE}/sign-") and "\\" not in onward
    return onward if inside and onward.isprintable() else f"{BASE}/"


def _why(refused: auth.SignInRefused, now: datetime) -> str:
    if refused.until is None:
        return "E-mail or password is wrong."
    seconds = max(1, int((refused.until - now).total_seconds()) + 1)
    wait = f"{seconds} seconds" if seconds < 90 else f"{round(seconds / 60)} minutes"
    return f"Too many failed attempts. Try again in {wait}."


def _form(request: Request, *, email: str = "", onward: str = "", problem: str = "", status: int = 200) -> Response:
    place, basis = _place(request), request.cookies.get(FORM_COOKIE, "") or secrets.token_urlsafe(24)
    answer = paper.page(
        request,
        "sign_in.html",
        _TITLE,
        status=status,
        email=email,
        problem=problem,
        next=_safe(onward),
        organisation=place.house.settings.organisation,
        token=place.form_token(basis),
    )
    https = request.url.scheme == "https"
    answer.set_cookie(
        FORM_COOKIE, basis, httponly=True, samesite="strict", secure=https, path=BASE, max_age=FORM_LIFE_S
    )
    return answer
