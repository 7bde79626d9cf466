"""Another system that hears of events: a real HTTP server with a memory, which checks signatures by the book."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from api.server import listen, served


class Receiver:
    """What arrived, and what is answered next: 200 unless `answers` holds something else."""

    def __init__(self) -> None:
        self.url = ""
        self.secret = ""
        self.heard: list[dict[str, Any]] = []
        self.ids: list[str] = []
        self.strayed: list[str] = []
        self.answers: deque[Response | int] = deque()
        self.hosts: list[str] = []
        self._open = asyncio.Event()
        self._open.set()
        self._arrived = asyncio.Event()
        self.app = Starlette(
            routes=[
                Route("/hook", self._hook, methods=["POST"]),
                Route("/stray", self._stray, methods=["GET", "POST"]),
            ]
        )

    @property
    def told(self) -> list[str]:
        """The types of the events, in the order of their arrival."""
        return [event["type"] for event in self.heard]

    def pause(self) -> None:
        """Take what comes, and answer nothing."""
        self._open.clear()

    def go_on(self) -> None:
        """Answer again."""
        self._open.set()

    async def arrival(self) -> None:
        """Until something has arrived."""
        await self._arrived.wait()

    async def _hook(self, request: Request) -> Response:
        body = await request.body()
        self._verify(request, body)
        self.hosts.append(request.headers["host"])
        self.heard.append(json.loads(body))
        self.ids.append(request.headers["webhook-id"])
        self._arrived.set()
        await self._open.wait()
        answer = self.answers.popleft() if self.answers else 200
        return answer if isinstance(answer, Response) else Response(status_code=answer)

    async def _stray(self, request: Request) -> Response:
        self.strayed.append(request.method)
        return Response()

    def _verify(self, request: Request, body: bytes) -> None:
        """As the specification tells receivers to."""
        name, moment = request.headers["webhook-id"], request.headers["webhook-timestamp"]
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        mac = hmac.new(key, f"{name}.{moment}.{body.decode()}".encode(), hashlib.sha256).digest()
        given = [part.partition(",") for part in request.headers["webhook-signature"].split(" ")]
        assert any(
            version == "v1" and hmac.compare_digest(base64.b64decode(signature), mac) for version, _, signature in given
        )


def endless() -> Response:
    """An answer whose body never ends."""

    async def chunks() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65_536
            await asyncio.sleep(0)

    return StreamingResponse(chunks(), status_code=200)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver on a free port of this machine."""
    receiver = Receiver()
    async with served(receiver.app, listen("127.0.0.1", 0)) as address:
        receiver.url = f"{address}/hook"
        yield receiver
