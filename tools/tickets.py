"""A customer's own tickets: opened once for each call's key, looked up, added to. Knows no model and no channel.

Whose tickets they are is the context's to say: no argument opens another contact's.
"""

from datetime import timedelta
from itertools import count
from typing import Annotated, Any

from pydantic import Field

from sahut.hours import parse_hours
from sahut.models import Ticket, TicketStatus
from sahut.references import WRITTEN, read_reference, reference
from sahut.store import identities, tickets
from sahut.store.database import Tx
from sahut.text import cut
from sahut.tool import Refusal, Told, ToolContext, tool
from sahut.toolcall import Promised
from tools.examples import ADD, COMPLAIN, FIND
from tools.wording import moment, say, status

MOST_SHOWN = 3
# Of business time: by then the customer should have heard of a new ticket.
NEWS_DUE = timedelta(hours=8)
_LONGEST_TOPIC = 80
_LONGEST_WORD = 600

_QUESTIONS = {
    "id": "Saya bisa membuat tiket untuk rekan kami tentang “{topic}”:\n\n{description}\n\nApakah sudah benar?",
    "en": "I can open a ticket for our team about “{topic}”:\n\n{description}\n\nIs that right?",
    "pt": "Posso abrir um pedido para a nossa equipa sobre “{topic}”:\n\n{description}\n\nEstá correto?",
    "es": "Puedo abrir un caso para nuestro equipo sobre «{topic}»:\n\n{description}\n\n¿Es correcto?",
    "is": "Ég get skráð mál fyrir starfsfólk okkar um „{topic}“:\n\n{description}\n\nEr þetta rétt?",
}
_ADD_QUESTIONS = {
    "id": "Saya bisa menambahkan ini ke tiket Anda {reference}:\n\n{details}\n\nApakah sudah benar?",
    "en": "I can add this to your ticket {reference}:\n\n{details}\n\nIs that right?",
    "pt": "Posso acrescentar isto ao seu pedido {reference}:\n\n{details}\n\nEstá correto?",
    "es": "Puedo añadir esto a su caso {reference}:\n\n{details}\n\n¿Es correcto?",
    "is": "Ég get bætt þessu við málið þitt {reference}:\n\n{details}\n\nEr þetta rétt?",
}

Reference = Annotated[str, Field(max_length=40, json_schema_extra={"pattern": WRITTEN})]


@tool(effect="write", identity="number", confirms="customer", per_day=5, examples=COMPLAIN, questions=_QUESTIONS)
async def create_ticket(
    context: ToolContext,
    topic: Annotated[str, Field(min_length=1, max_length=200)],
    description: Annotated[str, Field(min_length=1, max_length=8000)],
) -> Told:
    """Opens a ticket (a case) with the office's team.

    Use it for a complaint, or when the customer asks to open a ticket or to report a problem; never to answer a
    question. `topic` is a few words, `description` is what happened in the customer's own words.
    """
    async with context.store.transaction() as tx:
        opened = await open_once(tx, context, topic=topic, description=description)
    told = say("opened", context.language, reference=opened.reference)
    hours = parse_hours(context.guidance.business_hours, context.guidance.timezone)
    promise = Promised(kind="contact", what=opened.topic, due_at=hours.after(context.now, NEWS_DUE))
    return Told(with_link(told, opened, context), promise=promise)


@tool(effect="read", identity="number", per_day=50, examples=FIND)
async def find_ticket(context: ToolContext, reference: Reference = "") -> str:
    """Looks up how the customer's own tickets stand.

    Use it when the customer asks about a ticket, complaint or callback of theirs. `reference` is its number
    ("T-7K3M9Q") if they gave one; leave it empty for "my ticket".
    """
    async with context.store.reading() as tx:
        found = await _own(tx, context, reference)
        if isinstance(found, Refusal):
            return found.answer
        shown = [ticket for ticket in found if ticket.status != TicketStatus.CLOSED][:MOST_SHOWN] or found[:1]
        words = await tickets.last_word(tx, shown[0].id) if len(shown) == 1 else ""
    told = "\n".join(_state(ticket, context) for ticket in shown)
    if words:
        told += "\n" + say("word", context.language, text=cut(words, _LONGEST_WORD))
    return with_link(told, shown[0], context) if len(shown) == 1 else told


