"""Turns a webhook's JSON into typed values; knows nothing of the store, of replies or of HTTP.

`parse` takes any JSON value and never raises: what is not understood is a value too. Nothing is read by position
and no item can spoil another. Source: Meta's webhook reference.
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from api.whatsapp.account import ACCOUNT_FIELDS, parse_account
from api.whatsapp.clean import Json, child, clean_json, clean_text, identifier, moment, number_of, objects
from api.whatsapp.coexistence import parse_history
from api.whatsapp.fields import LISTS, parse_handover
from api.whatsapp.inbound import Contacts, change_of, parse_echo, parse_message
from sahut.events import AccountEvent, Delivery, DeliveryState, Inbound, Pricing, Unsupported, WebhookEvent

OBJECT = "whatsapp_business_account"
# The fields of our numbers, by their metadata; the rest are the account's, or not known here.
NUMBER_FIELDS = frozenset({"messages", "standby", "smb_message_echoes", "messaging_handovers", "history", *LISTS})

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
            field, value = change.get("field"), change["value"]
            if isinstance(field, str) and field in ACCOUNT_FIELDS:
                yield parse_account(field, value, account=account, at=entry.get("time"), now=now)
            else:
                yield from _change(account, field, value, served, now)
        else:
            yield Unsupported(why="odd_change", body=clean_json(change))


def _change(account: str, field: Any, value: Json, served: Served, now: datetime) -> Iterator[WebhookEvent]:
    if not isinstance(field, str) or field not in NUMBER_FIELDS:
        # The reason becomes a counter's label, so an odd name must not become a new label.
        name = field if isinstance(field, str) and _FIELD.fullmatch(field) else "odd"
        yield Unsupported(why=f"field:{name}", body=clean_json(value))
        return
    number = _number_of(field, value)
    if number is None or not served(number):
        yield Unsupported(why="unserved_number" if number else "no_number", body=clean_json(value))
    elif field == "messaging_handovers":
        yield parse_handover(value, number=number, now=now)
    elif field == "history":
        yield from _items(value, "history", lambda item: parse_history(item, number=number, account=account))
    elif field == "messages":
        yield from _messages(account, value, number, now)
    else:
        yield from _others(field, value, number, now)


def _number_of(field: str, value: Json) -> str | None:
    """The phone number id that a change is about; a handover names it as the recipient."""
    holder = child(value, "recipient") if field == "messaging_handovers" else child(value, "metadata")
    return identifier(holder.get("phone_number_id"))


def _messages(account: str, value: Json, number: str, now: datetime) -> Iterator[WebhookEvent]:
    if not any(key in value for key in ("messages", "statuses", "errors")):
        yield Unsupported(why="empty_change", body=clean_json(value))
        return
    contacts = Contacts(objects(value, "contacts"))
    for event in _items(value, "messages", lambda item: parse_message(item, number=number, contacts=contacts, now=now)):
        yield event
        change = change_of(event) if isinstance(event, Inbound) else None
        if change is not None:
            yield change
    yield from _items(value, "statuses", lambda item: parse_status(item, number=number, now=now))
    if "errors" in value:
        code, words = error_of(value)
        body = {"phone_number_id": number, "errors": clean_json(value["errors"])}
        told = "" if code is None else str(code)
        yield AccountEvent(field="errors", account=account, event=told, words=words, at=now, is_dated=False, body=body)


def _others(field: str, value: Json, number: str, now: datetime) -> Iterator[WebhookEvent]:
    """Fields with lists of their own. Those of `standby` lie one level deeper."""
    if field == "smb_message_echoes":
        yield from _items(value, "message_echoes", lambda item: parse_echo(item, number=number, now=now))
    elif field == "standby":
        yield from _standby(child(value, "standby"), value, number, now)
    else:
        key, parse_item = LISTS[field]
        contacts = Contacts(objects(value, "contacts"))
        yield from _items(value, key, lambda item: parse_item(item, number=number, contacts=contacts, now=now))


def _standby(inside: Json, value: Json, number: str, now: datetime) -> Iterator[WebhookEvent]:
    """What another owner of the thread hears and says. Statuses of its messages concern nobody here."""
    contacts = Contacts([*objects(inside, "contacts"), *objects(value, "contacts")])
    yield from _items(
        inside,
        "messages",
        lambda item: parse_message(item, number=number, contacts=contacts, now=now, standby=True),
    )
    yield from _items(inside, "message_echoes", lambda item: parse_echo(item, number=number, now=now, standby=True))
    if "statuses" in inside:
        yield Unsupported(why="standby_statuses", body=clean_json(inside["statuses"]))
    if not inside:
        yield Unsupported(why="empty_standby", body=clean_json(value))


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
        **_bill(item),
    )


def _bill(item: Json) -> dict[str, Any]:
    """What a status says of money, and until when an advertisement's entry point stays free; both often absent."""
    found: dict[str, Any] = {"played": True} if item.get("status") == "played" else {}
    if isinstance(item.get("pricing"), dict):
        price = item["pricing"]
        found["pricing"] = Pricing(
            kind=clean_text(price.get("type"), 64),
            category=clean_text(price.get("category"), 64),
            model=clean_text(price.get("pricing_model"), 64),
        )
    conversation = child(item, "conversation")
    free = child(conversation, "origin").get("type") == "referral_conversion" or (
        "pricing" in found and found["pricing"].kind == "free_entry_point"
    )
    until = _seconds(conversation.get("expiration_timestamp"))
    if free and until is not None:
        found["free_until"] = datetime.fromtimestamp(until, UTC)
    return found


def _seconds(value: Any) -> int | None:
    """A time to come, in unix seconds; nothing beyond the year 2100 is one."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 10:
        value = int(value)
    return value if isinstance(value, int) and 0 < value < 4_102_444_800 else None


def error_of(item: Json, limit: int = 1024) -> tuple[int | None, str]:
    """The code and the most telling words of the first of `errors[]`; `(None, "")` where there is none."""
    for error in objects(item, "errors"):
        details = clean_text(child(error, "error_data").get("details"), limit)
        words = details or clean_text(error.get("message"), limit) or clean_text(error.get("title"), limit)
        return number_of(error.get("code")), words
    return None, ""
