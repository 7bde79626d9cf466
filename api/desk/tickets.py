"""The case book: what an operator does with tickets, for REST and the pages alike. One transaction each, audited.

The customer hears of public words here, and only here. It knows neither HTTP nor pages.
"""

from datetime import datetime

from api.house import House
from api.whatsapp import outgoing
from api.whatsapp.clean import clean_text
from api.whatsapp.limits import TEXT_BODY
from sahut.errors import ConfigurationError
from sahut.models import Ticket, TicketStatus, TicketUpdate
from sahut.rules import Actor
from sahut.store import Tx, ticket_news, tickets
from sahut.text import cut
from tools.wording import say, status

# Room is left for the topic, the status and the link around an update's words.
LONGEST_UPDATE = 3500
_LONGEST_TOPIC = 80


class Cases:
    """A house's tickets as those see them who answer for the organisation. Methods raise `NotFound`."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def move(self, actor: Actor, ticket_id: str, status: TicketStatus) -> Ticket:
        """Change a ticket's status. Its page shows it; no message is sent."""
        async with self._house.store.transaction() as tx:
            return await tickets.change_status(tx, ticket_id, status, actor=actor, now=self._house.clock.now())

    async def add(self, actor: Actor, ticket_id: str, text: str, *, public: bool) -> TicketUpdate:
        """Add words. The customer reads public ones: on the ticket's page, and in the chat while the window is open.

        Raises `ConfigurationError` for words that cannot be added.
        """
        words = clean_text(text).strip()
        if not 0 < len(words) <= LONGEST_UPDATE:
            raise ConfigurationError(f"An update has 1 to {LONGEST_UPDATE} characters.")
        now = self._house.clock.now()
        async with self._house.store.transaction() as tx:
            ticket, update = await tickets.add_update(tx, ticket_id, actor=actor, text=words, public=public, now=now)
            told = public and await self._tell(tx, ticket, update, now)
        if told:
            await self._house.engine.wake("send", ticket.conversation_id)
        return update

    async def _tell(self, tx: Tx, ticket: Ticket, update: TicketUpdate, now: datetime) -> bool:
        """Queue a message about the update; whether the window let it."""
        text = say(
            "news",
            ticket.language,
            reference=ticket.reference,
            topic=cut(ticket.topic, _LONGEST_TOPIC),
            text=update.text,
            status=status(ticket.status, ticket.language),
        )
        link = self.link(ticket)
        if link:
            text += f"\n{say('link', ticket.language, link=link)}"
        text = cut(text, TEXT_BODY)
        body, margin = outgoing.text(text), self._house.margin
        return await ticket_news.tell(tx, ticket, update, text=text, body=body, margin=margin, now=now)

    def link(self, ticket: Ticket) -> str:
        """The address of the ticket's page; empty where the organisation has no public address."""
        return tickets.tracking_link(ticket, self._house.settings.public_url)
