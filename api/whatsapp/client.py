"""The one HTTP client to Meta's Graph API; knows nothing of conversations, retries or the store.

Sends are told apart by what is known about them afterwards: never left, refused, or unknown. It never tries
again by itself, since Meta has no idempotency key.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from api.whatsapp.clean import Json, child, clean_json, clean_text, identifier, number_of, objects
from sahut.errors import ConfigurationError, SendNotMade, SendRefused, SendUnknown

# Meta's id of a number or an account -> the token to ask with. Raises `SendNotMade`.
Tokens = Callable[[str], Awaitable[str]]

TIMEOUT = httpx.Timeout(connect=5, read=15, write=10, pool=5)
DOWNLOAD_TIMEOUT = httpx.Timeout(connect=5, read=30, write=10, pool=30)
LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=50, keepalive_expiry=20)
NUMBER_FIELDS = (
    "id,display_phone_number,verified_name,name_status,code_verification_status,quality_rating,status,"
    "throughput,whatsapp_business_manager_messaging_limit,is_official_business_account"
)
TEMPLATE_FIELDS = "id,name,language,status,category,parameter_format,components,quality_score"
# 6,000 templates are the most that an account may have.
MOST_PAGES = 100

# Raised before a byte of the request was written.
_NEVER_LEFT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)


class GraphClient:
    """Meta's Graph API as a `sahut.ports.Channel`. One for the life of the process; `close()` it at the end."""

    def __init__(
        self,
        *,
        url: str,
        version: str,
        token: str,
        tokens: Tokens | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`url` is the host, `version` like `v26.0`; `transport` is httpx's own seam, for a double in process.

        `tokens` finds the token of each request's number or account; without it `token` serves for all. Raises
        `ConfigurationError` for a `token` that no header can carry.
        """
        if not token.isascii() or not token.isprintable():
            raise ConfigurationError("SAHUT_WHATSAPP_ACCESS_TOKEN has characters that no token has; copy it again")
        self.url = url.rstrip("/")
        self._token, self._tokens = token, tokens
        self._http = httpx.AsyncClient(
            base_url=f"{url.rstrip('/')}/{version}/",
            timeout=TIMEOUT,
            limits=LIMITS,
            transport=transport,
            follow_redirects=False,
        )

    async def send(self, number: str, body: dict[str, Any]) -> str:
        """Post one message object from `number`; the wamid.

        Raises `SendNotMade` (never left), `SendRefused` (an error code: not taken) or `SendUnknown` (anything
        else: it may have been taken).
        """
        answer = await self._call(number, "POST", f"{number}/messages", {"messaging_product": "whatsapp", **body})
        messages = answer.get("messages")
        first = messages[0] if isinstance(messages, list) and messages else None
        wamid = identifier(first.get("id")) if isinstance(first, dict) else None
        if wamid is None:
            raise SendUnknown("the Graph API said yes without a message id; waiting for a status")
        return wamid

    async def upload(self, number: str, file: Path, media_type: str) -> str:
        """Upload a file for messages from `number`; the media id, good for 30 days.

        The file's own name is not told: the message names it. Raises as `send` does, `SendUnknown` being harmless.
        """
        with file.open("rb") as stream:
            answer = await self._request(
                number,
                "POST",
                f"{number}/media",
                data={"messaging_product": "whatsapp", "type": media_type},
                files={"file": (file.name[:16], stream, media_type)},
            )
        media_id = identifier(answer.get("id"))
        if media_id is None:
            raise SendUnknown("the Graph API took a file without giving it an id")
        return media_id

    async def mark_read(self, number: str, wamid: str, *, typing: bool) -> None:
        """Blue ticks for `wamid` and all before it; `typing` shows the mark for 25 s or until our next message.

        Raises `SendError`'s children.
        """
        body: Json = {"messaging_product": "whatsapp", "status": "read", "message_id": wamid}
        if typing:
            body["typing_indicator"] = {"type": "text"}
        await self._call(number, "POST", f"{number}/messages", body)

    async def number_status(self, number: str) -> Json:
        """Meta's record of a phone number (name, quality, limits): what `sahut doctor` shows.

        Raises `SendError`'s children.
        """
        return await self._call(number, "GET", f"{number}?fields={NUMBER_FIELDS}")

    async def subscribed_apps(self, account: str) -> list[Json]:
        """The apps that get the webhooks of a WhatsApp business account; none is why "verified, but no events".

        Raises `SendError`'s children.
        """
        return objects(await self._call(account, "GET", f"{account}/subscribed_apps"), "data")

    async def templates(self, account: str) -> list[Json]:
        """Every template of a WhatsApp business account, page by page. Raises `SendError`'s children."""
        found: list[Json] = []
        after = ""
        for _ in range(MOST_PAGES):
            path = f"{account}/message_templates?fields={TEMPLATE_FIELDS}&limit=100"
            answer = await self._call(account, "GET", f"{path}&after={quote(after, safe='')}" if after else path)
            found += objects(answer, "data")
            paging = child(answer, "paging")
            after = clean_text(child(paging, "cursors").get("after"), 1024)
            if not after or not paging.get("next"):
                break
        return [clean_json(item) for item in found]

    async def media_record(self, number: str, media_id: str) -> Json:
        """Where a customer's file lies for five minutes, and what Meta says of it. Raises `SendError`'s children."""
        path = f"{quote(media_id, safe='')}?phone_number_id={quote(number, safe='')}"
        return await self._call(number, "GET", path)

    @asynccontextmanager
    async def stream(self, number: str, url: str) -> AsyncIterator[httpx.Response]:
        """Ask for what lies at an address, the number's token with it: only for addresses of Meta's. Raises as `send`
        does."""
        headers = await self._in_the_name_of(number)
        try:
            async with self._http.stream("GET", url, headers=headers, timeout=DOWNLOAD_TIMEOUT) as response:
                yield response
        except _NEVER_LEFT as error:
            raise SendNotMade(f"the file's host could not be reached: {_words(error)}") from error
        except httpx.RequestError as error:
            raise SendUnknown(f"the file stopped coming: {_words(error)}") from error

    async def close(self) -> None:
        await self._http.aclose()

    async def _call(self, owner: str, method: str, path: str, body: Json | None = None) -> Json:
        # Cleaned, because a lone surrogate or a NaN in a text would be an untyped error of the encoder.
        content = None if body is None else json.dumps(clean_json(body)).encode()
        headers = {"Content-Type": "application/json"}
        return await self._request(owner, method, path, content=content, headers=headers)

    async def _request(
        self, owner: str, method: str, path: str, *, headers: dict[str, str] | None = None, **more: Any
    ) -> Json:
        """Ask with the token of `owner`, the id of a number or an account."""
        given = {**(headers or {}), **await self._in_the_name_of(owner)}
        try:
            response = await self._http.request(method, path, headers=given, **more)
        except _NEVER_LEFT as error:
            raise SendNotMade(f"the Graph API could not be reached: {_words(error)}") from error
        except httpx.RequestError as error:
            raise SendUnknown(f"no answer from the Graph API: {_words(error)}") from error
        return _answer(response)

    async def _in_the_name_of(self, owner: str) -> dict[str, str]:
        token = self._token if self._tokens is None else await self._tokens(owner)
        return {"Authorization": f"Bearer {token}"}


def _words(error: Exception) -> str:
    return f"{type(error).__name__} {error}".strip()


def _answer(response: httpx.Response) -> Json:
    """The body of an answer that says yes.

    A body with a Graph error code is a refusal whatever the HTTP status: the code is Meta's own word that nothing
    was taken (1, 2, 131000 and 131016 come with a 5xx). A status without a code may come from anything on the way.
    """
    body = _json(response)
    error = child(body, "error")
    code = number_of(error.get("code"))
    if code is not None:
        details = clean_text(child(error, "error_data").get("details"), 1024)
        raise SendRefused(code, details or clean_text(error.get("message"), 1024))
    if not response.is_success or not body:
        raise SendUnknown(f"the Graph API answered {response.status_code} without saying whether it took the message")
    return body


def _json(response: httpx.Response) -> Json:
    try:
        body = json.loads(response.content)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}
