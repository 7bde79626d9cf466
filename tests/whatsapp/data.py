"""Webhooks for the tests of this room: the fixtures and small ones made in place."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "fixtures" / "webhooks"
FIXTURES: dict[str, Any] = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
NUMBER = "106500000000001"
NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)


def envelope(lists: dict[str, Any]) -> dict[str, Any]:
    """A webhook of field `messages` for our number with these lists in its value."""
    value = {"metadata": {"phone_number_id": NUMBER}, **lists}
    return {
        "object": "whatsapp_business_account",
        "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}],
    }


def text_message(wamid: Any, body: str = "halo") -> dict[str, Any]:
    """One text message from a customer."""
    return {
        "id": wamid,
        "from": "6281255501234",
        "timestamp": "1795000000",
        "type": "text",
        "text": {"body": body},
    }
