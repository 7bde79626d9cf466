"""A tool from outside as `tools.toml` declares it, whatever it is reached by. Knows neither HTTP nor MCP."""

from collections.abc import Awaitable, Callable

from sahut.tool import ToolContext
from sahut.toolcall import ToolCard
from tools import schemas
from tools.sources import Declaration
from tools.tool import Arguments, Tool

Run = Callable[[ToolContext, Arguments], Awaitable[str]]


def declared_tool(name: str, declared: Declaration, shown: schemas.Schema, run: Run, *, otherwise: str) -> Tool:
    """The tool that `run` performs. `shown` are the arguments that a model may give; `otherwise` describes the tool
    where the file does not.
    """
    return Tool(
        card=ToolCard(
            name=name,
            description=declared.description or otherwise,
            parameters=shown,
            examples=declared.examples,
            effect=declared.authority.effect,
        ),
        authority=declared.authority,
        read=lambda arguments: schemas.read(shown, arguments),
        run=run,
        questions=declared.questions,
        timeout_s=declared.timeout_s,
    )
