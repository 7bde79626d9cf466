"""What becomes of each value that a webhook brings: rows, and who must be woken. One transaction of the caller's.

It must not know Meta's JSON, and answers nothing that needs thought.
"""

import hashlib
import json
from typing import Any

from agent.language.phrases import say
from agent.reading.pausing import patience
from api.background.closings import rating_of, take_rating
from api.house import House
from api.whatsapp import outgoing
from api.whatsapp.policy import policy_for
from sahut import rules
from sahut.events import (
    AccountEvent,
    AppContact,
    Call,
    Delivery,
    Echo,
    GroupEvent,
    Handover,
    History,
    IdentityChange,
    Inbound,
    Names,
    Preference,
    TemplateEvent,
    Unsupported,
    WebhookEvent,
)
from sahut.ids import ConversationId
from sahut.models import Author, Conversation, Purpose
from sahut.store import Tx, account, files, handoffs, identities, inbox, outbox, outcomes, templates
from sahut.store.rows import lock_conversation

Wake = tuple[str, str]
RAW_CHARACTERS_KEPT = 20_000


async def store_one(tx: Tx, house: House, event: WebhookEvent) -> list[Wake]:
    """Store one value; the wake-ups that it asks for, after the commit."""
    now = house.clock.now()
    match event:
        case Inbound():
            return await _receive(tx, house, event)
        case Delivery():
            return await _settle(tx, house, event)
        case Echo():
            await inbox.receive_echo(tx, event, now=now, silence=house.app_silence)
        case Call():
            return await _call(tx, house, event)
        case GroupEvent():
            await inbox.receive_group(tx, event, now=now)
        case History():
            await _old_chats(tx, house, event)
        case Unsupported(why=why, body=body):
            await keep_raw(tx, house, why, body)
        case _:
            await _take_note(tx, house, event)
    return []


async def _take_note(
    tx: Tx, house: House, event: IdentityChange | Handover | Preference | AppContact | TemplateEvent | AccountEvent
) -> None:
    """What changes rows and asks for nothing."""
    now = house.clock.now()
    match event:
        case IdentityChange():
            await identities.change(tx, event, now=now)
        case Handover():
            await _pass(tx, house, event)
        case Preference():
            await _prefer(tx, house, event)
        case AppContact():
            await identities.called_by_us(tx, event)
        case TemplateEvent():
            await templates.hear(tx, event)
            await account.note(tx, event, now=now)
        case AccountEvent():
            await account.note(tx, event, now=now)


def person_of(event: WebhookEvent) -> tuple[str, float] | None:
    """Whose thread an event is about, and when it happened; `None` where it is about no customer's."""
    match event:
        case Inbound(group=str(group), sent_at=at):
            return group, at.timestamp()
        case Inbound(names=names, sent_at=at) | Echo(names=names, sent_at=at):
            return _key(names), at.timestamp()
        case IdentityChange(old=names, at=at):
            return _key(names), at.timestamp()
        case Call() | Handover() | Preference() | AppContact():
            return _key(event.names), event.at.timestamp()
        case GroupEvent(group=group, at=at):
            return group, at.timestamp()
        case _:
            return None


async def keep_raw(tx: Tx, house: House, why: str, body: object) -> None:
    """Keep what nobody here understands."""
    text = json.dumps(body, ensure_ascii=True, default=str)[:RAW_CHARACTERS_KEPT]
    await inbox.keep_raw(tx, why, text, now=house.clock.now())


def _key(names: Names) -> str:
    return names.user_id or names.phone or ""


async def _receive(tx: Tx, house: House, event: Inbound) -> list[Wake]:
    """A message waits for its turn; a tap on a button of a closing message is only written down and thanked for."""
    now, rating = house.clock.now(), rating_of(event)
    reads_for = house.reads_for(event.kind, event.file)
    wait = inbox.Wait(house.burst_wait, patience(event.kind, event.text), reads_for)
    received = await inbox.receive(tx, event, now=now, wait=wait if rating is None else None)
    if received.is_new and event.file is not None:
        await files.note(tx, received.message_id, received.conversation_id, event.number, event.file, now=now)
    if rating is not None and received.is_new:
        thanked = await take_rating(tx, received.conversation_id, rating, house.clock)
        return [("send", received.conversation_id)] if thanked else []
    return [("turn", received.conversation_id)] if received.wake_at is not None and not reads_for else []


