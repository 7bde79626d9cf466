"""Builds message objects in Meta's shape, pure; sends nothing and knows no conversation.

The results are `sahut.ports.Channel.send` bodies: no `messaging_product`, which the client adds.
"""

from collections.abc import Sequence
from typing import Any

from api.whatsapp.limits import Json, Problem, content_problem, utf16_length


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


def fitted(words: str, most: int) -> str:
    """`words` within `most` UTF-16 units, with a mark where the end was left out."""
    if utf16_length(words) <= most:
        return words
    cut = words.encode("utf-16-le", "surrogatepass")[: 2 * (most - 1)]
    return cut.decode("utf-16-le", "ignore").rstrip() + "…"


def addressed(
    content: Json,
    *,
    callback_id: str,
    phone: str | None = None,
    user_id: str | None = None,
    quote: str | None = None,
) -> Json:
    """`content` with its recipient, our callback id and, if given, the wamid that it quotes.

    `phone` is digits; Meta needs the plus, else it may prepend our own country code. Without a phone the
    business-scoped `user_id` is addressed, unaltered. Raises `ValueError` with neither.
    """
    if not (phone or user_id):
        raise ValueError("a message needs a phone number or a business-scoped user id")
    recipient = {"to": f"+{phone.removeprefix('+')}"} if phone else {"recipient": user_id}
    context = {"context": {"message_id": quote}} if quote else {}
    return {
        "recipient_type": "individual",
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
