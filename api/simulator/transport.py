"""The network between a client and the double in one process: lost connections and timeouts; knows no message.

The double answers over real HTTP with what HTTP can say. In process two answers are turned into what a network
does.
"""

import httpx
from starlette.types import ASGIApp

MARK = "x-double-network"
READ_TIMEOUT = "x-double-read-timeout"


class DoubleTransport(httpx.AsyncBaseTransport):
    """httpx's ASGI transport; a marked answer becomes a `ConnectError` or a `ReadTimeout`."""

    def __init__(self, app: ASGIApp) -> None:
        self._inner = httpx.ASGITransport(app=app)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        patience = request.extensions.get("timeout", {}).get("read")
        if patience is not None:
            request.headers[READ_TIMEOUT] = str(patience)
        response = await self._inner.handle_async_request(request)
        mark = response.headers.get(MARK)
        if mark == "down":
            raise httpx.ConnectError("the Graph double is down", request=request)
        if mark == "timeout":
            raise httpx.ReadTimeout("the Graph double is slow", request=request)
        return response
