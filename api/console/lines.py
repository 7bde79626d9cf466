"""What the components draw of a conversation's lines, their files, and the templates beside them. Pure, as `views`."""

from collections.abc import Sequence
from typing import Any

from api.console.views import BASE, NAME, ms
from api.whatsapp.content import details_of
from api.whatsapp.sniff import INLINE
from sahut import templates
from sahut.models import InboundFile, MediaState, Template
from sahut.rules import Actor
from sahut.store import desk

Json = dict[str, Any]
# More templates than this are found by name in no list.
TEMPLATES = 100
# Of a file's text the page shows the beginning; the file itself is a click away.
TEXT = 2000


def line(item: desk.Line, actor: Actor) -> Json:
    """One message or note."""
    answers = item.decision in ("reply", "clarify")
    return {
        "id": item.id,
        "order": item.id,
        "author": "note" if item.is_note else item.author,
        "name": item.author_name,
        "mine": item.author == "operator" and item.author_name == actor.name,
        "kind": "text" if item.is_note else item.kind,
        "text": item.text,
        "at": ms(item.created_at),
        "state": item.state,
        "error": item.error,
        "code": item.error_code,
        "confidence": item.confidence if answers else None,
        "verdict": item.verdict if answers or item.verdict != "fine" else None,
        "citations": [{"id": cited.id, "title": cited.document, "quote": cited.quote} for cited in item.cited],
        "buttons": _choices(item.body),
        "edited": ms(item.edited_at),
        "revoked": ms(item.revoked_at),
        "reaction": item.reaction,
        "file": None if item.file is None else _file(item.file),
        "details": [f"{name}: {value}" for name, value in details_of(item.body)],
    }


def _file(file: InboundFile) -> Json:
    """A customer's file: how it may be shown (`as`: image, audio, video, save), or why it is not there."""
    gone = file.state in (MediaState.LOST, MediaState.REFUSED, MediaState.FORGOTTEN)
    family = file.media_type.partition("/")[0]
    return {
        "href": "" if gone else f"{BASE}/files/{file.message_id}",
        "as": family if file.state == MediaState.KEPT and file.media_type in INLINE else "save",
        "name": file.filename[:NAME] or "Open the file",
        "kb": round(file.size_bytes / 1024),
        "error": file.error if gone or not file.text else "",
        "text": file.text[:TEXT] if not file.media_type.startswith("audio/") else "",
    }


def _choices(body: Json) -> list[str]:
    """The titles of buttons or list rows of an outgoing question."""
    interactive = body.get("interactive")
    action = interactive.get("action") if isinstance(interactive, dict) else None
    if not isinstance(action, dict):
        return []
    buttons = [one.get("reply") for one in action.get("buttons", []) if isinstance(one, dict)]
    rows = [row for part in action.get("sections", []) if isinstance(part, dict) for row in part.get("rows", [])]
    return [str(one.get("title", "")) for one in [*buttons, *rows] if isinstance(one, dict)]


def offered(known: Sequence[Template], language: str) -> list[Json]:
    """The templates that may be sent while the window is closed, the likeliest first."""
    return [
        {
            "id": one.id,
            "name": f"{one.name} ({one.language})",
            "text": templates.preview(one),
            "slots": [{"key": slot.key, "label": f"{slot.part} {slot.name}"} for slot in templates.slots(one)],
        }
        for one in templates.in_order(known, language)[:TEMPLATES]
    ]
