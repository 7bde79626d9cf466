"""Turns one item of Meta's `messages[]` or `message_echoes[]` into a value; knows nothing of the envelope around it.

Source of the kinds: Meta's webhook reference and its pages on business-scoped user ids.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from api.whatsapp.clean import (
    Json,
    child,
    clean_json,
    clean_text,
    identifier,
    moment,
    phone_digits,
)
from api.whatsapp.content import extras_of, surroundings_of, words_of
from sahut.events import Echo, IdentityChange, Inbound, Names, Unsupported

NAME_LIMIT = 256
KIND_LIMIT = 64

# Meta: only what the user sends or calls opens the window. `system` and `request_welcome` are Meta's own notices.
# Nothing is documented for edits and withdrawals, so they count as not opening it: the cautious answer.
_OPENS_NO_WINDOW = frozenset({"system", "request_welcome", "edit", "revoke"})
_USER_ID = re.compile(r"[A-Z]{2}(\.ENT)?\.[A-Za-z0-9]{1,128}", re.ASCII)
_NAMES_CHANGED = frozenset({"user_changed_number", "user_changed_user_id"})
# A copy of what another owner of the thread gets: it must never hide the message that comes to us.
STANDBY = "standby:"


class Contacts:
    """A change's `contacts[]`, found by id and never by position: batches come in any order."""

    def __init__(self, contacts: Sequence[Json] = ()) -> None:
        self._by_user_id = {u: c for c in contacts if (u := identifier(c.get("user_id")))}
        self._by_phone = {p: c for c in contacts if (p := phone_digits(c.get("wa_id")))}

    def of(self, phone: str | None, user_id: str | None) -> Json:
        """The sender's entry, or an empty one. The user id decides; a phone may have passed to somebody else."""
        if user_id in self._by_user_id:
            return self._by_user_id[user_id]
        contact = self._by_phone.get(phone or "", {})
        return {} if user_id and contact.get("user_id") else contact


def parse_message(
    item: Any, *, number: str, contacts: Contacts, now: datetime, standby: bool = False
) -> Inbound | Unsupported:
    """One message. `contacts` are those of the change; `now` is the time of receipt, for senseless timestamps.

    Without an id or a sender nobody could be answered, so that gives `Unsupported`. An unknown kind is an `Inbound`
    like any other.
    """
    if not isinstance(item, dict):
        return Unsupported(why="odd_message", body=clean_json(item))
    wamid = identifier(item.get("id"))
    phone, user_id = _sender(item)
    why = _refusal(item, wamid, phone or user_id)
    if why or wamid is None:
        return Unsupported(why=why or "no_id", body=clean_json(item))
    contact = contacts.of(phone, user_id)
    kind = clean_text(item.get("type"), KIND_LIMIT) or "unknown"
    return Inbound(
        number=number,
        wamid=f"{STANDBY}{wamid}" if standby else wamid,
        phone=phone or phone_digits(contact.get("wa_id")),
        user_id=user_id or identifier(contact.get("user_id")),
        parent_user_id=identifier(item.get("from_parent_user_id")) or identifier(contact.get("parent_user_id")),
        name=name_of(contact),
        kind=kind,
        text=words_of(item),
        sent_at=moment(item.get("timestamp"), now),
        opens_window=kind not in _OPENS_NO_WINDOW,
        group=identifier(item.get("group_id")),
        standby=standby,
        body=clean_json(item),
        **surroundings_of(item),
        **extras_of(kind, item),
    )


def parse_echo(item: Any, *, number: str, now: datetime, standby: bool = False) -> Echo | Unsupported:
    """One item of `message_echoes[]`: what a human sent from the phone app, or in `standby` another owner.

    In `standby` the message that was sent lies one level deeper, in the shape of a request.
    """
    if not isinstance(item, dict):
        return Unsupported(why="odd_echo", body=clean_json(item))
    wamid = identifier(item.get("id"))
    inside = child(item, "message") or item
    names = names_of(inside, phone="to", user_id="to_user_id", parent="to_parent_user_id")
    if names.phone is None and names.user_id is None:
        names = names_of(item, phone="to", user_id="to_user_id", parent="to_parent_user_id")
    if wamid is None or not (names.phone or names.user_id):
        return Unsupported(why="echo_without_names" if wamid else "echo_without_id", body=clean_json(item))
    kind = clean_text(inside.get("type"), KIND_LIMIT) or "text"
    extras = extras_of(kind, inside)
    return Echo(
        number=number,
        wamid=f"{STANDBY}{wamid}" if standby else wamid,
        names=names,
        kind=kind,
        text=words_of({"type": kind, **inside}),
        sent_at=moment(item.get("timestamp"), now),
        standby=standby,
        about=extras.get("about"),
        emoji=extras.get("emoji", ""),
        body=clean_json({"type": kind, **inside}),
    )


def change_of(message: Inbound) -> IdentityChange | None:
    """What a system message says of its sender's names, if it does: it tells only the new ones.

    Meta names nothing in the text that a program should read, so the old names are the sender's.
    """
    told = child(message.body, "system")
    if message.kind != "system" or clean_text(told.get("type"), KIND_LIMIT) not in _NAMES_CHANGED:
        return None
    new = names_of(told, phone="wa_id", user_id="user_id", parent="parent_user_id")
    if new.phone is None and new.user_id is None:
        return None
    return IdentityChange(number=message.number, old=message.names, new=new, at=message.sent_at)


def names_of(item: Json, *, phone: str, user_id: str, parent: str = "") -> Names:
    """A person's names out of these keys. Some clients put the user id where the phone number belongs."""
    given = item.get(phone)
    known = identifier(item.get(user_id))
    if known is None and isinstance(given, str) and _USER_ID.fullmatch(given):
        known = given
    return Names(phone=phone_digits(given), user_id=known, parent_user_id=identifier(item.get(parent)))


def name_of(contact: Json) -> str:
    """What a person calls themselves."""
    profile = child(contact, "profile")
    return clean_text(profile.get("name"), NAME_LIMIT) or clean_text(profile.get("username"), NAME_LIMIT)


def _refusal(item: Json, wamid: str | None, sender: str | None) -> str:
    if wamid is None:
        return "no_id" if item.get("id") in (None, "") else "bad_id"
    return "" if sender else "no_sender"


def _sender(item: Json) -> tuple[str | None, str | None]:
    given = item.get("from")
    user_id = identifier(item.get("from_user_id"))
    if user_id is None and isinstance(given, str) and _USER_ID.fullmatch(given):
        user_id = given
    return phone_digits(given), user_id
