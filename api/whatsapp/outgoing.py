"""Builds message objects in Meta's shape, pure; sends nothing and knows no conversation.

The results are `sahut.ports.Channel.send` bodies: no `messaging_product`, which the client adds.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from api.whatsapp.limits import Json, Problem, content_problem
from sahut.text import utf16_length


def text(body: str) -> Json:
    """A text message of 1 to 4096 UTF-16 units. No preview: links in answers are for reading, not for show.

    Raises `ValueError` beyond the limits.
    """
    return _checked({"type": "text", "text": {"body": body, "preview_url": False}})


def buttons(body: str, choices: Sequence[tuple[str, str]], *, header: str = "", footer: str = "") -> Json:
    """A question with 1 to 3 reply buttons; `choices` are (id, title) pairs, titles up to 20 units.

    Raises `ValueError` beyond the limits.
    """
    interactive: dict[str, Any] = {
        "type": "button",
        "body": {"text": body},
        "action": {"buttons": [{"type": "reply", "reply": {"id": i, "title": t}} for i, t in choices]},
    }
    if header:
        interactive["header"] = {"type": "text", "text": header}
    if footer:
        interactive["footer"] = {"text": footer}
    return _checked({"type": "interactive", "interactive": interactive})


def menu(body: str, button: str, rows: Sequence[tuple[str, str]]) -> Json:
    """A question with a list of 1 to 10 rows behind a button; `rows` are (id, title) pairs, titles up to 24 units.

    Raises `ValueError` beyond the limits.
    """
    sections = [{"rows": [{"id": i, "title": t} for i, t in rows]}]
    interactive = {"type": "list", "body": {"text": body}, "action": {"button": button, "sections": sections}}
    return _checked({"type": "interactive", "interactive": interactive})


def document(media_id: str, filename: str, caption: str) -> Json:
    """A file with a caption of up to 1024 units. Raises `ValueError` beyond the limits."""
    return _checked({"type": "document", "document": {"id": media_id, "filename": filename, "caption": caption}})


def image(media_id: str, caption: str) -> Json:
    """A picture with a caption of up to 1024 units. Raises `ValueError` beyond the limits."""
    return _checked({"type": "image", "image": {"id": media_id, "caption": caption}})


# Where a long text may be parted, the best border first.
_JOINER = "\u200d"
_BORDERS = (re.compile(r"\n\s*\n"), re.compile(r"\n"), re.compile(r"[.!?…。！？؟][\"'”’»)]*\s+"), re.compile(r"\s+"))


def parted(words: str, most: int) -> list[str]:
    """`words` in parts of at most `most` UTF-16 units, cut between paragraphs, lines, sentences or words.

    A border in the first half of a part is passed over for a lesser one further on. Only white space at the borders is
    left out.
    """
    parts, rest = [], words.strip()
    while utf16_length(rest) > most:
        fits = len(rest.encode("utf-16-le", "surrogatepass")[: 2 * most].decode("utf-16-le", "ignore"))
        end = _best_end(rest, fits)
        parts.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return [*parts, rest] if rest else parts


def _best_end(words: str, most: int) -> int:
    for border in _BORDERS:
        ends = [found.end() for found in border.finditer(words, most // 2, most)]
        if ends:
            return ends[-1]
    # One endless word: marks and joined emoji stay with what they belong to.
    nearby = range(most, max(most - 40, 1), -1)
    return next((end for end in nearby if not _joins(words[end]) and words[end - 1] != _JOINER), most)


def _joins(char: str) -> bool:
    is_tone, is_variant = "\U0001f3fb" <= char <= "\U0001f3ff", "\ufe00" <= char <= "\ufe0f"
    return unicodedata.combining(char) > 0 or is_tone or is_variant or char == _JOINER


def addressed(
    content: Json,
    *,
    callback_id: str,
    phone: str | None = None,
    user_id: str | None = None,
    group: str | None = None,
    quote: str | None = None,
) -> Json:
    """`content` with its recipient, our callback id and, if given, the wamid that it quotes.

    `phone` is digits; Meta needs the plus, else it may prepend our own country code. Without a phone the
    business-scoped `user_id` is addressed, unaltered. Raises `ValueError` with neither.
    """
    if not (phone or user_id or group):
        raise ValueError("a message needs a phone number or a business-scoped user id")
    recipient = {"to": f"+{phone.removeprefix('+')}"} if phone else {"recipient": user_id}
    if group is not None:
        recipient = {"to": group}
    context = {"context": {"message_id": quote}} if quote else {}
    return {
        "recipient_type": "individual" if group is None else "group",
        **recipient,
        **context,
        **content,
        "biz_opaque_callback_data": callback_id,
    }


def _checked(content: Json) -> Json:
    problem: Problem | None = content_problem(content)
    if problem is not None:
        raise ValueError(problem.message)
    return content
