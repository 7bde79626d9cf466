"""The Graph API's endpoints as an ASGI app; the rules behind them are the double's (`api.simulator.graph`)."""

import json
from typing import Protocol

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api.simulator.customers import Sent
from api.simulator.faults import Down, Fault, Late, LoseAnswer, LoseRequest, Refuse
from api.simulator.rules import BAD_PARAMETER, BAD_TOKEN, NO_SUCH_NUMBER, Refused, error_body, http_status
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

    def next_fault(self, body: Json) -> Fault | None: ...

    def take(self, body: Json, *, refuse: int | None) -> Sent: ...

    def mark_read(self, body: Json) -> None: ...


def app_for(network: Network) -> Starlette:
    """The ASGI app."""
    endpoints = Endpoints(network)
    return Starlette(
        routes=[
            Route("/{version}/{number}/messages", endpoints.messages, methods=["POST"]),
            Route("/{version}/{number}", endpoints.number, methods=["GET"]),
            Route("/{version}/{account}/subscribed_apps", endpoints.subscribed_apps, methods=["GET"]),
        ]
    )


class Endpoints:
    """Sending, read and typing marks, the number's record, and the account's subscriptions."""

    def __init__(self, network: Network) -> None:
        self._network = network

    async def messages(self, request: Request) -> Response:
        try:
            body = await self._body(request)
            if "status" not in body:
                return await self._send(body, request)
            self._network.mark_read(body)
        except Refused as no:
            return _no(no)
        return JSONResponse({"success": True})

    async def number(self, request: Request) -> Response:
        try:
            self._check(request)
        except Refused as no:
            return _no(no)
        record = {
            "id": self._network.number,
            "display_phone_number": f"+{self._network.display}",
            "verified_name": "Sahut's double",
            "name_status": "APPROVED",
            "code_verification_status": "VERIFIED",
            "quality_rating": "GREEN",
            "status": "CONNECTED",
            "throughput": {"level": "STANDARD"},
            "whatsapp_business_manager_messaging_limit": "TIER_2K",
            "is_official_business_account": False,
        }
        wanted = request.query_params.get("fields", ",".join(record)).split(",")
        return JSONResponse({key: value for key, value in record.items() if key in wanted or key == "id"})

    async def subscribed_apps(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {self._network.token}":
            return _no(Refused(BAD_TOKEN))
        if request.path_params["account"] != self._network.account:
            return _no(Refused(NO_SUCH_NUMBER))
        app = {"whatsapp_business_api_data": {"id": "1", "name": "Sahut's double", "link": ""}}
        return JSONResponse({"data": [app]})

    def _check(self, request: Request) -> None:
        if request.headers.get("authorization") != f"Bearer {self._network.token}":
            raise Refused(BAD_TOKEN)
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

    async def _send(self, body: Json, request: Request) -> Response:
        fault = self._network.next_fault(body)
        if isinstance(fault, Down | LoseRequest):
            return Response(status_code=503, headers={MARK: "down"} if isinstance(fault, Down) else None)
        sent = self._network.take(body, refuse=fault.code if isinstance(fault, Refuse) else None)
        if isinstance(fault, LoseAnswer):
            return Response(status_code=504)
        if isinstance(fault, Late) and not await self._in_time(fault, request):
            return Response(status_code=504, headers={MARK: "timeout"})
        return JSONResponse(_yes(sent))

    async def _in_time(self, late: Late, request: Request) -> bool:
        """Wait before answering; false where the client in process has given up meanwhile."""
        patience = float(request.headers.get(READ_TIMEOUT, "inf"))
        await self._network.clock.sleep(min(late.seconds, patience))
        return late.seconds < patience


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
