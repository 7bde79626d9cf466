"""Errors as RFC 9457 problem details, one rule for every door. Knows no route."""

from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from sahut.errors import ConfigurationError, Conflict, Forbidden, LoadError, NotFound, SahutError, StoreUnavailable

log = structlog.get_logger(__name__)

UNEXPECTED = "Something unexpected happened; it is in the log."

_STATUS: dict[type[SahutError], int] = {
    NotFound: 404,
    Conflict: 409,
    Forbidden: 403,
    ConfigurationError: 422,
    LoadError: 422,
    StoreUnavailable: 503,
}


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
    return JSONResponse(body, status_code=status, media_type="application/problem+json", headers=headers)


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
    async def _invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        errors = [{"where": ".".join(map(str, item["loc"])), "what": item["msg"]} for item in error.errors()]
        return problem(422, "The request is not as expected.", errors=errors)

    @app.exception_handler(Exception)
    async def _unexpected(request: Request, error: Exception) -> JSONResponse:
        log.exception("a request failed", path=request.url.path, exc_info=error)
        return problem(500, UNEXPECTED)