async def _settle(tx: Tx, house: House, event: Delivery) -> list[Wake]:
    closed = event.error_code is not None and policy_for(event.error_code).closes_window
    settled = await outcomes.settle(tx, event, now=house.clock.now(), window_closed=closed)
    if event.pricing is not None:
        house.metrics.billed.labels(*_bill(event)).inc()
    return [("send", settled)] if settled is not None else []


def _bill(event: Delivery) -> tuple[str, str]:
    """What a status says of money, in words that may be labels: few, and Meta's own."""
    known = event.pricing is not None and event.pricing.kind in ("regular", "free_customer_service", "free_entry_point")
    category = event.pricing.category.replace("-", "_") if event.pricing else ""
    return category if category in CATEGORIES else "other", event.pricing.kind if event.pricing and known else "other"


CATEGORIES = frozenset(
    {
        "service",
        "utility",
        "marketing",
        "marketing_lite",
        "authentication",
        "authentication_international",
        "referral_conversion",
        "general_purpose_ai",
    }
)


async def _call(tx: Tx, house: House, event: Call) -> list[Wake]:
    """A call is stored and opens the window. We have no voice, so who calls is asked to write, if we may."""
    now = house.clock.now()
    received = await inbox.receive_call(tx, event, now=now)
    conversation = await lock_conversation(tx, received.conversation_id)
    invited = house.settings.calls == "invite" and received.is_new and event.from_customer
    if conversation is None or not invited or rules.speaker_of(conversation) != "assistant":
        return []
    await _say(tx, house, conversation, "no_calls")
    return [("send", received.conversation_id)]


async def _say(tx: Tx, house: House, conversation: Conversation, key: Any) -> None:
    text = say(key, conversation.language or house.settings.language_codes[0])
    body = outgoing.text(text)
    now = house.clock.now()
    notice = outbox.draft(conversation, text=text, body=body, author=Author.ASSISTANT, purpose=Purpose.NOTICE, now=now)
    tx.add(notice)


async def _pass(tx: Tx, house: House, event: Handover) -> None:
    """The thread passed. Where it became ours because somebody asked for a person, a person is asked."""
    now = house.clock.now()
    contact_id = await identities.contact_of(tx, event.names, name="", at=event.at, now=now)
    before = await inbox.pass_thread(tx, contact_id, event.number, ours=event.ours, at=event.at, now=now)
    is_news = before.owned_at is None or before.owned_at < event.at
    if event.ours and is_news and event.new_role.lower() == "escalation":
        await handoffs.open_handoff(
            tx,
            ConversationId(before.id),
            reason="asked_for_human",
            lane="support",
            summary=event.note or "Another owner of the thread passed it on.",
            language=before.language or house.settings.language_codes[0],
            now=now,
            hours=house.hours(event.number),
        )


async def _old_chats(tx: Tx, house: House, event: History) -> None:
    """Old chats are no messages to answer and open no window: how many came is told, and they are kept raw."""
    counted = event.model_dump(include={"number", "phase", "part", "progress", "threads", "messages", "error_code"})
    # The same part may come again, and no number of it need be there.
    counted["content"] = hashlib.sha256(json.dumps(event.body, sort_keys=True).encode()).hexdigest()
    words = event.error or f"{event.messages} old messages in {event.threads} chats, {event.progress or 0}% are here"
    news = AccountEvent(
        field="history",
        account=event.account,
        event="error" if event.error_code is not None else "part",
        words=words,
        at=house.clock.now(),
        is_dated=False,
        body=counted,
    )
    if await account.note(tx, news, now=house.clock.now()) and event.messages:
        await keep_raw(tx, house, "history", event.body)


async def _prefer(tx: Tx, house: House, event: Preference) -> None:
    """No more marketing, or again. What is answered to a customer's own words is not concerned."""
    contact_id = await identities.contact_of(tx, event.names, name=event.name, at=event.at, now=house.clock.now())
    await identities.prefer(tx, contact_id, stop=event.value == "stop", at=event.at)
