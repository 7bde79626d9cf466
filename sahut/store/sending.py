"""The values that the outbox gives out and the outcomes come back with. Nothing here touches the database."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sahut.ids import ConversationId, MessageId
from sahut.models import State


@dataclass(frozen=True)
class Attempt:
    """One try at one message. `attempt` counts its claims so far; `tries` how often it was put off for `error_code`."""

    id: MessageId
    conversation_id: ConversationId
    number: str
    attempt: int
    since: datetime
    tries: int
    error_code: int | None

    def tries_under(self, code: int | None) -> int:
        """How often this message was put off for the same reason in a row, this time included."""
        return self.tries + 1 if code == self.error_code else 1

    @property
    def open_states(self) -> tuple[State, ...]:
        """Where the message stands while what became of this try is not known."""
        return (State.SENDING, State.UNKNOWN)


@dataclass(frozen=True)
class Upload(Attempt):
    """A message whose file Meta must have first: the message waits where it is, for the time that an upload may take.

    `hash` names the bytes, `root` and `path` where they were learned. An upload that is made twice does no harm.
    """

    hash: str
    media_type: str
    root: str
    path: str

    @property
    def open_states(self) -> tuple[State, ...]:
        return (State.QUEUED, State.UNKNOWN)


@dataclass(frozen=True)
class Sending(Attempt):
    """A message whose POST may now be made: `state` is committed as `sending`.

    `body` is Meta's message object without recipient; `phone` (digits), `user_id` or `group` names the recipient;
    `quote` is the wamid to be quoted; `callback_id` comes back in every status. `attempt` and `since` name this claim;
    `file` is the hash of the file that it carries. It may leave `at` this moment, not before.
    """

    body: dict[str, Any]
    phone: str | None
    user_id: str | None
    group: str | None
    quote: str | None
    callback_id: str
    file: str | None
    at: datetime


@dataclass(frozen=True)
class Rest:
    """Nothing of the conversation may leave now, or not before `until`, where that is known.

    `undone`: a customer's message there waits for an answer.
    """

    conversation_id: ConversationId
    undone: bool
    until: datetime | None = None


Step = Sending | Upload | Rest
