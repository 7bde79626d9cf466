"""The Graph API's endpoints as an ASGI app; the rules behind them are the double's (`api.simulator.graph`)."""

import json
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api.simulator.customers import Sent
from api.simulator.faults import Down, Fault, Late, LoseAnswer, LoseRequest, Refuse
from api.simulator.media import Cupboard, Media
from api.simulator.news import Asked
from api.simulator.rules import (
    BAD_PARAMETER,
    BAD_TOKEN,
    NO_SUCH_NUMBER,
    Refused,
    error_body,
    http_status,
)
from api.simulator.shapes import Json
from api.simulator.transport import MARK, READ_TIMEOUT
from api.whatsapp.clean import phone_digits
from sahut.ports import Clock


class Network(Protocol):
    """What the endpoints need of the double."""

    number: str
    account: str
    display: str
    token: str
    clock: Clock
    cupboard: Cupboard
    standing: Json
    templates: list[Json]
    files_at: str
    redirects_to: str

    def next_fault(self, body: Json) -> Fault | None: ...

    def take(self, body: Json, *, refuse: int | None) -> Sent: ...

    def mark_read(self, body: Json) -> None: ...

    def keep(self, file: Media) -> str: ...

    def answered(self, asked: Asked) -> None: ...


def app_for(network: Network) -> Starlette:
    """The ASGI app."""
    endpoints = Endpoints(network)
    return Starlette(
        routes=[
            Route("/{version}/{number}/messages", endpoints.messages, methods=["POST"]),
            Route("/{version}/{number}/media", endpoints.media, methods=["POST"]),
            Route("/{version}/{account}/subscribed_apps", endpoints.subscribed_apps, methods=["GET"]),
            Route("/{version}/{account}/message_templates", endpoints.templates, methods=["GET"]),
            Route("/{version}/files/{media}", endpoints.download, methods=["GET"]),
            Route("/{version}/{number}", endpoints.record, methods=["GET"]),
            Route("/{version}/{media}", endpoints.delete, methods=["DELETE"]),
        ]
    )


