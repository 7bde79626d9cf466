"""Turns what the WhatsApp Business app tells beside its echoes into values: old chats, and colleagues' address book.

Knows nothing of the envelope. Source: Meta's reference of coexistence; all keys are optional.
"""

from datetime import datetime
from typing import Any

from api.whatsapp.clean import Json, child, clean_json, clean_text, moment, number_of, objects
from api.whatsapp.inbound import NAME_LIMIT, Contacts, names_of
from sahut.events import AppContact, History, Unsupported

_SENTENCE = 1024


def parse_history(item: Any, *, number: str, account: str) -> History | Unsupported:
    """One item of `history[]`: a part of the chats from before the number came to us, or why there will be none."""
    if not isinstance(item, dict):
        return Unsupported(why="odd_history", body=clean_json(item))
    told, threads, errors = child(item, "metadata"), objects(item, "threads"), objects(item, "errors")
    if not told and not threads and not errors:
        return Unsupported(why="empty_history", body=clean_json(item))
    error = errors[0] if errors else {}
    details = clean_text(child(error, "error_data").get("details"), _SENTENCE)
    return History(
        number=number,
        account=account,
        phase=number_of(told.get("phase")),
        part=number_of(told.get("chunk_order")),
        progress=number_of(told.get("progress")),
        threads=len(threads),
        messages=sum(len(objects(thread, "messages")) for thread in threads),
        error_code=number_of(error.get("code")),
        error=details or clean_text(error.get("message"), _SENTENCE) or clean_text(error.get("title"), _SENTENCE),
        body=clean_json(item),
    )


def parse_app_contact(item: Any, *, number: str, contacts: Contacts, now: datetime) -> AppContact | Unsupported:
    """One item of `state_sync[]`: somebody was put into the app's address book, changed there or taken out."""
    if not isinstance(item, dict):
        return Unsupported(why="odd_app_contact", body=clean_json(item))
    told = child(item, "contact")
    names = names_of(told, phone="phone_number", user_id="user_id")
    if item.get("type") != "contact" or not (names.phone or names.user_id):
        return Unsupported(why="app_state_without_contact", body=clean_json(item))
    return AppContact(
        number=number,
        names=names,
        name=clean_text(told.get("full_name"), NAME_LIMIT) or clean_text(told.get("first_name"), NAME_LIMIT),
        action=clean_text(item.get("action"), 64),
        at=moment(_time_of(item), now),
    )


def _time_of(item: Json) -> Any:
    return child(item, "metadata").get("timestamp", item.get("timestamp"))
