"""What the webhook can bring, as typed values. Meta's JSON is turned into these by `api/whatsapp` and nowhere else."""

from datetime import datetime
from typing import Any, Literal

from sahut.turn import Value

InboundKind = str
DeliveryState = Literal["sent", "delivered", "read", "failed"]


class Inbound(Value):
    """A message from a customer.

    `phone` (digits) and `user_id` (business-scoped) name the sender; at least one is there. `text` is what can be
    read as words: a text's body, a caption, a button's title. `sent_at` is the customer's timestamp. `opens_window`
    is false for system events and the like.
    """

    number: str
    wamid: str
    phone: str | None = None
    user_id: str | None = None
    parent_user_id: str | None = None
    name: str = ""
    kind: InboundKind = "text"
    text: str = ""
    sent_at: datetime
    context_wamid: str | None = None
    opens_window: bool = True
    body: dict[str, Any]


class Delivery(Value):
    """A status of a message that we sent. `callback_id` is our own `biz_opaque_callback_data`, echoed."""

    number: str
    wamid: str
    state: DeliveryState
    at: datetime
    callback_id: str | None = None
    error_code: int | None = None
    error: str = ""


class AccountEvent(Value):
    """News of the account: templates, quality, restrictions."""

    field: str
    account: str
    body: dict[str, Any]


class Unsupported(Value):
    """Something we do not understand or do not serve; `why` is a short word for the counter."""

    why: str
    body: Any


WebhookEvent = Inbound | Delivery | AccountEvent | Unsupported
