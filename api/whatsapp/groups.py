"""Turns news of groups (made, renamed, joined, left, closed) into values; knows nothing of the envelope.

Messages of a group come as any other. Source: Meta's webhook reference of groups; all keys but the group's are
optional.
"""

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from api.whatsapp.clean import Json, child, clean_json, clean_text, identifier, moment, objects
from api.whatsapp.inbound import NAME_LIMIT, Contacts, names_of
from sahut.events import GroupEvent, Unsupported

FIELDS = (
    *("group_lifecycle_update", "group_participants_update"),
    *("group_settings_update", "group_status_update"),
)
_MEMBERS = ("added_participants", "removed_participants", "failed_participants", "participants")
_MOST_MEMBERS = 1024


def parse_group(item: Any, *, number: str, contacts: Contacts, now: datetime) -> GroupEvent | Unsupported:
    """One item of `groups[]`. Meta gives news of groups no id: the same news is known by all that it says."""
    if not isinstance(item, dict):
        return Unsupported(why="odd_group", body=clean_json(item))
    group, body = identifier(item.get("group_id")), clean_json(item)
    if group is None:
        return Unsupported(why="group_without_id", body=body)
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    errors = objects(item, "errors")
    return GroupEvent(
        number=number,
        id=f"group:{digest}",
        group=group,
        kind=clean_text(item.get("type"), 64) or "group",
        subject=clean_text(item.get("subject"), NAME_LIMIT) or _new_subject(item),
        members=tuple(dict.fromkeys(_members(item)))[:_MOST_MEMBERS],
        error=clean_text(errors[0].get("message"), 1024) if errors else "",
        at=moment(item.get("timestamp"), now),
        body={**body, "type": "system"},
    )


def _new_subject(item: Json) -> str:
    """What a group is called from now on; nothing where the change of its name did not succeed."""
    told = child(item, "group_subject")
    return "" if told.get("update_successful") is False else clean_text(told.get("text"), NAME_LIMIT)


def _members(item: Json) -> Iterator[str]:
    """Whom it is about, by phone number or user id."""
    for one in (item, *(member for key in _MEMBERS for member in objects(item, key))):
        names = names_of(one, phone="wa_id", user_id="user_id")
        name = f"+{names.phone}" if names.phone else names.user_id
        if name:
            yield name
