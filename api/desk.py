"""The desk: what an operator does, for REST and the pages alike. One transaction each, audited, the engine woken.

It decides nothing itself: who may act and what may be sent is said by the rules. It knows neither HTTP nor pages.
"""

from datetime import datetime
from typing import Any

from api.house import House
from api.whatsapp import outgoing
from api.whatsapp.clean import clean_text
from api.whatsapp.limits import TEXT_BODY
from sahut import rules
from sahut.errors import ConfigurationError, Forbidden
from sahut.ids import ConversationId, HandoffId
from sahut.models import Author, Conversation, Handoff, Message, Note, Purpose
from sahut.rules import Actor
from sahut.store import handoffs, lists, operators, outbox

Json = dict[str, Any]
PARTS_MOST = 10
NOTE_MOST = 4096


class Desk:
    """A house as those see it who answer for the organisation.

    Every method raises `NotFound` where there is no such row, and `Conflict` where somebody else holds the
    conversation and the actor is not set over them. Then nothing has changed.
    """

    def __init__(self, house: House) -> None:
        self._house = house

    async def claim(self, actor: Actor, handoff_id: str) -> Handoff:
        """Take a waiting request. Of all who try only the first wins; the others get `Conflict`."""
        async with self._house.store.transaction() as tx:
            return await handoffs.claim(tx, HandoffId(handoff_id), actor=actor, now=self._now())

    async def take_over(self, actor: Actor, conversation_id: str) -> None:
        """Hold a conversation from now on, whoever held it."""
        async with self._house.store.transaction() as tx:
            await handoffs.take_over(tx, ConversationId(conversation_id), actor=actor, now=self._now())

    async def reply(self, actor: Actor, conversation_id: str, text: str) -> list[Message]:
        """Queue a text, in several messages where it is too long for one. Nobody's conversation becomes the actor's.

        Raises `ConfigurationError` for a text that cannot be sent, `Forbidden` while the window is closed.
        """
        parts = outgoing.parted(clean_text(text), TEXT_BODY)
        if not parts:
            raise ConfigurationError("Write something first: the message is empty.")
        if len(parts) > PARTS_MOST:
            raise ConfigurationError(f"Too long: at most {PARTS_MOST} messages of {TEXT_BODY} characters at once.")
        return await self.send(actor, conversation_id, [outgoing.text(part) for part in parts])

    async def send(self, actor: Actor, conversation_id: str, bodies: list[Json]) -> list[Message]:
        """Queue messages in Meta's own shape, valid ones (`content_problem`); else as `reply`."""
        now = self._now()
        async with self._house.store.transaction() as tx:
            conversation = await handoffs.speak(tx, ConversationId(conversation_id), actor=actor, now=now)
            for body in bodies:
                self._check_window(conversation, body["type"], now)
            messages = [_draft(conversation, body, actor, now) for body in bodies]
            tx.add_all(messages)
        await self._house.engine.wake("send", conversation_id)
        return messages

    async def note(self, actor: Actor, conversation_id: str, text: str) -> Note:
        """Leave a word for colleagues; whoever may see the conversation may do so."""
        words = clean_text(text).strip()
        if not 0 < len(words) <= NOTE_MOST:
            raise ConfigurationError(f"A note has 1 to {NOTE_MOST} characters.")
        note = Note(conversation_id=conversation_id, author_name=actor.name, text=words, created_at=self._now())
        async with self._house.store.transaction() as tx:
            await lists.get(tx, Conversation, conversation_id)
            tx.add(note)
            handoffs.audit(tx, actor, "note", conversation_id, note.created_at)
        return note

    async def give_back(self, actor: Actor, conversation_id: str) -> None:
        """The assistant answers again, from the next message on."""
        async with self._house.store.transaction() as tx:
            await handoffs.give_back(tx, ConversationId(conversation_id), actor=actor, now=self._now())

    async def resolve(self, actor: Actor, conversation_id: str, note: str = "") -> None:
        """The matter is closed; the note is for colleagues."""
        words = clean_text(note).strip()
        if len(words) > NOTE_MOST:
            raise ConfigurationError(f"A note has at most {NOTE_MOST} characters.")
        async with self._house.store.transaction() as tx:
            await handoffs.resolve(tx, ConversationId(conversation_id), actor=actor, note=words, now=self._now())

    async def mark_spam(self, actor: Actor, conversation_id: str) -> None:
        """Quarantine the conversation."""
        async with self._house.store.transaction() as tx:
            await handoffs.mark_spam(tx, ConversationId(conversation_id), actor=actor, now=self._now())

    async def unmark_spam(self, actor: Actor, conversation_id: str) -> None:
        """Undo the quarantine; the assistant takes up what was kept from it."""
        async with self._house.store.transaction() as tx:
            await handoffs.mark_not_spam(tx, ConversationId(conversation_id), actor=actor, now=self._now())
        await self._house.engine.wake("turn", conversation_id)

    async def assign(self, actor: Actor, conversation_id: str, operator: str) -> None:
        """Give the conversation to an operator, named by id or e-mail address, who may work."""
        async with self._house.store.transaction() as tx:
            to = operators.actor_of(await operators.named(tx, operator))
            await handoffs.assign(tx, ConversationId(conversation_id), to=to, actor=actor, now=self._now())

    def _now(self) -> datetime:
        return self._house.clock.now()

    def _check_window(self, conversation: Conversation, kind: str, now: datetime) -> None:
        window = rules.Window(conversation.window_opened_at, conversation.window_closed_at)
        if kind != "template" and not window.is_open(now, self._house.margin):
            raise Forbidden(
                "The 24-hour window is closed, so only a template may be sent until the customer writes again."
            )


def _draft(conversation: Conversation, body: Json, actor: Actor, now: datetime) -> Message:
    return outbox.draft(
        conversation,
        text=_readable(body),
        body=body,
        author=Author.OPERATOR,
        author_name=actor.name,
        purpose=Purpose.OPERATOR,
        now=now,
    )


def _readable(body: Json) -> str:
    """The words of an outgoing message, for the history."""
    content = body.get(body["type"])
    if not isinstance(content, dict):
        return ""
    inner = content.get("body")
    return str(inner.get("text", "")) if isinstance(inner, dict) else str(inner or content.get("caption", ""))
