"""The desk: what an operator does, for REST and the pages alike. One transaction each, audited, the engine woken.

It decides nothing itself: who may act and what may be sent is said by the rules. It knows neither HTTP nor pages.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from agent.checking.promises import promises_in
from agent.screening.marks import packed
from api.house import House
from api.whatsapp import outgoing
from api.whatsapp.clean import clean_text
from api.whatsapp.limits import INTERACTIVE_BODY, TEXT_BODY
from sahut import rules
from sahut.errors import ConfigurationError, Conflict, Forbidden, SendError
from sahut.ids import ConversationId, HandoffId
from sahut.models import Author, Conversation, Handoff, Message, Note, Promise, PromiseState, Purpose, Template
from sahut.ours import OurNumber, OurNumbers
from sahut.rules import Actor
from sahut.store import (
    Tx,
    failures,
    handoffs,
    identities,
    lists,
    marks,
    memory,
    merging,
    operators,
    outbox,
    promises,
    templates,
)
from sahut.store.audit import audit
from sahut.store.database import changed
from sahut.templates import filled, preview, problem

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
        now, ours = self._now(), await self._house.switchboard.look()
        if any(body["type"] == "template" for body in bodies):
            await self._know_templates(conversation_id)
        async with self._house.store.transaction() as tx:
            conversation = await handoffs.speak(tx, ConversationId(conversation_id), actor=actor, now=now)
            _check_served(ours, conversation)
            for body in bodies:
                self._check_window(conversation, body["type"], now)
                await _check_quoted(tx, conversation_id, body)
            account = ours.of(conversation.number).account
            texts = [
                await _text_of(tx, body, account, checked=bool(account and self._house.templates)) for body in bodies
            ]
            messages = [_draft(conversation, body, text, actor, now) for body, text in zip(bodies, texts, strict=True)]
            tx.add_all(messages)
            await tx.flush()
            for message in messages:
                await self._note_promises(tx, actor, message, ours.of(conversation.number))
        await self._house.engine.wake("send", conversation_id)
        return messages

    async def send_template(
        self, actor: Actor, conversation_id: str, template_id: str, values: Mapping[str, str]
    ) -> list[Message]:
        """Queue a template of the account's with these words in its slots; else as `send`."""
        async with self._house.store.reading() as tx:
            template = await lists.get(tx, Template, template_id)
        words = {key: clean_text(value, INTERACTIVE_BODY).strip() for key, value in values.items()}
        return await self.send(actor, conversation_id, [filled(template, words)])

    async def retry(self, actor: Actor, message_id: str) -> Message:
        """Send a message that failed for good once more, as the actor's own; else as `reply`.

        It is a new message, so that a late status of the old one cannot touch it.
        """
        now, ours = self._now(), await self._house.switchboard.look()
        async with self._house.store.transaction() as tx:
            failed = await failures.get(tx, message_id)
            conversation = await handoffs.speak(tx, ConversationId(failed.conversation_id), actor=actor, now=now)
            _check_served(ours, conversation)
            await failures.settle(tx, message_id, actor=actor, action="message_retry", now=now)
            self._check_window(conversation, failed.kind, now)
            message = _draft(conversation, failed.body, failed.text, actor, now)
            tx.add(message)
        await self._house.engine.wake("send", message.conversation_id)
        return message

    async def dismiss(self, actor: Actor, message_id: str) -> None:
        """Take a failed message off the list: nothing more is done about it."""
        async with self._house.store.transaction() as tx:
            await failures.settle(tx, message_id, actor=actor, action="message_dismiss", now=self._now())

    async def note(self, actor: Actor, conversation_id: str, text: str) -> Note:
        """Leave a word for colleagues; whoever may see the conversation may do so."""
        words = clean_text(text).strip()
        if not 0 < len(words) <= NOTE_MOST:
            raise ConfigurationError(f"A note has 1 to {NOTE_MOST} characters.")
        note = Note(conversation_id=conversation_id, author_name=actor.name, text=words, created_at=self._now())
        async with self._house.store.transaction() as tx:
            await lists.get(tx, Conversation, conversation_id)
            tx.add(note)
            audit(tx, actor, "note", conversation_id, note.created_at)
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
        """Quarantine the conversation; the screen learns what was written in it."""
        vector = await self._meaning(conversation_id)
        async with self._house.store.transaction() as tx:
            await handoffs.mark_spam(tx, ConversationId(conversation_id), actor=actor, now=self._now())
            await self._learn(tx, actor, conversation_id, vector, is_spam=True)

    async def unmark_spam(self, actor: Actor, conversation_id: str) -> None:
        """Undo the quarantine; the assistant takes up what was kept from it, and the screen unlearns or learns."""
        vector = await self._meaning(conversation_id)
        async with self._house.store.transaction() as tx:
            await handoffs.mark_not_spam(tx, ConversationId(conversation_id), actor=actor, now=self._now())
            await self._learn(tx, actor, conversation_id, vector, is_spam=False)
        await self._house.engine.wake("turn", conversation_id)

    async def assign(self, actor: Actor, conversation_id: str, operator: str) -> None:
        """Give the conversation to an operator, named by id or e-mail address, who may work."""
        async with self._house.store.transaction() as tx:
            to = operators.actor_of(await operators.named(tx, operator))
            await handoffs.assign(tx, ConversationId(conversation_id), to=to, actor=actor, now=self._now())

    async def verified(self, actor: Actor, conversation_id: str) -> None:
        """The actor has made sure who the customer is, after a change or a clash of their names."""
        async with self._house.store.transaction() as tx:
            conversation = await lists.get(tx, Conversation, conversation_id)
            now = self._now()
            await identities.are_sure(tx, conversation.contact_id, by=actor.name, now=now)
            audit(tx, actor, "verified", conversation_id, now)
            changed(tx, conversation_id)

    async def merge(self, actor: Actor, contact_id: str, other: str) -> None:
        """Another contact is this person: `other` becomes a part of `contact_id`, which cannot be taken back.

        Raises `Forbidden` for whoever is not set over others, `Conflict` while somebody is at work in their threads.
        """
        if not rules.may_merge(actor):
            raise Forbidden("Only supervisors and admins merge contacts, since it cannot be taken back.")
        async with self._house.store.transaction() as tx:
            await merging.merge(tx, contact_id, other, actor=actor, now=self._now())

    async def forget_fact(self, actor: Actor, conversation_id: str, fact_id: str) -> None:
        """Erase something that the customer said of themselves; the message that says it stays."""
        async with self._house.store.transaction() as tx:
            conversation = await lists.get(tx, Conversation, conversation_id)
            await memory.forget(tx, conversation.contact_id, fact_id, actor=actor, now=self._now())
            changed(tx, conversation_id)

    async def settle_promise(self, actor: Actor, promise_id: str, state: PromiseState) -> Promise:
        """Say what became of a promise; whoever may see it may do so. Raises `Conflict` where it is said already."""
        async with self._house.store.transaction() as tx:
            return await promises.settle(tx, promise_id, state, actor=actor, now=self._now())

    async def _note_promises(self, tx: Tx, actor: Actor, message: Message, number: OurNumber) -> None:
        """What the actor's own words promise is in the ledger with the message that says it."""
        if message.kind == "text":
            now = self._now()
            found = promises_in(message.text, now=now, hours=number.hours, zone=number.guidance.timezone)
            await promises.by_operator(tx, message, found, actor=actor, now=now)

    async def _meaning(self, conversation_id: str) -> bytes:
        """The meaning of what the customer wrote, as marks keep it; empty where they wrote nothing."""
        async with self._house.store.reading() as tx:
            text = await marks.words_of(tx, conversation_id)
        return packed((await self._house.reads.embed([text]))[0]) if text else b""

    async def _learn(self, tx: Tx, actor: Actor, conversation_id: str, vector: bytes, *, is_spam: bool) -> None:
        if vector:
            space = self._house.reads.name
            await marks.mark(
                tx, conversation_id, is_spam=is_spam, space=space, vector=vector, actor=actor, now=self._now()
            )

    async def _know_templates(self, conversation_id: str) -> None:
        """Ask Meta for the account's templates where nobody has yet. Raises `Conflict` where Meta cannot be asked.

        Without an account there is no list to ask for, and nothing can be said against a template.
        """
        watch, ours = self._house.templates, await self._house.switchboard.look()
        async with self._house.store.reading() as tx:
            account = ours.of((await lists.get(tx, Conversation, conversation_id)).number).account
            known = not account or await templates.are_known(tx, account)
        if known or watch is None or watch.has_asked(account):
            return
        try:
            await watch.sync_one(account)
        except SendError as error:
            raise Conflict(
                "Meta's list of templates was never fetched, and Meta cannot be asked now, so whether there is this "
                "one is not known: run `sahut template sync` (or POST templates/sync), then send again."
            ) from error

    def _now(self) -> datetime:
        return self._house.clock.now()

    def _check_window(self, conversation: Conversation, kind: str, now: datetime) -> None:
        window = rules.Window(conversation.window_opened_at, conversation.window_closed_at)
        if kind != "template" and not window.is_open(now, self._house.margin):
            raise Forbidden(
                "The 24-hour window is closed, so only a template may be sent until the customer writes again."
            )


