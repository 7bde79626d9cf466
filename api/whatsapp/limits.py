"""Meta's documented limits of outgoing message objects, as data and as one check; sends nothing.

Source: Meta's messages reference. Lengths are counted in UTF-16 units: Meta names no unit, and this is the count
that can only be too careful.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from sahut.text import utf16_length

Json = dict[str, Any]

TEXT_BODY = 4096
CAPTION = 1024
INTERACTIVE_BODY = 1024
HEADER = 60
FOOTER = 60
BUTTONS = 3
BUTTON_TITLE = 20
BUTTON_ID = 256
LIST_BUTTON = 20
LIST_SECTIONS = 10
LIST_ROWS = 10
SECTION_TITLE = 24
ROW_ID = 200
ROW_TITLE = 24
ROW_DESCRIPTION = 72
LINK_BUTTON = 20
FLOW_BUTTON = 20
FILENAME = 240
URL = 2000
CALLBACK_DATA = 512

INVALID, MISSING, BAD_VALUE, UNSUPPORTED = 100, 131008, 131009, 131051

_HEADER_MEDIA = frozenset({"image", "video", "document"})
_ENVELOPE = frozenset(
    {
        "messaging_product",
        "recipient_type",
        "to",
        "recipient",
        "type",
        "context",
        "biz_opaque_callback_data",
    }
)
_PHONE = re.compile(r"\+?\d{5,20}", re.ASCII)
USER_ID = re.compile(r"[A-Z]{2}(\.ENT)?\.[A-Za-z0-9]{1,128}", re.ASCII)


@dataclass(frozen=True)
class Problem:
    """What Meta would refuse, under the code that Meta uses for it."""

    code: int
    message: str


def first_problem(message: Json) -> Problem | None:
    """The first thing that Meta would refuse in a whole message, recipient included; `None`: it is well formed."""
    return next(_envelope(message), None) or content_problem(message)


def content_problem(message: Json) -> Problem | None:
    """The first thing that Meta would refuse in a message object, whoever gets it."""
    kind = message.get("type", "text")
    check = _CHECKS.get(kind) if isinstance(kind, str) else None
    if check is None:
        return Problem(UNSUPPORTED, f"Unsupported message type {kind!r}")
    content = message.get(kind)
    if not isinstance(content, dict) and kind != "contacts":
        return Problem(MISSING, f"The parameter {kind} is required")
    extra = sorted(set(message) - _ENVELOPE - {kind})
    if extra:
        return Problem(INVALID, f"Unexpected key {extra[0]!r}")
    return next(check(content), None)


def _envelope(message: Json) -> Iterator[Problem]:
    if message.get("messaging_product") != "whatsapp":
        yield Problem(INVALID, "The parameter messaging_product is required")
    if message.get("recipient_type", "individual") != "individual":
        yield Problem(INVALID, "recipient_type must be individual")
    yield from _recipient(message.get("to"), message.get("recipient"))
    callback = message.get("biz_opaque_callback_data", "")
    if not isinstance(callback, str) or len(callback) > CALLBACK_DATA:
        yield Problem(INVALID, f"biz_opaque_callback_data must be a string of at most {CALLBACK_DATA} characters")
    context = message.get("context", {"message_id": "wamid"})
    if not isinstance(context, dict) or not isinstance(context.get("message_id"), str):
        yield Problem(INVALID, "context.message_id must be a string")


def _recipient(phone: Any, user_id: Any) -> Iterator[Problem]:
    # Where both are given, `to` wins: Meta's rule.
    if phone is not None:
        if not isinstance(phone, str) or not _PHONE.fullmatch(phone):
            yield Problem(BAD_VALUE, "The parameter to is not a phone number")
    elif user_id is None:
        yield Problem(MISSING, "The parameter to or recipient is required")
    elif not isinstance(user_id, str) or not USER_ID.fullmatch(user_id):
        yield Problem(BAD_VALUE, "The parameter recipient is not a business-scoped user id")


def _string(value: Any, name: str, limit: int, code: int = INVALID) -> Iterator[Problem]:
    if not isinstance(value, str) or not value.strip():
        yield Problem(MISSING, f"The parameter {name} is required")
    elif utf16_length(value) > limit:
        yield Problem(code, f"The parameter {name} must be at most {limit} characters long")


def _text(content: Json) -> Iterator[Problem]:
    yield from _string(content.get("body"), "text.body", TEXT_BODY)


def _media(content: Json, *, caption: bool = True, filename: bool = False) -> Iterator[Problem]:
    if ("id" in content) == ("link" in content):
        yield Problem(INVALID, "Give either id or link")
    elif "link" in content:
        yield from _url(content["link"], "link")
    else:
        yield from _string(content["id"], "id", 512)
    if "caption" in content and not caption:
        yield Problem(INVALID, "This kind of media has no caption")
    elif "caption" in content:
        yield from _string(content["caption"], "caption", CAPTION)
    if "filename" in content and not filename:
        yield Problem(INVALID, "Only a document has a filename")
    elif "filename" in content:
        yield from _string(content["filename"], "filename", FILENAME)


def _url(value: Any, name: str) -> Iterator[Problem]:
    yield from _string(value, name, URL)
    if isinstance(value, str) and not re.match(r"https?://[^\s/]", value):
        yield Problem(BAD_VALUE, f"The parameter {name} must begin with https:// or http://")


def _location(content: Json) -> Iterator[Problem]:
    for name, bound in (("latitude", 90), ("longitude", 180)):
        value = content.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > bound:
            yield Problem(BAD_VALUE, f"The parameter location.{name} is not valid")


def _reaction(content: Json) -> Iterator[Problem]:
    yield from _string(content.get("message_id"), "reaction.message_id", 512)
    if not isinstance(content.get("emoji"), str):
        yield Problem(MISSING, "The parameter reaction.emoji is required")


def _contacts(content: Any) -> Iterator[Problem]:
    if not isinstance(content, list) or not 1 <= len(content) <= 257:
        yield Problem(INVALID, "contacts must be a list of 1 to 257 contacts")
        return
    for person in content:
        name = person.get("name") if isinstance(person, dict) else None
        given = name if isinstance(name, dict) else {}
        yield from _string(given.get("formatted_name"), "contacts.name.formatted_name", 512)
        if not any(isinstance(value, str) and value for key, value in given.items() if key != "formatted_name"):
            yield Problem(MISSING, "contacts.name needs one more part beside formatted_name, such as first_name")


def _template(content: Json) -> Iterator[Problem]:
    yield from _string(content.get("name"), "template.name", 512)
    language = content.get("language")
    if not isinstance(language, dict) or not isinstance(language.get("code"), str):
        yield Problem(MISSING, "The parameter template.language.code is required")


def _interactive(content: Json) -> Iterator[Problem]:
    kind, action, body = content.get("type"), content.get("action"), content.get("body")
    check = _ACTIONS.get(kind) if isinstance(kind, str) else None
    if check is None:
        yield Problem(BAD_VALUE, f"interactive.type {kind!r} is not valid")
        return
    if not isinstance(action, dict):
        yield Problem(MISSING, "The parameter interactive.action is required")
        return
    yield from _string(body.get("text") if isinstance(body, dict) else None, "interactive.body.text", INTERACTIVE_BODY)
    yield from _frame(content, only_text=kind in ("list", "flow"))
    yield from check(action)


def _frame(content: Json, *, only_text: bool) -> Iterator[Problem]:
    for name, limit in (("header", HEADER), ("footer", FOOTER)):
        part = content.get(name)
        if part is None:
            continue
        kind = part.get("type") if isinstance(part, dict) else None
        if name == "header" and kind in _HEADER_MEDIA and not only_text:
            yield from _header_media(
                part[kind] if isinstance(part.get(kind), dict) else {}, is_document=kind == "document"
            )
            continue
        if name == "header" and kind != "text":
            yield Problem(BAD_VALUE, "interactive.header.type is not one that this message may have")
        yield from _string(part.get("text") if isinstance(part, dict) else None, f"interactive.{name}.text", limit)


def _buttons(action: Json) -> Iterator[Problem]:
    buttons = action.get("buttons")
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= BUTTONS:
        yield Problem(INVALID, f"Give 1 to {BUTTONS} buttons")
        return
    replies = [b.get("reply") if isinstance(b, dict) and b.get("type") == "reply" else None for b in buttons]
    for reply in replies:
        given = reply if isinstance(reply, dict) else {}
        yield from _string(given.get("title"), "button title", BUTTON_TITLE)
        yield from _string(given.get("id"), "button id", BUTTON_ID)
    for key in ("title", "id"):
        if len({reply[key] for reply in replies if reply}) < len(replies):
            yield Problem(BAD_VALUE, f"Each button needs its own {key}")
    if any(reply["id"] != reply["id"].strip() for reply in replies if reply):
        yield Problem(BAD_VALUE, "A button id has no spaces at its ends")


def _list(action: Json) -> Iterator[Problem]:
    yield from _string(action.get("button"), "list button", LIST_BUTTON)
    sections = action.get("sections")
    if not isinstance(sections, list) or not 1 <= len(sections) <= LIST_SECTIONS:
        yield Problem(INVALID, f"Give 1 to {LIST_SECTIONS} sections")
        return
    rows: list[Any] = []
    for section in sections:
        part = section if isinstance(section, dict) else {}
        if len(sections) > 1 or "title" in part:
            yield from _string(part.get("title"), "section title", SECTION_TITLE)
        rows += part["rows"] if isinstance(part.get("rows"), list) else [None]
    if not 1 <= len(rows) <= LIST_ROWS:
        yield Problem(INVALID, f"Give 1 to {LIST_ROWS} rows in all")
    for row in rows:
        yield from _row(row if isinstance(row, dict) else {})


def _row(row: Json) -> Iterator[Problem]:
    yield from _string(row.get("id"), "row id", ROW_ID)
    yield from _string(row.get("title"), "row title", ROW_TITLE)
    if "description" in row:
        yield from _string(row["description"], "row description", ROW_DESCRIPTION)


def _header_media(content: Json, *, is_document: bool) -> Iterator[Problem]:
    yield from _media(content, caption=False, filename=is_document)


def _parameters(action: Json) -> Json | None:
    parameters = action.get("parameters")
    return parameters if isinstance(parameters, dict) else None


_NO_PARAMETERS = Problem(MISSING, "The parameter interactive.action.parameters is required")


def _link_button(action: Json) -> Iterator[Problem]:
    parameters = _parameters(action)
    if parameters is None:
        yield _NO_PARAMETERS
        return
    yield from _string(parameters.get("display_text"), "display_text", LINK_BUTTON)
    yield from _url(parameters.get("url"), "url")


def _flow(action: Json) -> Iterator[Problem]:
    parameters = _parameters(action)
    if parameters is None:
        yield _NO_PARAMETERS
        return
    yield from _string(parameters.get("flow_cta"), "flow_cta", FLOW_BUTTON)
    if ("flow_id" in parameters) == ("flow_name" in parameters):
        yield Problem(INVALID, "Give either flow_id or flow_name")
    kind, payload = parameters.get("flow_action", "navigate"), parameters.get("flow_action_payload")
    if kind not in ("navigate", "data_exchange"):
        yield Problem(BAD_VALUE, "flow_action must be navigate or data_exchange")
    elif payload is not None and kind == "data_exchange":
        yield Problem(INVALID, "flow_action_payload belongs to navigate alone")
    elif payload is not None and (not isinstance(payload, dict) or not isinstance(payload.get("screen"), str)):
        yield Problem(MISSING, "The parameter flow_action_payload.screen is required")
    elif isinstance(payload, dict) and payload.get("data") == {}:
        yield Problem(INVALID, "flow_action_payload.data may be left out, but not be empty")


def _location_request(action: Json) -> Iterator[Problem]:
    if action.get("name") != "send_location":
        yield Problem(BAD_VALUE, "interactive.action.name must be send_location")


_ACTIONS: dict[str, Callable[[Json], Iterator[Problem]]] = {
    "button": _buttons,
    "list": _list,
    "cta_url": _link_button,
    "flow": _flow,
    "location_request_message": _location_request,
}
_CHECKS: dict[str, Callable[[Any], Iterator[Problem]]] = {
    "text": _text,
    **dict.fromkeys(("image", "video"), _media),
    **dict.fromkeys(("audio", "sticker"), partial(_media, caption=False)),
    "document": partial(_media, filename=True),
    "location": _location,
    "reaction": _reaction,
    "contacts": _contacts,
    "template": _template,
    "interactive": _interactive,
}
