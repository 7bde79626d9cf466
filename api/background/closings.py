"""The words of a session's end: the closing message with its three buttons, what a tap means, and the thanks for it.

It must not know when a session ends; the rules and the store do.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from agent.language.phrases import Key, say
from api.whatsapp import outgoing
from api.whatsapp.content import choice_of
from api.whatsapp.limits import INTERACTIVE_BODY
from sahut.events import Inbound
from sahut.ids import ConversationId
from sahut.models import Author, Conversation, Purpose
from sahut.ports import Clock
from sahut.store import Store, Tx, closings, outbox, tickets, turns
from sahut.store.ratings import Rating, rate
from sahut.store.rows import lock_conversation
from sahut.text import cut, utf16_length

SWEEP_LIMIT = 200
# By score, best first.
BUTTONS: tuple[tuple[int, Key], ...] = ((3, "closing_good"), (2, "closing_fair"), (1, "closing_bad"))
_BUTTON = re.compile(r"rating:([0-9a-zA-Z-]{1,64}):([123])", re.ASCII)


@dataclass(frozen=True)
class Closer:
    """Queues closing messages. `before`: how long before the end of its window an open conversation is closed.

    `guidance` tells who speaks from a number now. They show the way to the conversation's ticket where there is a
    `public_url`.
    """

    store: Store
    clock: Clock
    guidance: turns.Guide
    margin: timedelta
    before: timedelta
    public_url: str = ""

    async def look(self) -> list[ConversationId]:
        """Queue what is due; the conversations in which a closing message waits to be sent."""
        now = self.clock.now()
        async with self.store.reading() as tx:
            found = await closings.due(tx, now=now, margin=self.margin, before=self.before, limit=SWEEP_LIMIT)
        if not found:
            return []
        guidance = await self.guidance()
        return [conversation_id for conversation_id in found if await self._close(conversation_id, guidance)]

    async def _close(self, conversation_id: ConversationId, guidance: turns.GuidanceOf) -> bool:
        async with self.store.transaction() as tx:
            return await closings.close(
                tx,
                conversation_id,
                write=partial(self._write, guidance),
                now=self.clock.now(),
                margin=self.margin,
                before=self.before,
            )

    async def _write(
        self, guidance: turns.GuidanceOf, tx: Tx, conversation: Conversation, closing_id: str
    ) -> tuple[str, dict[str, Any]]:
        language, organisation = conversation.language or "en", guidance(conversation.number).organisation
        ticket = await tickets.newest(tx, conversation.id) if self.public_url else None
        link = tickets.tracking_link(ticket, self.public_url) if ticket else ""
        parts = [say("closing", language, organisation=organisation)]
        parts += [say("closing_tracking", language, link=link)] if link else []
        question = say("closing_question", language)
        text = cut("\n".join(parts), INTERACTIVE_BODY - utf16_length(question) - 2) + f"\n\n{question}"
        choices = [(f"rating:{closing_id}:{score}", say(key, language)) for score, key in BUTTONS]
        return text, outgoing.buttons(text, choices)


def rating_of(inbound: Inbound) -> Rating | None:
    """The rating that a message is: a tap on a button of a closing message, however old; `None` for all others."""
    found = _BUTTON.fullmatch(choice_of(inbound.body) or "")
    return Rating(found[1], int(found[2]), inbound.sent_at) if found else None


async def take_rating(tx: Tx, conversation_id: ConversationId, rating: Rating, clock: Clock) -> bool:
    """Store a tap and queue the thanks for it; whether there is something to send."""
    now = clock.now()
    conversation = await lock_conversation(tx, conversation_id)
    if conversation is None or not await rate(tx, conversation_id, rating, now=now):
        return False
    text = say("rating_thanks", conversation.language or "en")
    body = outgoing.text(text)
    thanks = outbox.draft(conversation, text=text, body=body, author=Author.ASSISTANT, purpose=Purpose.THANKS, now=now)
    tx.add(thanks)
    return True
