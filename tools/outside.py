"""Opens the tools that `tools.toml` declares, wherever they come from."""

from collections.abc import Awaitable, Iterator
from pathlib import Path

import structlog

from sahut.errors import ConfigurationError
from sahut.outside import Outside, Refused
from tools.sources import Sources, Unreachable, read_sources
from tools.tool import Tool

log = structlog.get_logger(__name__)

SETTING = "SAHUT_TOOLS_ALLOW_PRIVATE"


async def open_outside(path: Path, outside: Outside, *, patient: bool = False) -> list[Tool]:
    """Every tool of the file. Raises `ConfigurationError` where one cannot be had, or asks what it does not show.

    A `patient` house goes on without the tools of a source that does not answer now: other people's systems may be
    down, and customers are answered all the same.
    """
    tools: list[Tool] = []
    for opening in _sources(read_sources(path), path.parent, outside):
        try:
            tools += await opening
        except Unreachable as error:
            if not patient:
                raise
            log.error("tools are left out until the next start", error=str(error))
    for tool in tools:
        _check_questions(tool)
    return tools


async def unreached(path: Path, outside: Outside) -> list[str]:
    """What cannot be connected to of the servers that the file's documents name, each with the reason.

    Raises as `open_outside`, which itself speaks to MCP servers alone.
    """
    from tools.openapi import servers_of

    troubles = []
    for name, api in read_sources(path).openapi.items():
        for url in sorted(await servers_of(name, api, path.parent, outside)):
            try:
                await outside.reach(url)
            except Refused as error:
                troubles.append(f"openapi.{name}: {error}")
            except (OSError, TimeoutError) as error:
                troubles.append(f"openapi.{name}: {url} does not answer ({type(error).__name__})")
    return troubles


def _sources(sources: Sources, folder: Path, outside: Outside) -> Iterator[Awaitable[list[Tool]]]:
    if sources.openapi:
        from tools.openapi import open_api

        for name, api in sources.openapi.items():
            yield open_api(name, api, folder, outside)
    if sources.mcp:
        from tools.mcp_servers import open_server

        for name, server in sources.mcp.items():
            yield open_server(name, server, outside)


def _check_questions(tool: Tool) -> None:
    for language, question in tool.questions.items():
        hidden = [name for name in tool.card.parameters["properties"] if f"{{{name}}}" not in question]
        try:
            question.format_map(dict.fromkeys(tool.card.parameters["properties"], ""))
        except (KeyError, IndexError, ValueError, AttributeError, TypeError):
            hidden.append("something that it does not take")
        if hidden:
            raise ConfigurationError(
                f"The tool {tool.name}: its question in {language!r} must show every argument, and nothing else "
                f"(see {', '.join(hidden)})."
            )
