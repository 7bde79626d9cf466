"""How REST describes itself: every route with the problems that it really answers. Knows no noun's rules.

FastAPI knows of its own 422 alone, and takes it for plain JSON; the errors of this service are RFC 9457 documents, one
shape for all, so they are written into the description in one place.
"""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp

from api.problems import MEDIA_TYPE, Problem, TooLarge

Json = dict[str, Any]

_NAME = "Problem"
_FASTAPIS = ("HTTPValidationError", "ValidationError")
_CHANGING = frozenset({"post", "put", "patch", "delete"})
# The nouns whose rows have states, or names that can be taken: a change may come too late.
_STATEFUL = frozenset(
    {
        *("conversations", "contacts", "failures", "handoffs", "grants", "gaps", "recalls", "documents"),
        *("numbers", "operators", "webhooks", "templates"),
    }
)
MEANING = {
    401: "No key was sent, or it is unknown or revoked.",
    403: "The key lacks the scope, or a rule refuses this (the window is closed, say).",
    404: "There is nothing by this name.",
    409: "The state does not allow this; usually somebody else was first.",
    413: "The body is larger than this route takes.",
    422: "Something in the request is wrong; `errors` says where, if it is in its shape.",
    500: "Something unexpected happened; it is in the log.",
    502: "Meta could not be asked.",
    503: "The database cannot be used at the moment; nothing was stored.",
}


class Described(FastAPI):
    """An application whose errors are problems, all of them, and whose description tells of them as they are."""

    def build_middleware_stack(self) -> ASGIApp:
        """FastAPI's own, in one more layer: its limit of bodies stands outside of all that an application adds."""
        return TooLarge(super().build_middleware_stack())

    def openapi(self) -> Json:
        """The description, made once."""
        if self.openapi_schema is None:
            described = super().openapi()
            for path, operations in described["paths"].items():
                for method, operation in operations.items():
                    _tell(operation, _statuses(path, method, operation))
            schemas = described.setdefault("components", {}).setdefault("schemas", {})
            for name in _FASTAPIS:
                schemas.pop(name, None)
            made = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update({**made.pop("$defs"), _NAME: made})
        assert self.openapi_schema is not None  # noqa: S101  # FastAPI keeps what it has made
        return self.openapi_schema


def problem_of(*statuses: int) -> dict[int | str, Json]:
    """For a route's `responses`: problems that it answers beside those of every route."""
    return {status: _problem(status) for status in statuses}


def _statuses(path: str, method: str, operation: Json) -> set[int]:
    """What an operation may answer besides success. 422 is everybody's: no query may hold NUL."""
    found = {401, 403, 422, 500, 503}
    if "{" in path:
        found.add(404)
    if "requestBody" in operation:
        found.add(413)
    if method in _CHANGING and _STATEFUL & set(operation.get("tags", ())):
        found.add(409)
    return found


def _tell(operation: Json, statuses: set[int]) -> None:
    told = operation["responses"]
    told.update({str(status): _problem(status) for status in statuses})
    operation["responses"] = dict(sorted(told.items()))


def _problem(status: int) -> Json:
    return {
        "description": MEANING.get(status, HTTPStatus(status).phrase),
        "content": {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{_NAME}"}}},
    }
