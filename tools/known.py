"""Arguments that come from the conversation and not from a model: whom a call concerns, and the key of its effect."""

from collections.abc import Mapping
from typing import Any

from sahut.errors import ConfigurationError
from sahut.store import tickets
from sahut.tool import ToolContext
from tools.schemas import Schema
from tools.sources import Known
from tools.tool import Arguments, ToolFailed


def unknown(schema: Schema, known: Mapping[str, Known], *, where: str) -> Schema:
    """The schema that a model sees: without what is known. Raises `ConfigurationError` for a name that it lacks."""
    missing = sorted(known.keys() - schema["properties"].keys())
    if missing:
        raise ConfigurationError(f"{where}: known names {', '.join(missing)}, which it does not take.")
    return {
        **schema,
        "properties": {name: inner for name, inner in schema["properties"].items() if name not in known},
        "required": [name for name in schema.get("required", []) if name not in known],
    }


async def fill(known: Mapping[str, Known], context: ToolContext) -> Arguments:
    """The known arguments. Raises `ToolFailed` where the contact has no phone number."""
    phone = None
    if "phone" in known.values():
        async with context.store.reading() as tx:
            phone = await tickets.phone_of(tx, context.contact_id)
        if phone is None:
            raise ToolFailed("the contact has no phone number")
    values: dict[Known, Any] = {
        "phone": phone,
        "contact_id": context.contact_id,
        "conversation_id": context.conversation_id,
        "language": context.language,
        "key": context.key,
    }
    return {name: values[what] for name, what in known.items()}
