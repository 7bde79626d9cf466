"""Asking to be called: whose number, by when, and what is refused."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from sahut.ids import ContactId, ConversationId
from sahut.models import Contact, ContactIdentity, Conversation, IdentityKind, Promise, Ticket
from sahut.store import Store
from sahut.tool import ToolContext
from sahut.toolcall import ToolCall
from sahut.turn import Guidance
from tests.databases import Templates
from tests.tools.granting import SURE
from tests.tools.granting import agreed as with_yes
from tools.callbacks import CALLBACK_DUE, request_callback
from tools.toolbox import Toolbox

# A Friday, 14:00 in Jakarta.
NOW = datetime(2026, 11, 20, 7, 0, tzinfo=UTC)
OFFICE = Guidance(business_hours="Mon-Fri 08:00-15:00", timezone="Asia/Jakarta")
TOOLBOX = Toolbox([request_callback])


@pytest.fixture
async def context(templates: Templates, tmp_path: Path) -> AsyncIterator[ToolContext]:
    store = Store(templates.sqlite(tmp_path / "calls.db"))
    contact = Contact(created_at=NOW)
    conversation = Conversation(number="1", contact_id=contact.id, created_at=NOW, updated_at=NOW)
    async with store.transaction() as tx:
        tx.add(contact)
        await tx.flush()
        phone = {"kind": IdentityKind.PHONE, "value": "6281200000001"}
        tx.add(ContactIdentity(contact_id=contact.id, created_at=NOW, **phone))
        tx.add(conversation)
    yield ToolContext(
        key="k1",
        conversation_id=ConversationId(conversation.id),
        contact_id=ContactId(contact.id),
        language="en",
        now=NOW,
        store=store,
        guidance=OFFICE,
    )
    await store.close()


async def asked(context: ToolContext, **arguments: Any) -> ToolCall:
    return await TOOLBOX.call("request_callback", {"about": "my fine", **arguments}, context, ground=SURE)


async def agreed(context: ToolContext, **arguments: Any) -> Ticket:
    """What is in the store after the question and the yes."""
    question = await asked(context, **arguments)
    assert question.state == "proposed"
    done = await with_yes(TOOLBOX, "request_callback", question.arguments, context)
    assert done.state == "done"
    async with context.store.reading() as tx:
        ticket = (await tx.execute(select(Ticket))).scalar_one()
    assert ticket.reference in done.result
    return ticket


async def test_the_customer_is_asked_about_the_number_that_will_be_called(context: ToolContext):
    question = await asked(context)
    assert question.arguments["phone"] == "+6281200000001"
    assert "office hours" in question.arguments["when"]


@pytest.mark.parametrize(
    ("when", "due"),
    [
        # An hour of business time is left on this Friday.
        ("", NOW + CALLBACK_DUE),
        ("tomorrow morning", NOW + CALLBACK_DUE),
        ("2026-11-20 14:30", NOW + timedelta(minutes=30)),
        ("2026-11-20T14:30", NOW + timedelta(minutes=30)),
        # A Saturday, and a Monday night: the next opening.
        ("2026-11-21 10:00", datetime(2026, 11, 23, 1, 0, tzinfo=UTC)),
        ("2026-11-23 21:00", datetime(2026, 11, 24, 1, 0, tzinfo=UTC)),
        # What has passed, what no calendar has, what is years away.
        ("2020-01-01 10:00", NOW),
        ("2026-02-30 10:00", NOW + CALLBACK_DUE),
        ("2099-01-01 10:00", NOW + CALLBACK_DUE),
    ],
)
async def test_a_call_is_due_within_office_hours(context: ToolContext, when, due):
    ticket = await agreed(context, when=when)
    assert (ticket.kind, ticket.due_at) == ("callback", due)


async def test_after_closing_the_hour_counts_from_the_next_opening(context: ToolContext):
    late = replace(context, now=NOW + timedelta(hours=3))
    assert (await agreed(late)).due_at == datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("phone", "kept"), [("+62 812 3456 7890", "+6281234567890"), ("0812-3456-7890", "081234567890")]
)
async def test_another_number_may_be_called(context: ToolContext, phone, kept):
    assert (await agreed(context, phone=phone)).phone == kept


@pytest.mark.parametrize(
    "phone", ["112", "call me", "+62 812 3456 7890 <b>", "1" * 16, "٠٨١٢٣٤٥٦٧٨٩٠", "++62812345678"]
)
async def test_what_is_no_number_is_refused_with_a_reason(context: ToolContext, phone):
    call = await asked(context, phone=phone)
    assert call.state == "refused"
    assert "phone" in call.result


async def test_one_call_however_often_it_is_agreed_to(context: ToolContext):
    await agreed(context)
    first, second = [await with_yes(TOOLBOX, "request_callback", {"about": "my fine"}, context) for _ in range(2)]
    assert first == second
    direct = [await request_callback(context, "my fine") for _ in range(2)]
    assert len(set(direct)) == 1
    async with context.store.reading() as tx:
        assert len((await tx.execute(select(Ticket))).scalars().all()) == 1


async def test_a_call_is_promised_once_by_the_hour_that_was_agreed(context: ToolContext) -> None:
    ticket = await agreed(context)
    again = await with_yes(TOOLBOX, "request_callback", (await asked(context)).arguments, context)
    async with context.store.reading() as tx:
        (row,) = (await tx.execute(select(Promise))).scalars().all()
    assert (row.kind, row.due_at, row.ticket_id, row.owner) == ("call", ticket.due_at, ticket.id, "")
    # A turn that runs again finds what was promised with what was done.
    assert again.promise is not None
    assert (again.promise.kind, again.promise.due_at) == ("call", ticket.due_at)
