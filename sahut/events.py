"""What the webhook can bring, as typed values. Meta's JSON is turned into these by `api/whatsapp` and nowhere else."""

from datetime import datetime
from typing import Any, Literal

from sahut.values import Value

InboundKind = str
DeliveryState = Literal["sent", "delivered", "read", "failed"]


class File(Value):
    """A file that came with a message. `id` is Meta's, `None` where Meta itself could not take the file.

    `media_type` is without parameters, `sha256` as it was told (base64 or hex), `filename` as the sender chose it:
    nothing of it is to be trusted.
    """

    id: str | None = None
    media_type: str = ""
    sha256: str = ""
    filename: str = ""
    voice: bool = False
    animated: bool = False


class Referral(Value):
    """The advertisement or post that a customer came from: the first message after it may be a free entry point."""

    kind: str = ""
    id: str = ""
    url: str = ""
    headline: str = ""
    body: str = ""
    click_id: str = ""


class Names(Value):
    """What WhatsApp calls a person: phone digits, business-scoped user id, and that of linked portfolios."""

    phone: str | None = None
    user_id: str | None = None
    parent_user_id: str | None = None


class Inbound(Value):
    """A message from a customer.

    `phone` (digits) and `user_id` (business-scoped) name the sender; at least one is there. `text` is what can be
    read as words: a text's body, a caption, a button's title, an address. `sent_at` is the customer's timestamp.
    `opens_window` is false for system events and the like. `about` is the message that a reaction, an edit or a
    withdrawal is about; `emoji` is empty where a reaction is taken back. `choice` is the id behind a pressed button,
    `answers` what a form brought (`None`: unreadable or none). `group` is set in groups alone, where the phone is the
    member's. `standby`: somebody else owns the thread, and this is our copy.
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
    forwarded: bool = False
    opens_window: bool = True
    about: str | None = None
    emoji: str = ""
    choice: str | None = None
    answers: dict[str, Any] | None = None
    file: File | None = None
    referral: Referral | None = None
    group: str | None = None
    standby: bool = False
    body: dict[str, Any]

    @property
    def names(self) -> Names:
        return Names(phone=self.phone, user_id=self.user_id, parent_user_id=self.parent_user_id)


class Echo(Value):
    """A message that a human sent from the WhatsApp Business app, or another owner of the thread (`standby`).

    `names` are the customer's. The rest is as in `Inbound`.
    """

    number: str
    wamid: str
    names: Names
    kind: str = "text"
    text: str = ""
    sent_at: datetime
    about: str | None = None
    emoji: str = ""
    standby: bool = False
    body: dict[str, Any]


class IdentityChange(Value):
    """Meta says that a person is called otherwise now. `old` may be empty but for what the sender was named by.

    `wamid` is that of the system message which told it; `None` for an event of its own.
    """

    number: str
    old: Names
    new: Names
    name: str = ""
    at: datetime


class Call(Value):
    """A call of a customer (or to one). `event` is `connect` or `terminate`; a customer's own opens the window."""

    number: str
    id: str
    names: Names
    name: str = ""
    event: str = ""
    from_customer: bool = True
    status: str = ""
    duration_s: int | None = None
    at: datetime
    body: dict[str, Any]


class Handover(Value):
    """The thread with a customer passed to another owner. `ours`: it is ours now. `note` is what was said about why."""

    number: str
    names: Names
    ours: bool
    previous_role: str = ""
    new_role: str = ""
    note: str = ""
    at: datetime


class Preference(Value):
    """What a customer told WhatsApp that they want of us, such as no more marketing: `value` stop, resume, signup."""

    number: str
    names: Names
    name: str = ""
    category: str = ""
    value: str = ""
    at: datetime


class History(Value):
    """A part of the chats that the phone app had before the number came to us, or the error why there are none.

    `phase` and `part` say where it belongs, `progress` is in percent, `threads` and `messages` how many it brought.
    """

    number: str
    account: str
    phase: int | None = None
    part: int | None = None
    progress: int | None = None
    threads: int = 0
    messages: int = 0
    error_code: int | None = None
    error: str = ""
    body: dict[str, Any]


class AppContact(Value):
    """What a colleague calls somebody in the phone app's address book; `action` is add, edit or remove."""

    number: str
    names: Names
    name: str = ""
    action: str = ""
    at: datetime


class GroupEvent(Value):
    """News of a group: made, renamed, joined, left or closed. `members` are those whom it is about.

    `kind` is Meta's word for it, `id` ours, the same for the same news.
    """

    number: str
    id: str
    group: str
    kind: str
    subject: str = ""
    members: tuple[str, ...] = ()
    error: str = ""
    at: datetime
    body: dict[str, Any]


class Pricing(Value):
    """How Meta bills a message: `kind` regular, free_customer_service, free_entry_point; unknown ones occur."""

    kind: str = ""
    category: str = ""
    model: str = ""


class Delivery(Value):
    """A status of a message that we sent. `callback_id` is our own `biz_opaque_callback_data`, echoed.

    `free_until` is when Meta's free entry point ends, where it tells; `played`: a voice note of ours was heard.
    """

    number: str
    wamid: str
    state: DeliveryState
    at: datetime
    callback_id: str | None = None
    error_code: int | None = None
    error: str = ""
    pricing: Pricing | None = None
    free_until: datetime | None = None
    played: bool = False


class TemplateEvent(Value):
    """News of one template: of `status`, `quality` and `category` those are set that changed.

    `is_dated`: Meta said when.
    """

    account: str
    field: str
    id: str = ""
    name: str = ""
    language: str = ""
    status: str = ""
    quality: str = ""
    category: str = ""
    reason: str = ""
    at: datetime
    is_dated: bool = True
    body: dict[str, Any]


class AccountEvent(Value):
    """News of the account or of one of its numbers: quality, limits, restrictions, errors.

    `event` is Meta's word for what happened, `words` what else can be read, `number` the displayed number where told.
    """

    field: str
    account: str
    event: str = ""
    words: str = ""
    number: str = ""
    at: datetime
    is_dated: bool = True
    body: dict[str, Any]


class Unsupported(Value):
    """Something we do not understand or do not serve; `why` is a short word for the counter."""

    why: str
    body: Any


WebhookEvent = (
    Inbound
    | Echo
    | Delivery
    | IdentityChange
    | Call
    | Handover
    | Preference
    | History
    | AppContact
    | GroupEvent
    | TemplateEvent
    | AccountEvent
    | Unsupported
)