class Endpoints:
    """Sending, read and typing marks, media, the number's record, and the account's subscriptions."""

    def __init__(self, network: Network) -> None:
        self._network = network

    # --- messages

    async def messages(self, request: Request) -> Response:
        body: Json = {}
        try:
            body = await self._body(request)
            if "status" not in body:
                return await self._send(body, request)
            self._network.mark_read(body)
        except Refused as no:
            self._network.answered(Asked(body, http_status(no.code), no.code))
            return _no(no)
        self._network.answered(Asked(body, 200))
        return JSONResponse({"success": True})

    async def _send(self, body: Json, request: Request) -> Response:
        fault = self._network.next_fault(body)
        if isinstance(fault, Down | LoseRequest):
            self._network.answered(Asked(body, 503, fault=type(fault).__name__))
            return Response(status_code=503, headers={MARK: "down"} if isinstance(fault, Down) else None)
        sent = self._network.take(body, refuse=fault.code if isinstance(fault, Refuse) else None)
        if isinstance(fault, LoseAnswer):
            self._network.answered(Asked(body, 504, fault="LoseAnswer"))
            return Response(status_code=504)
        if isinstance(fault, Late) and not await self._in_time(fault, request):
            self._network.answered(Asked(body, 504, fault="Late"))
            return Response(status_code=504, headers={MARK: "timeout"})
        self._network.answered(Asked(body, 200))
        return JSONResponse(_yes(sent))

    async def _in_time(self, late: Late, request: Request) -> bool:
        """Wait before answering; false where the client in process has given up meanwhile."""
        patience = float(request.headers.get(READ_TIMEOUT, "inf"))
        await self._network.clock.sleep(min(late.seconds, patience))
        return late.seconds < patience

    # --- media

    async def media(self, request: Request) -> Response:
        """An upload: multipart, with the type said twice."""
        try:
            self._check(request)
            file, product = await _form(request)
            return await self._keep(file, product, request)
        except Refused as no:
            return _no(no)

    async def _keep(self, file: Media, product: str, request: Request) -> Response:
        fault = self._network.next_fault({"type": "media", "media": {"type": file.media_type}})
        if isinstance(fault, Down | LoseRequest):
            return Response(status_code=503, headers={MARK: "down"} if isinstance(fault, Down) else None)
        if isinstance(fault, Refuse):
            raise Refused(fault.code)
        if product != "whatsapp":
            raise Refused(BAD_PARAMETER, "The parameter messaging_product is required")
        media_id = self._network.keep(file)
        if isinstance(fault, LoseAnswer):
            return Response(status_code=504)
        if isinstance(fault, Late) and not await self._in_time(fault, request):
            return Response(status_code=504, headers={MARK: "timeout"})
        return JSONResponse({"id": media_id})

    async def record(self, request: Request) -> Response:
        """The number's record, or a file's: Meta gives both under an id."""
        media_id = request.path_params["number"]
        file = self._network.cupboard.get(media_id)
        try:
            self._check_token(request)
            return (
                self._number(request)
                if file is None
                else JSONResponse(_record(media_id, file, request) | self._elsewhere())
            )
        except Refused as no:
            return _no(no)

    def _elsewhere(self) -> Json:
        return {"url": self._network.files_at} if self._network.files_at else {}

    async def download(self, request: Request) -> Response:
        """The bytes; the token is asked for here too."""
        file = self._network.cupboard.get(request.path_params["media"])
        if request.headers.get("authorization") != f"Bearer {self._network.token}":
            return Response(status_code=401)
        if self._network.redirects_to:
            return Response(status_code=302, headers={"Location": self._network.redirects_to})
        return Response(status_code=404) if file is None else Response(file.content, media_type=file.media_type)

    async def delete(self, request: Request) -> Response:
        try:
            self._check_token(request)
            if not self._network.cupboard.drop(request.path_params["media"]):
                raise Refused(BAD_PARAMETER, "There is no such media")
        except Refused as no:
            return _no(no)
        return JSONResponse({"success": True})

    # --- the account

    def _number(self, request: Request) -> Response:
        self._check(request)
        record = {
            "id": self._network.number,
            "display_phone_number": f"+{self._network.display}",
            **self._network.standing,
            "code_verification_status": "VERIFIED",
            "quality_rating": "GREEN",
            "status": "CONNECTED",
            "throughput": {"level": "STANDARD"},
            "whatsapp_business_manager_messaging_limit": "TIER_2K",
        }
        wanted = request.query_params.get("fields", ",".join(record)).split(",")
        return JSONResponse({key: value for key, value in record.items() if key in wanted or key == "id"})

    async def subscribed_apps(self, request: Request) -> Response:
        try:
            self._check_token(request)
            if request.path_params["account"] != self._network.account:
                raise Refused(NO_SUCH_NUMBER)
        except Refused as no:
            return _no(no)
        app = {"whatsapp_business_api_data": {"id": "1", "name": "Sahut's double", "link": ""}}
        return JSONResponse({"data": [app]})

    async def templates(self, request: Request) -> Response:
        """The account's templates, a page at a time."""
        try:
            self._check_token(request)
            if request.path_params["account"] != self._network.account:
                raise Refused(NO_SUCH_NUMBER)
        except Refused as no:
            return _no(no)
        limit, start = int(request.query_params.get("limit", "25")), int(request.query_params.get("after") or 0)
        end = start + limit
        page: Json = {"data": self._network.templates[start:end]}
        page["paging"] = {"cursors": {"before": str(start), "after": str(end)}}
        if end < len(self._network.templates):
            page["paging"]["next"] = str(request.url)
        return JSONResponse(page)

    def _check_token(self, request: Request) -> None:
        if request.headers.get("authorization") != f"Bearer {self._network.token}":
            raise Refused(BAD_TOKEN)

    def _check(self, request: Request) -> None:
        self._check_token(request)
        if request.path_params["number"] != self._network.number:
            raise Refused(NO_SUCH_NUMBER)

    async def _body(self, request: Request) -> Json:
        self._check(request)
        try:
            body = json.loads(await request.body())
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise Refused(BAD_PARAMETER, "The body is not a JSON object")
        return body


def _record(media_id: str, file: Media, request: Request) -> dict[str, Any]:
    version = request.path_params["version"]
    return {
        "messaging_product": "whatsapp",
        "id": media_id,
        "mime_type": file.media_type,
        "sha256": file.sha256,
        "file_size": len(file.content),
        "url": f"{request.base_url}{version}/files/{media_id}",
    }


async def _form(request: Request) -> tuple[Media, str]:
    """The uploaded file and the product that is named beside it."""
    try:
        async with request.form() as form:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise Refused(BAD_PARAMETER, "The parameter file is required")
            media_type = str(form.get("type") or file.content_type or "")
            return Media(media_type, await file.read()), str(form.get("messaging_product"))
    except (MultiPartException, HTTPException) as error:
        raise Refused(BAD_PARAMETER, "The body is not multipart/form-data") from error


def _yes(sent: Sent) -> Json:
    digits = phone_digits(sent.to)
    who = {"input": sent.to, **({"wa_id": digits} if digits else {"user_id": sent.to})}
    return {
        "messaging_product": "whatsapp",
        "contacts": [who],
        "messages": [{"id": sent.wamid, "message_status": "accepted"}],
    }


def _no(no: Refused) -> Response:
    return JSONResponse(error_body(no.code, no.details), status_code=http_status(no.code))
