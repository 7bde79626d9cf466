"""The baseline: the same turn behind a bare FastAPI route, with no durability. A process of its own.

Parses the same webhook with the same parser, takes the same turn, marks the message as read and posts the reply with
the same client, then says 200: no row is written, nothing is woken, a crash loses everything. Knows no store but the
one the assistant reads its documents from.
"""

import asyncio
import json
import os
import sys

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the `sahut` command does

import uvloop
from fastapi import FastAPI, Request, Response

from api.mind import guidance_of, open_mind
from api.server import listen, served
from api.whatsapp import outgoing
from api.whatsapp.client import GraphClient
from api.whatsapp.payloads import parse
from api.whatsapp.signature import verify
from sahut.clock import SystemClock
from sahut.events import Inbound
from sahut.ids import ContactId, ConversationId, MessageId, TurnId, new_id
from sahut.settings import read_settings
from sahut.turn import Incoming, Turn


async def main(port: int) -> None:
    settings, clock = read_settings(None), SystemClock()
    guidance = guidance_of(settings)
    channel = GraphClient(
        url=settings.whatsapp_graph_url,
        version=settings.whatsapp_graph_version,
        token=settings.whatsapp_access_token.get_secret_value(),
    )
    async with open_mind(settings, own_index=not settings.chroma_url) as mind:
        await mind.warm_up()
        app = FastAPI()

        async def answer(event: Inbound) -> None:
            turn = Turn(
                id=TurnId(new_id()),
                conversation_id=ConversationId(new_id()),
                contact_id=ContactId(new_id()),
                burst=(Incoming(id=MessageId(new_id()), text=event.text, wamid=event.wamid),),
                now=clock.now(),
                guidance=guidance,
            )
            marks: list[asyncio.Task[None]] = []

            def coming() -> None:
                mark = channel.mark_read(event.number, event.wamid, typing=True)
                marks.append(asyncio.create_task(mark))

            reply = await mind.assistant.take_turn(turn, coming)
            await asyncio.gather(*marks)
            if reply.text:
                body = outgoing.addressed(
                    outgoing.text(reply.text), callback_id=new_id(), phone=event.phone, user_id=event.user_id
                )
                await channel.send(event.number, body)

        @app.get("/health/ready")
        async def ready() -> dict[str, str]:
            return {"status": "ready"}

        @app.post("/webhooks/whatsapp")
        async def events(request: Request) -> Response:
            body = await request.body()
            if not verify(body, request.headers.get("x-hub-signature-256"), settings.app_secrets):
                return Response(status_code=401)
            for event in parse(json.loads(body), served=lambda number: True, now=clock.now()):
                if isinstance(event, Inbound):
                    await answer(event)
            return Response()

        async with served(app, listen("127.0.0.1", port)):
            await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(int(sys.argv[1])))
