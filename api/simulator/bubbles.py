"""Turns Meta's message objects, in either direction, into what a phone shows; pure, knows no network.

A bubble is plain JSON for the page: words are words and never markup, and what is not known is named.
"""

from typing import Any

from api.simulator.shapes import Json
from api.whatsapp.clean import child, clean_text, objects

MEDIA = frozenset({"image", "video", "audio", "document", "sticker"})
TEXT_SHOWN = 65_536


def bubble_of(message: Json) -> Json:
    """`kind`, `text` and, where they are there, `media`, `location`, `header`, `footer`, `buttons`, `list`."""
    kind = message.get("type", "text")
    kind = kind if isinstance(kind, str) else "unknown"
    content = message.get(kind)
    content = content if isinstance(content, dict) else {}
    if kind == "interactive":
        return {"kind": kind, **_interactive(content)}
    if kind in MEDIA:
        return {"kind": kind, "text": _words(content.get("caption")), "media": _media(content)}
    if kind == "location":
        return {"kind": kind, "text": "", "location": _location(content)}
    if kind == "template":
        return {"kind": kind, "text": _template(content)}
    return {"kind": kind, "text": _words(content.get("body", content.get("text")))}


def choices_of(message: Json) -> dict[str, Json]:
    """What can be tapped in a message of the service: id -> Meta's `interactive` reply for it."""
    interactive = child(message, "interactive")
    action = child(interactive, "action")
    replies = {
        str(reply.get("id")): _reply("button_reply", reply)
        for reply in (child(button, "reply") for button in objects(action, "buttons"))
    }
    rows = [row for section in objects(action, "sections") for row in objects(section, "rows")]
    return replies | {str(row.get("id")): _reply("list_reply", row) for row in rows}


def summary_of(message: Json) -> str:
    """A message in a line: its words, or its kind where it has none."""
    bubble = bubble_of(message)
    return bubble["text"] or f"({bubble['kind']})"


def _reply(kind: str, chosen: Json) -> Json:
    keys = ("id", "title", "description") if kind == "list_reply" else ("id", "title")
    return {"type": kind, kind: {key: chosen[key] for key in keys if key in chosen}}


def _words(value: Any) -> str:
    return clean_text(value, TEXT_SHOWN)


def _media(content: Json) -> Json:
    return {
        "id": _words(content.get("id")),
        "link": _words(content.get("link")),
        "name": _words(content.get("filename")),
        "mime": _words(content.get("mime_type")),
        "voice": content.get("voice") is True,
    }


def _location(content: Json) -> Json:
    return {
        "latitude": content.get("latitude"),
        "longitude": content.get("longitude"),
        "name": _words(content.get("name")),
        "address": _words(content.get("address")),
    }


def _template(content: Json) -> str:
    """A template's name and the values put into it; its words are Meta's to know."""
    components = objects(content, "components")
    values = [_words(item.get("text")) for part in components for item in objects(part, "parameters")]
    return " · ".join([f"[{_words(content.get('name'))}]", *filter(None, values)])


def _interactive(content: Json) -> Json:
    """A question of the service with its choices, or a customer's choice."""
    chosen = child(content, str(content.get("type")))
    if chosen:
        return {"text": _words(chosen.get("title")) or _words(chosen.get("body"))}
    action, header = child(content, "action"), child(content, "header")
    parameters = child(action, "parameters")
    shown = {
        "header": _words(header.get("text")),
        "media": _media(child(header, str(header.get("type")))) if header.get("type") in MEDIA else None,
        "footer": _words(child(content, "footer").get("text")),
        "buttons": [_choice(child(button, "reply")) for button in objects(action, "buttons")],
        "list": _list(action) if objects(action, "sections") else None,
        "link": {"title": _words(parameters.get("display_text")), "url": _words(parameters.get("url"))}
        if content.get("type") == "cta_url"
        else None,
    }
    return {"text": _words(child(content, "body").get("text")), **{k: v for k, v in shown.items() if v}}


def _list(action: Json) -> Json:
    sections = [
        {"title": _words(section.get("title")), "rows": [_choice(row) for row in objects(section, "rows")]}
        for section in objects(action, "sections")
    ]
    return {"button": _words(action.get("button")), "sections": sections}


def _choice(item: Json) -> Json:
    return {key: _words(item.get(key)) for key in ("id", "title", "description") if item.get(key)}
