"""Meta's message object as REST describes it to those who generate clients. The check itself is `api/whatsapp/limits`.

The description is looser than the check: whoever keeps to it can still be told what Meta would refuse.
"""

from typing import Annotated, Any

from fastapi import Body

from api.whatsapp import limits

Json = dict[str, Any]


def _object(required: tuple[str, ...] = (), /, **properties: Json) -> Json:
    return {"type": "object", "properties": properties, **({"required": list(required)} if required else {})}


def _words(most: int) -> Json:
    return {"type": "string", "minLength": 1, "maxLength": most}


def _media(**more: Json) -> Json:
    """A file by Meta's (or, with `sahut:`, our) id or by its link."""
    return {
        **_object(id=_words(512), link=_words(limits.URL), **more),
        "oneOf": [{"required": ["id"]}, {"required": ["link"]}],
    }


_TEXT = _words(limits.INTERACTIVE_BODY)
_CONTENT: dict[str, Json] = {
    "text": _object(("body",), body=_words(limits.TEXT_BODY), preview_url={"type": "boolean"}),
    "image": _media(caption=_words(limits.CAPTION)),
    "video": _media(caption=_words(limits.CAPTION)),
    "audio": _media(),
    "sticker": _media(),
    "document": _media(caption=_words(limits.CAPTION), filename=_words(limits.FILENAME)),
    "location": _object(
        ("latitude", "longitude"),
        latitude={"type": "number", "minimum": -90, "maximum": 90},
        longitude={"type": "number", "minimum": -180, "maximum": 180},
        name={"type": "string"},
        address={"type": "string"},
    ),
    "reaction": _object(("message_id", "emoji"), message_id=_words(512), emoji={"type": "string"}),
    "contacts": {
        "type": "array",
        "minItems": 1,
        "maxItems": 257,
        "items": _object(("name",), name=_object(("formatted_name",), formatted_name=_words(512))),
    },
    "template": _object(
        ("name", "language"),
        name=_words(512),
        language=_object(("code",), code={"type": "string"}),
        components={"type": "array", "items": {"type": "object"}},
    ),
    "interactive": _object(
        ("type", "body", "action"),
        type={"enum": ["button", "list", "cta_url", "flow", "location_request_message"]},
        header={"type": "object"},
        body=_object(("text",), text=_TEXT),
        footer=_object(("text",), text=_words(limits.FOOTER)),
        action={"type": "object"},
    ),
}
_CONTEXT = {
    **_object(("message_id",), message_id=_words(512)),
    "description": "the message that is quoted, by its `wamid`",
}


def _kind(name: str, content: Json) -> Json:
    # Text is what is meant where no type is given.
    required = (name,) if name == "text" else ("type", name)
    shape = _object(required, type={"const": name}, context=_CONTEXT, **{name: content})
    return {"title": f"{name.capitalize()}Message", **shape, "additionalProperties": False}


SCHEMA: Json = {"oneOf": [_kind(name, content) for name, content in _CONTENT.items()]}

MetasMessage = Annotated[
    Json,
    Body(description="Meta's message object without what Sahut fills in (the recipient).", json_schema_extra=SCHEMA),
]
