"""Who signed a webhook, and so which numbers and accounts it may speak for. Knows no store and no door."""

from dataclasses import dataclass, field
from datetime import datetime

from api.whatsapp.signature import fitting
from sahut.events import AccountEvent, TemplateEvent, Unsupported, WebhookEvent
from sahut.ours import OurNumbers


@dataclass(frozen=True)
class Signer:
    """Whoever has these of our `secrets`; `foreign` gathers the numbers of ours that they spoke for in vain."""

    ours: OurNumbers
    secrets: frozenset[str] = field(repr=False)
    now: datetime
    foreign: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, body: bytes, signature: str | None, ours: OurNumbers, now: datetime) -> "Signer | None":
        """Who signed the raw body; `None` where none of our secrets fits."""
        secrets = fitting(body, signature, ours.secrets(now))
        return cls(ours, secrets, now) if secrets else None

    def serves(self, number: str) -> bool:
        """Whether a phone number id is ours and of their app."""
        serves = self.ours.serves(number, self.secrets, self.now)
        if not serves and self.ours.is_ours(number):
            self.foreign.add(number)
        return serves

    def own(self, event: WebhookEvent) -> WebhookEvent:
        """The event, where it is theirs to tell; news of another app's account are understood by nobody."""
        if not isinstance(event, AccountEvent | TemplateEvent):
            return event
        if self.ours.serves_account(event.account, self.secrets, self.now):
            return event
        return Unsupported(why="unserved_account", body=event.body)
