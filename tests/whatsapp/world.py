"""A small world for the double: a signed webhook that keeps what it is told, the real client, a virtual clock."""

import json

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from api.simulator.graph import SECRET, TOKEN, GraphDouble
from api.simulator.rules import Rules
from api.whatsapp.client import GraphClient
from api.whatsapp.outgoing import addressed, text
from api.whatsapp.payloads import parse
from api.whatsapp.signature import verify
from sahut.errors import SendRefused
from sahut.events import Delivery, Inbound
from sahut.testing.clock import VirtualClock


class Service:
    """The far side of the webhook: checks the signature, keeps the events, and can be out of order."""

    def __init__(self, clock) -> None:
        self.clock = clock
        self.events: list = []
        self.bodies: list[bytes] = []
        self.answers: list[int] = []
        self.app = Starlette(routes=[Route("/webhooks/whatsapp", self.receive, methods=["POST"])])

    async def receive(self, request):
        body = await request.body()
        assert verify(body, request.headers["x-hub-signature-256"], [SECRET])
        status = self.answers.pop(0) if self.answers else 200
        if status == 200:
            self.bodies.append(body)
            self.events += parse(json.loads(body), served=lambda number: True, now=self.clock.now())
        return Response(status_code=status)

    @property
    def said(self):
        return [event.text for event in self.events if isinstance(event, Inbound)]

    @property
    def states(self):
        return [event.state for event in self.events if isinstance(event, Delivery)]


class World:
    """A double, a service and the client between them, on a virtual clock."""

    def __init__(self, **rules) -> None:
        self.clock = VirtualClock()
        self.service = Service(self.clock)
        self.double = GraphDouble(clock=self.clock, rules=Rules(**rules), seed=7)
        self.double.mail.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.service.app), base_url="http://service"
        )
        self.client = self.client_with(TOKEN)
        self.ana = self.double.customer("+62 812-5550-1234", "Ana")

    def client_with(self, token):
        return GraphClient(url="http://double", version="v26.0", token=token, transport=self.double.transport())

    async def send(self, body="halo", *, to=None, callback="out:1", **more):
        message = {**addressed(text(body), phone=to or self.ana.phone, callback_id=callback), **more}
        return await self.client.send(self.double.number, message)


async def code_of(sending) -> int:
    with pytest.raises(SendRefused) as refusal:
        await sending
    return refusal.value.code
