"""Turns a webhook's JSON into typed values; knows nothing of the store, of replies or of HTTP.

`parse` takes any JSON value and never raises: what is not understood is a value too. Nothing is read by position
and no item can spoil another. Source: Meta's webhook reference.
"""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from api.whatsapp.clean import Json, child, clean_json, clean_text, identifier, moment, number_of, objects
from api.whatsapp.inbound import Contacts, parse_message
from sahut.events import AccountEvent, Delivery, DeliveryState, Unsupported, WebhookEvent

OBJECT = "whatsapp_business_account"

# Fields about the account itself: no phone number id in them, routed by the account (`entry.id`).
ACCOUNT_FIELDS = frozenset(
    {
        "account_alerts",
        "account_review_update",
        "account_settings_update",
        "account_update",
        "business_capability_update",
        "business_username_update",
        "business_username_updates",
        "flows",
        "message_template_components_update",
        "message_template_quality_update",
        "message_template_status_update",
        "phone_number_name_update",
        "phone_number_quality_update",
        "security",
        "template_category_update",
    }
)

# A voice note that was played was read.
_STATES: dict[Any, DeliveryState] = {
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "played": "read",
    "failed": "failed",
}
_FIELD = re.compile(r"[a-z0-9_]{1,64}", re.ASCII)

Served = Callable[[str], bool]
ParseItem = Callable[[Any], WebhookEvent]


def parse(payload: Any, *, served: Served, now: datetime) -> list[WebhookEvent]:
    """Every event of one webhook, in the order of the payload.

    `served` says whether a phone number id is ours. `now` is the time of receipt (aware): it stands in for
    timestamps that are missing, malformed or in the future.
    """
    if not isinstance(payload, dict):
        return [Unsupported(why="not_an_object", body=clean_json(payload))]
    if payload.get("object") != OBJECT or not isinstance(payload.get("entry"), list):
        return [Unsupported(why="not_a_whatsapp_webhook", body=clean_json(payload))]
    return [event for entry in payload["entry"] for event in _entry(entry, served, now)]


def _entry(entry: Any, served: Served, now: datetime) -> Iterator[WebhookEvent]:
    changes = entry.get("changes") if isinstance(entry, dict) else None
    if not isinstance(changes, list):
        yield Unsupported(why="odd_entry", body=clean_json(entry))
        return
    account = identifier(entry.get("id")) or ""
    for change in changes:
        if isinstance(change, dict) and isinstance(change.get("value"), dict):
            yield from _change(account, change.get("field"), change["value"], served, now)
        else:
            yield Unsupported(why="odd_change", body=clean_json(change))


def _change(account: str, field: Any, value: Json, served: Served, now: datetime) -> Iterator[WebhookEvent]:
    if field == "messages":
        yield from _messages(account, value, served, now)
    elif isinstance(field, str) and field in ACCOUNT_FIELDS:
        yield AccountEvent(field=field, account=account, body=clean_json(value))
    else:
        # The reason becomes a counter's label, so an odd name must not become a new label.
        name = field if isinstance(field, str) and _FIELD.fullmatch(field) else "odd"
        yield Unsupported(why=f"field:{name}", body=clean_json(value))


def _messages(account: str, value: Json, served: Served, now: datetime) -> Iterator[WebhookEvent]:
    number = identifier(child(value, "metadata").get("phone_number_id"))
    if number is None or not served(number):
        yield Unsupported(why="unserved_number" if number else "no_number", body=clean_json(value))
        return
    if not any(key in value for key in ("messages", "statuses", "errors")):
        yield Unsupported(why="empty_change", body=clean_json(value))
        return
    contacts = Contacts(objects(value, "contacts"))
    yield from _items(value, "messages", lambda item: parse_message(item, number=number, contacts=contacts, now=now))
    yield from _items(value, "statuses", lambda item: parse_status(item, number=number, now=now))
    if "errors" in value:
        body = {"phone_number_id": number, "errors": clean_json(value["errors"])}
        yield AccountEvent(field="errors", account=account, body=body)


def _items(value: Json, key: str, parse_item: ParseItem) -> Iterator[WebhookEvent]:
    if key not in value:
        return
    items = value[key]
    if not isinstance(items, list):
        yield Unsupported(why=f"odd_{key}", body=clean_json(items))
        return
    for item in items:
        try:
            yield parse_item(item)
        except Exception:
            # A fault of ours in one item must not make Meta send the other 999 again for seven days. The tests
            # hold that this never happens.
            yield Unsupported(why="parser_fault", body=clean_json(item))


def parse_status(item: Any, *, number: str, now: datetime) -> Delivery | Unsupported:
    """One item of `statuses[]`. Without an id or with a state that we do not know it is `Unsupported`."""
    if not isinstance(item, dict):
        return Unsupported(why="odd_status", body=clean_json(item))
    wamid, given = identifier(item.get("id")), item.get("status")
    state = _STATES.get(given) if isinstance(given, str) else None
    if wamid is None or state is None:
        return Unsupported(why="unknown_status" if wamid else "status_without_id", body=clean_json(item))
    code, words = error_of(item)
    return Delivery(
        number=number,
        wamid=wamid,
        state=state,
        at=moment(item.get("timestamp"), now),
        callback_id=identifier(item.get("biz_opaque_callback_data")),
        error_code=code,
        error=words,
    )


def error_of(item: Json, limit: int = 1024) -> tuple[int | None, str]:
    """The code and the most telling words of the first of `errors[]`; `(None, "")` where there is none."""
    for error in objects(item, "errors"):
        details = clean_text(child(error, "error_data").get("details"), limit)
        words = details or clean_text(error.get("message"), limit) or clean_text(error.get("title"), limit)
        return number_of(error.get("code")), words
    return None, ""
