"""Tools of MCP servers, over stdio and streamable HTTP: one session for each call, bounded in time and size.

What a server says of its tools is a stranger's text: it reaches a model cut and plain, and decides nothing.
"""

import os
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, TextContent
from mcp_types import Tool as Offered

from sahut.errors import ConfigurationError
from sahut.outside import Outside, Refused
from sahut.tool import ToolContext
from tools import schemas
from tools.declared import declared_tool
from tools.known import fill, unknown
from tools.sources import Mcp, ServersTool, Unreachable, from_environment, told
from tools.tool import Arguments, Tool, ToolFailed

LISTING_S = 15.0
MOST_ANSWER_BYTES = 256 * 1024
MOST_TOLD = 4000
MOST_PAGES = 20
_LONGEST_DESCRIPTION = 500
# These do not pass by waiting: an address that is not allowed, a program that is not there.
_MISTAKES = (Refused, FileNotFoundError, PermissionError)


class Guarded(httpx2.AsyncHTTPTransport):
    """A way out that speaks to checked addresses alone and reads no more than is allowed."""

    def __init__(self, outside: Outside) -> None:
        super().__init__(trust_env=False)
        self._outside = outside

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send to the very address that was checked."""
        to = await self._outside.pinned(str(request.url))
        request.url = httpx2.URL(to.url)
        request.headers["Host"] = to.host
        request.extensions = {**request.extensions, "sni_hostname": to.sni}
        response = await super().handle_async_request(request)
        response.stream = _Bounded(response.stream)
        return response


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        seen = 0
        async for piece in self._stream:
            seen += len(piece)
            if seen > MOST_ANSWER_BYTES:
                raise httpx2.ReadError("the server says too much")
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()


async def open_server(name: str, source: Mcp, outside: Outside) -> list[Tool]:
    """The tools of one server that the file lists. Raises `ConfigurationError` where one cannot be had."""
    where = f"mcp.{name}"
    if source.command and shutil.which(source.command[0]) is None:
        raise ConfigurationError(f"{where}: the program `{source.command[0]}` is not found on PATH: install it.")
    try:
        async with _session(source, outside, LISTING_S) as client:
            offered = await _listed(client)
    except ConfigurationError:
        raise
    except Exception as error:
        reason = _reason(error)
        kind = ConfigurationError if isinstance(reason, _MISTAKES) else Unreachable
        raise kind(f"{where}: the server cannot be spoken to: {type(reason).__name__}") from error
    tools = []
    for tool, declared in source.tools.items():
        theirs = declared.tool or tool
        if theirs not in offered:
            raise ConfigurationError(
                f"{where}: the server has no tool {theirs!r}: it has {', '.join(sorted(offered))}."
            )
        tools.append(_tool(tool, declared, offered[theirs], source, outside))
    return tools


async def _listed(client: Client) -> dict[str, Offered]:
    found: dict[str, Offered] = {}
    cursor = None
    for _ in range(MOST_PAGES):
        page = await client.list_tools(cursor=cursor)
        found |= {tool.name: tool for tool in page.tools}
        cursor = page.next_cursor
        if cursor is None:
            break
    return found


@asynccontextmanager
async def _session(source: Mcp, outside: Outside, limit_s: float) -> AsyncIterator[Client]:
    """A session of its own, so that nothing of one call is left for another."""
    if source.command:
        program, *arguments = source.command
        env = {name: from_environment(name) for name in source.env}
        with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: ASYNC230, PTH123
            transport = stdio_client(StdioServerParameters(command=program, args=arguments, env=env), nowhere)
            async with Client(transport, read_timeout_seconds=limit_s) as client:
                yield client
        return
    headers = source.auth.headers() if source.auth else {}
    # No proxy of the environment: it would go around the guard.
    guarded = httpx2.AsyncClient(transport=Guarded(outside), headers=headers, timeout=limit_s, trust_env=False)
    async with guarded as http:
        transport = streamable_http_client(source.url, http_client=http, max_sse_event_size=MOST_ANSWER_BYTES)
        async with Client(transport, read_timeout_seconds=limit_s) as client:
            yield client


def _tool(name: str, declared: ServersTool, offered: Offered, source: Mcp, outside: Outside) -> Tool:
    where = f"the tool {name}"
    schema = schemas.checked(schemas.whole(offered.input_schema, offered.input_schema, where=where), where=where)
    shown = unknown(schema, declared.known, where=where)

    async def run(context: ToolContext, arguments: Arguments) -> str:
        whole = schemas.read(schema, {**arguments, **await fill(declared.known, context)})
        async with _session(source, outside, declared.timeout_s) as client:
            answer = await client.call_tool(offered.name, whole)
        return _told(answer, declared, context)

    theirs = schemas.plain_words(offered.description or f"Does {offered.name}.", _LONGEST_DESCRIPTION)
    return declared_tool(name, declared, shown, run, otherwise=theirs)


def _told(answer: CallToolResult, declared: ServersTool, context: ToolContext) -> str:
    """The text of an answer. Raises where the tool failed, so that a person looks."""
    if answer.is_error:
        raise ToolFailed("the server's tool failed")
    fields: Mapping[str, Any] = answer.structured_content if isinstance(answer.structured_content, dict) else {}
    texts = [part.text for part in answer.content if isinstance(part, TextContent)]
    return told(declared.says, context.language, fields) or schemas.plain_words("\n".join(texts), MOST_TOLD)


def _reason(error: BaseException) -> BaseException:
    """The innermost cause in a group, of which only the kind is told: a server's words are not repeated."""
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    return error