async def _which(context: ToolContext, details: str, reference: str = "") -> dict[str, Any] | Refusal:
    """The one open ticket that is meant, by its reference, so that the customer sees what will be added to."""
    async with context.store.reading() as tx:
        found = await _own(tx, context, reference)
    if isinstance(found, Refusal):
        return found
    still_open = [ticket for ticket in found if ticket.status != TicketStatus.CLOSED]
    if not still_open:
        key = "closed" if reference.strip() else "no_open_ticket"
        return Refusal(say(key, context.language, reference=found[0].reference))
    if len(still_open) > 1:
        listed = "\n".join(f"{one.reference} “{cut(one.topic, _LONGEST_TOPIC)}”" for one in still_open)
        return Refusal(say("which", context.language, list=listed))
    return {"details": details, "reference": still_open[0].reference}


@tool(
    effect="write",
    identity="number",
    confirms="customer",
    per_day=20,
    examples=ADD,
    questions=_ADD_QUESTIONS,
    prepare=_which,
)
async def update_ticket(
    context: ToolContext,
    details: Annotated[str, Field(min_length=1, max_length=8000)],
    reference: Reference = "",
) -> str:
    """Adds something to the customer's own open ticket.

    Use it when the customer wants to add or correct something about a ticket they already have. `details` is what to
    add, in the customer's own words; `reference` is the ticket's number if they gave one, else empty.
    """
    async with context.store.transaction() as tx:
        found = await _own(tx, context, reference)
        if isinstance(found, Refusal):
            return found.answer
        ticket = found[0]
        added = await tickets.add_customers_words(
            tx, ticket.id, contact_id=context.contact_id, key=context.key, text=details, now=context.now
        )
    return say("added" if added else "closed", context.language, reference=ticket.reference)


async def open_once(tx: Tx, context: ToolContext, **what: Any) -> Ticket:
    """The ticket of this call's key: opened now, or by an earlier run of the turn. `what` are its other columns."""
    opened = None
    attempts = count()
    while opened is None:
        ticket = Ticket(
            reference=reference(context.key, next(attempts)),
            call_key=context.key,
            conversation_id=context.conversation_id,
            contact_id=context.contact_id,
            language=context.language,
            created_at=context.now,
            **what,
        )
        opened = await tickets.open_ticket(tx, ticket)
    return opened


def with_link(told: str, ticket: Ticket, context: ToolContext) -> str:
    """What is told, with the link to the ticket's page where there is one."""
    link = tickets.tracking_link(ticket, context.guidance.public_url)
    return f"{told}\n{say('link', context.language, link=link)}" if link else told


async def _own(tx: Tx, context: ToolContext, text: str) -> list[Ticket] | Refusal:
    """The contact's own tickets, the one that moved last first: all of them, or the one of the reference.

    Another contact's ticket and one that was never opened are answered alike. Where the number may have passed to a
    stranger, nothing is told until somebody has made sure.
    """
    if await identities.is_unsure(tx, context.contact_id):
        return Refusal(say("unsure", context.language))
    if not text.strip():
        found = await tickets.of_contact(tx, context.contact_id, limit=10)
        return list(found) or Refusal(say("no_ticket", context.language))
    wanted = read_reference(text)
    if wanted is None:
        return Refusal(say("no_such_ticket", context.language, reference=cut(" ".join(text.split()), 20)))
    found = await tickets.of_contact(tx, context.contact_id, limit=1, reference=wanted)
    return list(found) or Refusal(say("no_such_ticket", context.language, reference=wanted))


def _state(ticket: Ticket, context: ToolContext) -> str:
    return say(
        "state",
        context.language,
        reference=ticket.reference,
        topic=cut(ticket.topic, _LONGEST_TOPIC),
        status=status(ticket.status, context.language),
        time=moment(ticket.updated_at, context.language, context.guidance.timezone),
    )
