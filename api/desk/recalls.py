"""Recalls: answers that the documents do not bear out any more, each with a drafted correction, for REST and the pages.

A correction leaves only when somebody sends it, and only inside the window. It knows neither HTTP nor pages.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from agent.language.phrases import say
from api.house import House
from api.whatsapp import outgoing
from api.whatsapp.clean import clean_text
from api.whatsapp.limits import TEXT_BODY
from knowledge.changed import successor
from sahut import rules
from sahut.errors import ConfigurationError, Conflict, Forbidden
from sahut.models import Author, Contact, Conversation, Document, Message, Purpose, Recall, RecallState, Status
from sahut.rules import Actor, Window
from sahut.store import grants, lists, outbox, recalls, rows
from sahut.store.audit import audit
from sahut.store.desk.shared import Person, person_of

# A correction stays readable on a phone: so many quotes, each so long.
_MOST_QUOTES = 3
_LONGEST_QUOTE = 500
_Row = tuple[Recall, Message, Conversation, Contact, Document]


@dataclass(frozen=True)
class Recalled:
    """A recall as somebody decides over it. `draft` is the correction as it would be sent."""

    recall: Recall
    answer: Message
    conversation: Conversation
    person: Person
    document: Document
    window: Window
    window_open: bool
    draft: str


class Recalls:
    """A house's recalls. Methods raise `NotFound` where there is no such recall."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def listed(self, *, state: str | None, after: str | None, limit: int) -> list[Recalled]:
        """Recalls, oldest first."""
        async with self._house.store.reading() as tx:
            found = await recalls.listed(tx, state=state, after=after, limit=limit)
        return await self._shown(found)

    async def get(self, recall_id: str) -> Recalled:
        """One recall."""
        async with self._house.store.reading() as tx:
            found = await recalls.get(tx, recall_id)
        return (await self._shown([found]))[0]

    async def send(self, actor: Actor, recall_id: str, text: str = "") -> Message:
        """Queue the correction: `text`, or the draft where it is empty. Nobody's conversation becomes the actor's.

        Raises `Conflict` where the recall is closed or somebody else holds the conversation, `Forbidden` where the
        window is closed or the customer wants to hear no more, `ConfigurationError` for a text that is too long.
        """
        words = clean_text(text).strip() or (await self.get(recall_id)).draft
        if len(words) > TEXT_BODY:
            raise ConfigurationError(f"A correction has at most {TEXT_BODY} characters.")
        now = self._house.clock.now()
        async with self._house.store.transaction() as tx:
            recall, _, _, contact, _ = await recalls.get(tx, recall_id)
            conversation = await rows.lock_conversation(tx, recall.conversation_id)
            assert conversation is not None  # noqa: S101  # a recall belongs to one
            self._check(actor, conversation, contact)
            message = outbox.draft(
                conversation,
                text=words,
                body=outgoing.text(words),
                author=Author.OPERATOR,
                author_name=actor.name,
                purpose=Purpose.OPERATOR,
                now=now,
            )
            if not await recalls.close(tx, recall_id, RecallState.SENT, by=actor.name, now=now, correction=message.id):
                raise Conflict("This recall is closed already.")
            # "Yes" to this must not be taken for a yes to what the assistant asked before.
            await grants.void(tx, conversation.id, whose="customer")
            tx.add(message)
            audit(tx, actor, "recall_send", conversation.id, now, recall=recall_id, message=message.id)
        await self._house.engine.wake("send", message.conversation_id)
        return message

    async def dismiss(self, actor: Actor, recall_id: str) -> None:
        """Nothing need be corrected. Raises `Conflict` where the recall is closed."""
        now = self._house.clock.now()
        async with self._house.store.transaction() as tx:
            recall = (await recalls.get(tx, recall_id))[0]
            if not await recalls.close(tx, recall_id, RecallState.DISMISSED, by=actor.name, now=now):
                raise Conflict("This recall is closed already.")
            audit(tx, actor, "recall_dismiss", recall.conversation_id, now, recall=recall_id)

    def _check(self, actor: Actor, conversation: Conversation, contact: Contact) -> None:
        if not rules.may_act(actor, held_by=conversation.held_by):
            raise Conflict(f"This conversation is held by {conversation.held_by_name or 'somebody else'}: ask them.")
        if contact.opted_out_at is not None or conversation.status == Status.SPAM:
            raise Forbidden("This customer has asked to hear no more, or is marked as spam: nothing is sent.")
        if not _window(conversation).is_open(self._house.clock.now(), self._house.margin):
            raise Forbidden(
                "The 24-hour window is closed, so nothing can be sent here until the customer writes again."
            )

    async def _shown(self, found: Sequence[_Row]) -> list[Recalled]:
        async with self._house.store.reading() as tx:
            texts = await recalls.texts(tx, [row[4] for row in found])
            names = await lists.identities(tx, [row[3].id for row in found])
        return await asyncio.to_thread(lambda: [self._show(row, texts, names) for row in found])

    def _show(self, row: _Row, texts: dict[str, str], names: dict[str, dict[str, str]]) -> Recalled:
        recall, answer, conversation, contact, document = row
        window = _window(conversation)
        return Recalled(
            recall=recall,
            answer=answer,
            conversation=conversation,
            person=person_of(contact.id, contact.name, names.get(contact.id, {})),
            document=document,
            window=window,
            window_open=window.is_open(self._house.clock.now(), self._house.margin),
            draft=draft(recall, document, texts.get(document.id), conversation.language or "en"),
        )


def draft(recall: Recall, document: Document, text: str | None, language: str) -> str:
    """The correction, in the customer's language: what was quoted, and what `text` says in its place, if anything."""
    parts: list[str] = []
    for quote in recall.lost[:_MOST_QUOTES]:
        before = _cut(quote["quote"])
        now = successor(quote["quote"], text) if text and quote["document"] == document.path else None
        if now is None:
            parts.append(say("correction_gone", language, before=before))
        else:
            parts.append(say("correction", language, before=before, now=_cut(now)))
    return "\n\n".join(parts)


def _window(conversation: Conversation) -> Window:
    return Window(conversation.window_opened_at, conversation.window_closed_at)


def _cut(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _LONGEST_QUOTE else f"{flat[: _LONGEST_QUOTE - 1].rstrip()}…"
