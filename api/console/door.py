"""Stands before every page, asset and socket of the console: sessions, origins and the headers that browsers heed.

Whatever is not named public here needs a session. Knows no page's inside and nothing of NiceGUI but its addresses.
"""

import re
import secrets
from http import HTTPStatus
from urllib.parse import quote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import auth
from api.console.place import BASE, Place
from sahut.errors import StoreUnavailable

_ASSETS = ("/static/", "/_nicegui/")
_SOCKETS = "/_nicegui_ws/"
_PUBLIC = ("/sign-in", "/sign-out")
_READING = ("GET", "HEAD")
# A tag of the page's own: what customers wrote is escaped by now, so it holds none.
_TAG = re.compile(rb"<(script|style)(?=[\s>])")
_HIDDEN = (b'style="display: none"', b"hidden")
FOREVER = "public, max-age=31536000, immutable"


class Door:
    """ASGI middleware around the console of one house."""

    def __init__(self, inside: ASGIApp, place: Place) -> None:
        self._inside, self._place = inside, place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        elif scope["type"] == "http":
            await self._page(scope, receive, send)

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        request, path = HTTPConnection(scope), path_below(scope)
        if path.startswith(_SOCKETS):
            # Only WebSockets: they come with an origin, which is checked.
            await PlainTextResponse("Use a WebSocket.", HTTPStatus.FORBIDDEN)(scope, receive, send)
            return
        if path.startswith(_ASSETS):
            await self._inside(scope, receive, _Letterhead(send, {"Cache-Control": FOREVER}))
            return
        answer = await self._refusal(request, scope, path)
        if answer is not None:
            await answer(scope, receive, _Letterhead(send, _headers("")))
            return
        nonce = secrets.token_urlsafe(16)
        paper = _Paper(send, nonce)
        await self._inside(scope, receive, paper)

    async def _refusal(self, request: HTTPConnection, scope: Scope, path: str) -> Response | None:
        """Why a request goes no further; with a session the scope then knows whose it is."""
        reads = scope["method"] in _READING
        if not reads and not _is_from_here(request.headers):
            return PlainTextResponse("This form was sent from another site.", HTTPStatus.FORBIDDEN)
        token = request.cookies.get(auth.COOKIE, "")
        try:
            operator = await auth.operator_of(self._place.house, token) if token else None
        except StoreUnavailable:
            return PlainTextResponse("The database cannot be used at the moment.", HTTPStatus.SERVICE_UNAVAILABLE)
        scope["sahut.place"], scope["sahut.token"], scope["sahut.operator"] = self._place, token, operator
        if operator is not None or path in _PUBLIC:
            return None
        if path == "/alive" or not reads:
            return PlainTextResponse("Your session has ended. Sign in again.", HTTPStatus.UNAUTHORIZED)
        here = quote(f"{BASE}{path}", safe="/")
        return RedirectResponse(f"{BASE}/sign-in?next={here}", HTTPStatus.SEE_OTHER)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A socket opens only from our own pages, with a session, and for a page of that same session."""
        request = HTTPConnection(scope)
        token = request.cookies.get(auth.COOKIE, "")
        client = request.query_params.get("client_id", "")
        ours = path_below(scope).startswith(_SOCKETS) and _is_from_here(request.headers, origin_needed=True)
        if (
            ours
            and token
            and self._place.is_page_of(client, token)
            and await auth.operator_of(self._place.house, token)
        ):
            await self._inside(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008, "reason": "not allowed"})


def path_below(scope: Scope) -> str:
    """The path below `/console`."""
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    return path[len(root) :] if root and path.startswith(root) else path


def _is_from_here(headers: Headers, *, origin_needed: bool = False) -> bool:
    """Whether a browser sent this from one of our own pages. Programs send no origin; they have no cookie either."""
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    if origin is None:
        return not origin_needed
    return urlsplit(origin).netloc == headers.get("host")


def _headers(nonce: str) -> dict[str, str]:
    """What every page says to the browser. NiceGUI needs its own inline scripts and styles, hence the nonce.

    No `unsafe-eval` and no `unsafe-inline`: see `static/boot.js` for what takes the place of evaluated code.
    """
    own = f"'self' 'nonce-{nonce}'" if nonce else "'self'"
    policy = (
        f"default-src 'none'; script-src {own}; style-src {own}; img-src 'self' data:; media-src 'self'; "
        "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "Referrer-Policy": "same-origin",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Cache-Control": "no-store",
    }


class _Letterhead:
    """Adds headers to whatever is sent."""

    def __init__(self, send: Send, headers: dict[str, str]) -> None:
        self._send, self._headers = send, headers

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["X-Content-Type-Options"] = "nosniff"
            for name, value in self._headers.items():
                if name != "Cache-Control" or message["status"] == HTTPStatus.OK or value == "no-store":
                    headers[name] = value
        await self._send(message)


class _Paper:
    """Sends a page with its headers, its own scripts and styles marked by the nonce."""

    def __init__(self, send: Send, nonce: str) -> None:
        self._send = _Letterhead(send, _headers(nonce))
        self._nonce = nonce.encode()
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_html(message):
            self._start = message
        elif self._start is not None and message["type"] == "http.response.body":
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._flush(self._start)
        else:
            await self._send(message)

    async def _flush(self, start: Message) -> None:
        body = _TAG.sub(rb'<\1 nonce="' + self._nonce + rb'"', self._body).replace(*_HIDDEN)
        MutableHeaders(scope=start)["Content-Length"] = str(len(body))
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})


def _is_html(start: Message) -> bool:
    return Headers(raw=start["headers"]).get("content-type", "").startswith("text/html")