async def _check_quoted(tx: Tx, conversation_id: str, body: Json) -> None:
    """Raises `ConfigurationError` for a quote of what is no message of this conversation."""
    context = body.get("context")
    if context is not None and not await lists.has_wamid(tx, conversation_id, str(context.get("message_id"))):
        raise ConfigurationError(
            "context.message_id is no message of this conversation: send the `wamid` of one that is listed there."
        )


async def _text_of(tx: Tx, body: Json, account: str, *, checked: bool) -> str:
    """What a reader of the history sees. Raises `ConfigurationError` for a template that Meta would refuse there."""
    if body["type"] != "template":
        return _readable(body)
    content = body["template"]
    name, language = str(content["name"]), str(content["language"]["code"])
    template = await templates.find(tx, name, language, account=account)
    if template is None and not checked and not await templates.are_known(tx, account):
        # There is no account to ask Meta about, so nothing can be said against it.
        return ""
    wrong = problem(template, content, name=name, language=language)
    if wrong or template is None:
        raise ConfigurationError(wrong)
    return preview(template, content)


def _check_served(ours: OurNumbers, conversation: Conversation) -> None:
    if not ours.is_ours(conversation.number):
        raise Conflict(f"The number {conversation.number} is not served any more: nothing can be sent from it.")


def _draft(conversation: Conversation, body: Json, text: str, actor: Actor, now: datetime) -> Message:
    return outbox.draft(
        conversation,
        text=text,
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
