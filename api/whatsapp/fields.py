"""Turns the webhook fields beside `messages` that concern customers into values; knows nothing of the envelope.

Calls, handovers, preferences, changed user ids; groups and the phone app have files of their own. Source: Meta's
webhook reference and its page on business-scoped user ids.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from api.whatsapp import groups
from api.whatsapp.clean import Json, child, clean_json, clean_text, identifier, moment, number_of, phone_digits
from api.whatsapp.coexistence import parse_app_contact
from api.whatsapp.groups import parse_group
from api.whatsapp.inbound import Contacts, name_of, names_of
from sahut.events import Call, Handover, IdentityChange, Names, Preference, Unsupported

# Meta's own agent and other programs; every other role is ours or a human's.
_OTHERS = frozenset({"ai_agent", "meta_business_agent"})


def parse_call(item: Any, *, number: str, contacts: Contacts, now: datetime) -> Call | Unsupported:
    """One item of `calls[]`."""
    if not isinstance(item, dict):
        return Unsupported(why="odd_call", body=clean_json(item))
    mine = item.get("direction") != "BUSINESS_INITIATED"
    side = "from" if mine else "to"
    names = names_of(item, phone=side, user_id=f"{side}_user_id", parent=f"{side}_parent_user_id")
    call = identifier(item.get("id"))
    if call is None or not (names.phone or names.user_id):
        return Unsupported(why="call_without_names" if call else "call_without_id", body=clean_json(item))
    names, name = _completed(names, contacts)
    return Call(
        number=number,
        id=call,
        names=names,
        name=name,
        event=clean_text(item.get("event"), 64),
        from_customer=mine,
        status=clean_text(item.get("status"), 64),
        duration_s=number_of(item.get("duration")),
        at=moment(item.get("timestamp"), now),
        # The offer of a connection holds addresses of the caller's network, and nobody here takes calls.
        body=clean_json({key: value for key, value in item.items() if key != "session"} | {"type": "call"}),
    )


def parse_preference(item: Any, *, number: str, contacts: Contacts, now: datetime) -> Preference | Unsupported:
    """One item of `user_preferences[]`."""
    if not isinstance(item, dict):
        return Unsupported(why="odd_preference", body=clean_json(item))
    names = names_of(item, phone="wa_id", user_id="user_id", parent="parent_user_id")
    value = clean_text(item.get("value"), 64)
    if not value or not (names.phone or names.user_id):
        return Unsupported(why="preference_without_names", body=clean_json(item))
    names, name = _completed(names, contacts)
    return Preference(
        number=number,
        names=names,
        name=name,
        category=clean_text(item.get("category"), 64),
        value=value,
        at=moment(item.get("timestamp"), now),
    )


def parse_user_id_update(item: Any, *, number: str, contacts: Contacts, now: datetime) -> IdentityChange | Unsupported:
    """One item of `user_id_update[]`, which names the old ids and the new ones."""
    if not isinstance(item, dict):
        return Unsupported(why="odd_user_id_update", body=clean_json(item))
    own, parent = child(item, "user_id"), child(item, "parent_user_id")
    phone = phone_digits(item.get("wa_id"))
    old = Names(user_id=identifier(own.get("previous")), parent_user_id=identifier(parent.get("previous")))
    new = Names(phone=phone, user_id=identifier(own.get("current")), parent_user_id=identifier(parent.get("current")))
    if new.user_id is None or (old.user_id is None and phone is None):
        return Unsupported(why="user_id_update_without_ids", body=clean_json(item))
    _, name = _completed(new, contacts)
    return IdentityChange(number=number, old=old, new=new, name=name, at=moment(item.get("timestamp"), now))


def parse_handover(value: Json, *, number: str, now: datetime) -> Handover | Unsupported:
    """A `messaging_handovers` change: one value, no list. All of its keys are optional."""
    kind = value.get("type")
    told = child(value, kind) if isinstance(kind, str) else {}
    sender = child(value, "sender")
    names = names_of(sender, phone="phone_number", user_id="user_id", parent="parent_user_id")
    if kind not in ("control_passed", "control_taken") or not (names.phone or names.user_id):
        return Unsupported(why="odd_handover", body=clean_json(value))
    new_role = clean_text(told.get("new_owner_role"), 64)
    role = clean_text(told.get("previous_owner_app_role"), 64) or clean_text(told.get("previous_owner_role"), 64)
    summary = child(child(told, "conversation_context"), "summary")
    note = [clean_text(told.get("metadata"), 1024), clean_text(summary.get("text"), 4096)]
    return Handover(
        number=number,
        names=names,
        # Taken is taken from us; passed is passed to us, unless it says that it went to Meta's agent.
        ours=kind == "control_passed" and new_role.lower() not in _OTHERS,
        previous_role=role,
        new_role=new_role,
        note="\n".join(filter(None, note)),
        at=moment(value.get("timestamp"), now),
    )


def _completed(names: Names, contacts: Contacts) -> tuple[Names, str]:
    """The names with what `contacts[]` adds to them, and what the person calls themselves."""
    contact = contacts.of(names.phone, names.user_id)
    more = {
        "phone": names.phone or phone_digits(contact.get("wa_id")),
        "user_id": names.user_id or identifier(contact.get("user_id")),
        "parent_user_id": names.parent_user_id or identifier(contact.get("parent_user_id")),
    }
    return Names(**more), name_of(contact)


LISTS: dict[str, tuple[str, Callable[..., Any]]] = {
    "calls": ("calls", parse_call),
    "user_preferences": ("user_preferences", parse_preference),
    "user_id_update": ("user_id_update", parse_user_id_update),
    "smb_app_state_sync": ("state_sync", parse_app_contact),
    **dict.fromkeys(groups.FIELDS, ("groups", parse_group)),
}
"""A field: under which key its items lie, and what reads one."""
