"""What the house of the plays hangs on in place of network and engine: both remember, and do nothing by themselves."""

import asyncio
from typing import Any

import httpx

from api.simulator.graph import GraphDouble

Wake = tuple[str, str]


class Wakes:
    """An engine with a memory: wake-ups wait until the play serves them. A deaf one loses them all."""

    def __init__(self) -> None:
        self.waiting: list[Wake] = []
        self.deaf = False

    async def wake(self, topic: str, key: str) -> None:
        if not self.deaf and (topic, key) not in self.waiting:
            self.waiting.append((topic, key))

    async def run(self, attend: Any) -> None:
        """Serve nothing: the play does."""
        await asyncio.Event().wait()

    def take(self) -> list[Wake]:
        taken, self.waiting = self.waiting, []
        return taken


class Exchange(httpx.AsyncBaseTransport):
    """Meta's one address with several numbers behind it: a request goes to whom it names, a file by its token."""

    def __init__(self, first: GraphDouble) -> None:
        self.doubles = [first]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        named = {*request.url.path.split("/"), request.url.params.get("phone_number_id")}
        given = request.headers["authorization"]
        by_name = [double for double in self.doubles if {double.number, double.account} & named]
        by_token = [double for double in self.doubles if given == f"Bearer {double.token}"]
        double = [*by_name, *by_token, self.doubles[0]][0]
        return await double.transport().handle_async_request(request)
