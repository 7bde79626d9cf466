"""What tests of tools call with: solid ground, and a customer's yes to a call as it was shown."""

from typing import Any

from sahut.authority import Grant, Ground, Party, digest_of
from sahut.tool import ToolContext
from sahut.toolcall import ToolCall
from tools.toolbox import Toolbox

SURE = Ground("none")


async def agreed(
    box: Toolbox, name: str, arguments: dict[str, Any], context: ToolContext, *, by: Party = "customer", **more: Any
) -> ToolCall:
    """The call as it is shown, and then made with the yes to exactly that."""
    shown = await box.call(name, arguments, context, ground=SURE)
    assert (shown.state, shown.by) == ("proposed", by)
    grant = Grant(context.key, by, digest_of(name, shown.arguments))
    return await box.call(name, shown.arguments, context, ground=SURE, grant=grant, **more)
