"""The customers of the double: people with a phone who write, and see what was sent to them; knows no HTTP."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from api.simulator.shapes import Json


@dataclass
class Sent:
    """A message that the double took. `window_open` is how Meta saw the window at that moment.

    `to` is the recipient as given (`+digits` or a business-scoped user id), `status` the last one that was told.
    """

    at: datetime
    number: str
    to: str
    body: Json
    callback: str | None
    wamid: str
    window_open: bool
    status: str = "accepted"
    error_code: int | None = None

    @property
    def kind(self) -> str:
        return str(self.body.get("type", "text"))

    @property
    def text(self) -> str:
        """The words that the customer reads: a text's body, a question's body, a caption."""
        content = self.body.get(self.kind)
        if not isinstance(content, dict):
            return ""
        body = content.get("body", content.get("caption", ""))
        return str(body.get("text", "")) if isinstance(body, dict) else str(body)

    @property
    def choices(self) -> list[str]:
        """The titles that can be tapped: of buttons, or of a list's rows."""
        content = self.body.get("interactive")
        action = content.get("action", {}) if isinstance(content, dict) else {}
        rows = [row for section in action.get("sections", []) for row in section["rows"]]
        return [str(one["title"]) for one in [*(button["reply"] for button in action.get("buttons", [])), *rows]]

    @property
    def quotes(self) -> str | None:
        """The wamid of the message that this one answers."""
        context = self.body.get("context")
        return context.get("message_id") if isinstance(context, dict) else None


class _Network(Protocol):
    """What a customer needs of the double."""

    sent: list[Sent]

    def customer_writes(self, customer: "Customer", message: Json, wamid: str | None, at: datetime | None) -> Json: ...

    def is_for(self, sent: Sent, customer: "Customer") -> bool: ...


@dataclass(eq=False)
class Customer:
    """One person. `phone` is digits and may be missing when `user_id` (business-scoped) is there."""

    phone: str | None
    name: str
    user_id: str | None
    network: _Network = field(repr=False)
    deliver: Callable[..., Awaitable[None]] = field(repr=False)

    @property
    def key(self) -> str:
        """What the double knows them by."""
        return self.phone or self.user_id or ""

    @property
    def contact(self) -> Json:
        """Their entry in a webhook's `contacts[]`."""
        ids = {"wa_id": self.phone, "user_id": self.user_id}
        return {"profile": {"name": self.name}, **{key: value for key, value in ids.items() if value}}

    @property
    def received(self) -> list[Sent]:
        """What the service sent to them, in the order in which the double took it; the failed are not seen."""
        return [s for s in self.network.sent if self.network.is_for(s, self) and s.status != "failed"]

    def text(self, body: str, *, wamid: str | None = None, at: datetime | None = None, quote: str = "") -> Json:
        """A text message, written at `at` but not yet delivered: for `double.payload_of`."""
        return self.message("text", {"body": body}, wamid=wamid, at=at, quote=quote)

    def message(
        self,
        kind: str,
        content: Any = None,
        *,
        wamid: str | None = None,
        at: datetime | None = None,
        quote: str = "",
    ) -> Json:
        """A message of any kind, its content under the kind's name, not yet delivered; `quote` a wamid of ours."""
        body: Json = {"type": kind} if content is None else {"type": kind, kind: content}
        if quote:
            body["context"] = {"id": quote}
        return self.network.customer_writes(self, body, wamid, at)

    def presses(self, button_id: str, title: str, *, quote: str = "") -> Json:
        """A pressed reply button, not yet delivered."""
        content = {"type": "button_reply", "button_reply": {"id": button_id, "title": title}}
        return self.message("interactive", content, quote=quote)

    def chooses(self, row_id: str, title: str, *, quote: str = "") -> Json:
        """A chosen row of a list, not yet delivered."""
        content = {"type": "list_reply", "list_reply": {"id": row_id, "title": title}}
        return self.message("interactive", content, quote=quote)

    async def says(self, body: str, *, wamid: str | None = None, at: datetime | None = None) -> str:
        """Write a text and have it delivered; its wamid. A webhook that the service refuses is brought again."""
        return await self.sends(self.text(body, wamid=wamid, at=at))

    async def sends(self, message: Json) -> str:
        """Have a message delivered; its wamid."""
        await self.deliver(message)
        return str(message["id"])
