"""The shapes of Meta's webhooks: envelope, statuses, escaping, message ids; posts nothing and keeps no state."""

import base64
import json
import random
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from api.whatsapp.policy import policy_for

Json = dict[str, Any]


def envelope(*, account: str, number: str, display: str, **lists: list[Json]) -> Json:
    """A webhook of field `messages`; `lists` are `contacts`, `messages`, `statuses`, empty ones left out."""
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": display, "phone_number_id": number},
        **{name: items for name, items in lists.items() if items},
    }
    return {
        "object": "whatsapp_business_account",
        "entry": [{"id": account, "changes": [{"value": value, "field": "messages"}]}],
    }


def encode(payload: Json) -> bytes:
    r"""JSON as Meta writes it: ASCII only (`\u00e9`), slashes escaped (`\/`), no spaces.

    A receiver that checks the signature over anything but the raw bytes fails on it.
    """
    return json.dumps(payload, separators=(",", ":")).replace("/", "\\/").encode("ascii")


def status_item(
    *,
    wamid: str,
    status: str,
    at: datetime,
    recipient: Json,
    callback: str | None,
    category: str,
    code: int | None,
) -> Json:
    """One item of `statuses[]`, with our callback data; pricing on `sent` and `delivered`, errors on `failed`."""
    item: Json = {"id": wamid, "status": status, "timestamp": str(int(at.timestamp())), **recipient}
    if callback is not None:
        item["biz_opaque_callback_data"] = callback
    if status in ("sent", "delivered"):
        item["pricing"] = {"billable": True, "pricing_model": "PMP", "type": "regular", "category": category}
    if code is not None:
        meaning = policy_for(code).meaning
        item["errors"] = [
            {
                "code": code,
                "title": meaning,
                "message": meaning,
                "error_data": {"details": meaning},
                "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
            }
        ]
    return item


def new_wamid(person: str, *, inbound: bool, luck: random.Random) -> str:
    """A message id like Meta's: `wamid.` and base64 of the person's number, a direction and a random part."""
    digits = person.encode()[:64]
    nonce = f"{luck.getrandbits(72):018X}".encode()
    head = b"\x1c\x18" + bytes([len(digits)]) + digits
    direction = b"\x15\x02\x00\x12\x18" if inbound else b"\x15\x02\x00\x11\x18"
    return "wamid." + base64.b64encode(head + direction + bytes([len(nonce)]) + nonce + b"\x00").decode()


def messages_in(payload: Any) -> Iterator[Json]:
    """Each well-formed customer's message in a webhook of any origin."""
    return _items(payload, "messages")


def statuses_in(payload: Any) -> Iterator[Json]:
    """Each well-formed status in a webhook of any origin."""
    return _items(payload, "statuses")


def _items(payload: Any, key: str) -> Iterator[Json]:
    for entry in _list(payload, "entry"):
        for change in _list(entry, "changes"):
            yield from _list(change.get("value"), key)


def _list(parent: Any, key: str) -> list[Json]:
    items = parent.get(key) if isinstance(parent, dict) else None
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
