"""Makes turns out of plain conversations (`ask`, `chat`, evals), as the store makes them out of messages.

Pure: it must not know a database, a channel, or how a turn is answered.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sahut.errors import ConfigurationError
from sahut.forms import Filling
from sahut.ids import ContactId, ConversationId, MessageId, TurnId, new_id
from sahut.turn import HISTORY_LINES, Guidance, Incoming, Line, Reply, Turn


def turn_from_text(text: str, *, now: datetime, guidance: Guidance | None = None, language: str | None = None) -> Turn:
    """The first turn of a fresh conversation. Raises `ConfigurationError` where `text` is blank."""
    return turn_from_messages([{"role": "user", "content": text}], now=now, guidance=guidance, language=language)


def turn_from_messages(
    messages: Sequence[Mapping[str, Any]],
    *,
    now: datetime,
    guidance: Guidance | None = None,
    language: str | None = None,
) -> Turn:
    """A turn from `[{"role": "user" or "assistant", "content": "..."}, ...]`, oldest first, with fresh ids.

    The user messages at the end are the burst to be answered, everything before them is history. Other keys of a
    message are ignored. Raises `ConfigurationError` where `messages` is no list and, naming the message by its
    place (from 1), where a role is another, a content is not text or is blank, or the conversation does not end with
    the user.
    """
    lines = _lines(messages)
    if not lines:
        raise ConfigurationError("The conversation is empty: give at least one message of the user.")
    if lines[-1].role != "user":
        raise ConfigurationError("The conversation ends with the assistant: the last message must be the user's.")
    start = len(lines)
    while start and lines[start - 1].role == "user":
        start -= 1
    return Turn(
        id=TurnId(new_id()),
        conversation_id=ConversationId(new_id()),
        contact_id=ContactId(new_id()),
        language=language,
        history=tuple(lines[:start][-HISTORY_LINES:]),
        burst=tuple(_incoming(line.content) for line in lines[start:]),
        now=now,
        guidance=guidance or Guidance(),
    )


def next_turn(turn: Turn, reply: Reply, *texts: str, now: datetime | None = None) -> Turn:
    """The turn after `reply`, answering the user's next `texts` (several texts are one burst).

    As in the store: lines without text leave no history, the language is the reply's, only a confirmation that this
    reply proposed still waits, and a form goes on until it ends, and
    what the user said of themselves is known. `now` stays the turn's unless given. Raises
    `ConfigurationError` where a text is blank or none is given.
    """
    if not texts or not all(text.strip() for text in texts):
        raise ConfigurationError("The user's next message is empty.")
    said = [Line(role="user", content=message.text) for message in turn.burst if message.text]
    if reply.text:
        said.append(Line(role="assistant", content=reply.text, author="assistant"))
    return turn.model_copy(
        update={
            "id": TurnId(new_id()),
            "language": reply.language,
            "history": (*turn.history, *said)[-HISTORY_LINES:],
            "burst": tuple(_incoming(text) for text in texts),
            "confirmation": reply.confirmation if reply.decision == "clarify" else None,
            "known": (*turn.known, *reply.remembered),
            "overheard": (),
            "filling": _open(reply.filling or turn.filling),
            "now": now or turn.now,
        }
    )


def _open(filling: Filling | None) -> Filling | None:
    return filling if filling and filling.state == "open" else None


def _incoming(text: str) -> Incoming:
    return Incoming(id=MessageId(new_id()), text=text)


def _lines(messages: Any) -> list[Line]:
    if not isinstance(messages, Sequence) or isinstance(messages, str | bytes):
        raise ConfigurationError('The messages must be a list of objects like {"role": "user", "content": "..."}.')
    return [_line(message, place) for place, message in enumerate(messages, start=1)]


def _line(message: Any, place: int) -> Line:
    if not isinstance(message, Mapping):
        raise ConfigurationError(f'Message {place} is not an object like {{"role": "user", "content": "..."}}.')
    role, content = message.get("role"), message.get("content")
    if role not in ("user", "assistant"):
        raise ConfigurationError(f'Message {place}: the role must be "user" or "assistant", not {role!r}.')
    if not isinstance(content, str):
        raise ConfigurationError(f"Message {place}: `content` must be a text.")
    if not content.strip():
        raise ConfigurationError(f"Message {place}: `content` is empty.")
    if role == "user":
        return Line(role="user", content=content)
    return Line(role="assistant", content=content, author="assistant")
