"""Errors as RFC 9457 problem details, one rule for every door. Knows no route."""

from collections.abc import Mapping
from difflib import get_close_matches
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from pydantic.fields import FieldInfo
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sahut.errors import ConfigurationError, Conflict, Forbidden, LoadError, NotFound, SahutError, StoreUnavailable

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
UNEXPECTED = "Something unexpected happened; it is in the log."

_STATUS: dict[type[SahutError], int] = {
    NotFound: 404,
    Conflict: 409,
    Forbidden: 403,
    ConfigurationError: 422,
    LoadError: 422,
    StoreUnavailable: 503,
}


class Flaw(BaseModel):
    """One thing that is wrong with the shape of a request: where (`body.name`, say) and what."""

    where: str
    what: str


class Problem(BaseModel):
    """An error as RFC 9457 has it. `detail` says what to do; `errors` is there where the request's shape is wrong."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(ge=400, le=599, examples=[404])
    detail: str
    errors: list[Flaw] = Field(default=[])


def problem(status: int, detail: str, **members: Any) -> JSONResponse:
    """A problem document; `members` are extension members such as `errors`."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        **members,
    }
    headers = {"WWW-Authenticate": "Bearer"} if status == HTTPStatus.UNAUTHORIZED else None
    return JSONResponse(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def _fields_of(request: Request) -> Mapping[str, FieldInfo]:
    """The fields of the body that the route takes, by name; empty where it takes no object of ours."""
    body = getattr(request.scope.get("route"), "body_field", None)
    model = body.field_info.annotation if body is not None else None
    return model.model_fields if isinstance(model, type) and issubclass(model, BaseModel) else {}


def _what(item: Any, fields: Mapping[str, FieldInfo]) -> str:
    """What is wrong, and what to do about it where it can be said."""
    if item["type"] == "missing" and tuple(item["loc"]) == ("body",):
        needed = ", ".join(f'"{name}": ...' for name, field in fields.items() if field.is_required())
        return f"send a JSON body: {{{needed}}}" if needed else "send a JSON body"
    if item["type"] == "extra_forbidden":
        near = get_close_matches(str(item["loc"][-1]), fields, n=1, cutoff=0.5)
        return f"no such field; did you mean {near[0]}?" if near else f"no such field; there are {', '.join(fields)}"
    return str(item["msg"])


class TooLarge:
    """ASGI around an application: a body over the limit is refused before any handler of ours, in plain text."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does, and with a problem document where it only says 413."""
        refused = False

        async def shaped(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and message["status"] == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                kind = Headers(raw=message["headers"]).get("content-type", "")
                refused = not kind.startswith(MEDIA_TYPE)
                if refused:
                    await problem(413, "The body is larger than this takes.")(scope, receive, send)
            if not refused:
                await send(message)

        await self._app(scope, receive, shaped)


def install(app: FastAPI) -> None:
    """Make every error of the application a problem document."""

    @app.exception_handler(SahutError)
    async def _ours(request: Request, error: SahutError) -> JSONResponse:
        status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 500)
        if status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return problem(status, str(error))
        # What a driver says may name hosts and users: it is for the log alone.
        log.error("a request failed", path=request.url.path, error=str(error))
        unavailable = status == HTTPStatus.SERVICE_UNAVAILABLE
        return problem(status, "The database cannot be used at the moment." if unavailable else UNEXPECTED)

    @app.exception_handler(HTTPException)
    async def _http(_: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, str(error.detail))

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        fields = _fields_of(request)
        errors = [{"where": ".".join(map(str, item["loc"])), "what": _what(item, fields)} for item in error.errors()]
        return problem(422, "The request is not as expected.", errors=errors)

    @app.exception_handler(Exception)
    async def _unexpected(request: Request, error: Exception) -> JSONResponse:
        log.exception("a request failed", path=request.url.path, exc_info=error)
        return problem(500, UNEXPECTED)
