"""Turns one item of Meta's `messages[]` into an `Inbound`; knows nothing of the envelope around it.

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
from sahut.events import Inbound, Unsupported

NAME_LIMIT = 256
KIND_LIMIT = 64

# Meta: only what the user sends or calls opens the window. `system` and `request_welcome` are Meta's own notices.
# Nothing is documented for edits and withdrawals, so they count as not opening it: the cautious answer.
_OPENS_NO_WINDOW = frozenset({"system", "request_welcome", "edit", "revoke"})
# Where a kind keeps its words, inside the object that has the kind's own name.
_WORDS = {
    "text": "body",
    "button": "text",
    "order": "text",
    "image": "caption",
    "video": "caption",
    "audio": "caption",
    "document": "caption",
    "sticker": "caption",
}
_USER_ID = re.compile(r"[A-Z]{2}(\.ENT)?\.[A-Za-z0-9]{1,128}", re.ASCII)


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


def parse_message(item: Any, *, number: str, contacts: Contacts, now: datetime) -> Inbound | Unsupported:
    """One message. `contacts` are those of the change; `now` is the time of receipt, for senseless timestamps.

    Without an id or a sender nobody could be answered, so that gives `Unsupported`, and so does a group's message:
    an answer would go to one member. An unknown kind is an `Inbound` like any other.
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
        wamid=wamid,
        phone=phone or phone_digits(contact.get("wa_id")),
        user_id=user_id or identifier(contact.get("user_id")),
        parent_user_id=identifier(item.get("from_parent_user_id")) or identifier(contact.get("parent_user_id")),
        name=_name_of(contact),
        kind=kind,
        text=words_of(item),
        sent_at=moment(item.get("timestamp"), now),
        context_wamid=identifier(child(item, "context").get("id")),
        opens_window=kind not in _OPENS_NO_WINDOW,
        body=clean_json(item),
    )


def _refusal(item: Json, wamid: str | None, sender: str | None) -> str:
    if wamid is None:
        return "no_id" if item.get("id") in (None, "") else "bad_id"
    if item.get("group_id"):
        return "group_message"
    return "" if sender else "no_sender"


def _sender(item: Json) -> tuple[str | None, str | None]:
    """Phone digits and business-scoped user id. Some clients put the user id where the phone number belongs."""
    given = item.get("from")
    user_id = identifier(item.get("from_user_id"))
    if user_id is None and isinstance(given, str) and _USER_ID.fullmatch(given):
        user_id = given
    return phone_digits(given), user_id


def _name_of(contact: Json) -> str:
    profile = child(contact, "profile")
    return clean_text(profile.get("name"), NAME_LIMIT) or clean_text(profile.get("username"), NAME_LIMIT)


def words_of(item: Json) -> str:
    """What can be read as words in a message: body, caption, button or list title, a form's summary; else ""."""
    kind = item.get("type")
    if kind == "interactive":
        return _words_of_choice(child(item, "interactive"))
    if kind == "edit":
        return _words_of_edit(child(item, "edit"))
    if not isinstance(kind, str) or kind not in _WORDS:
        return ""
    return clean_text(child(item, kind).get(_WORDS[kind]))


def _words_of_choice(interactive: Json) -> str:
    """The title of a pressed button or chosen row, or the summary of a sent form (`nfm_reply`)."""
    kind = interactive.get("type")
    reply = child(interactive, kind) if isinstance(kind, str) else {}
    return clean_text(reply.get("title")) or clean_text(reply.get("body"))


def _words_of_edit(edit: Json) -> str:
    message = child(edit, "message")
    return "" if message.get("type") == "edit" else words_of(message)
