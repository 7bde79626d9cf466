"""The values that the outbox gives out and the outcomes come back with. Nothing here touches the database."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sahut.ids import ConversationId, MessageId


@dataclass(frozen=True)
class Sending:
    """A message whose POST may now be made: `state` is committed as `sending`.

    `body` is Meta's message object without recipient; `phone` (digits) or `user_id` names the recipient; `quote` is
    the wamid to be quoted; `callback_id` comes back in every status. `attempt` and `since` name this POST; `tries`
    counts how often it was put off under `error_code`.
    """

    id: MessageId
    conversation_id: ConversationId
    number: str
    body: dict[str, Any]
    phone: str | None
    user_id: str | None
    quote: str | None
    callback_id: str
    attempt: int
    since: datetime
    tries: int
    error_code: int | None

    def tries_under(self, code: int | None) -> int:
        """How often this message was put off for the same reason in a row, this time included."""
        return self.tries + 1 if code == self.error_code else 1


@dataclass(frozen=True)
class Rest:
    """Nothing of the conversation may leave now. `undone`: a customer's message there waits for an answer."""

    undone: bool
