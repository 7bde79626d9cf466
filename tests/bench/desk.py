"""bench_desk: what operators look at, out of 10,000 conversations, one of them with 500 messages, on both databases.

Server time of the queries alone, through the store; nothing is drawn. Made-up rows, written straight into the tables.
"""

import random
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel

from sahut.migrations import migrate
from sahut.models import (
    CitationRow,
    Contact,
    ContactIdentity,
    Conversation,
    Handoff,
    Message,
    Note,
    Operator,
    Reading,
    Receipt,
)
from sahut.store import Store, Tx, desk
from sahut.store.database import insert
from sahut.testing.clock import START
from tests.bench.load import share
from tests.bench.processes import Folder, Postgres
from tests.bench.tables import Target, show

CONVERSATIONS = 10_000
LINES, LONG = 8, 500
LOOKS = 30
BATCH = 5_000
QUESTION = "Berapa denda kalau telat bayar pajak kendaraan? " * 3
COLUMNS = ["", "rows", "p50 ms", "p95 ms"]

Look = Callable[[Tx], Awaitable[Any]]
Rows = dict[type[SQLModel], list[SQLModel]]


async def bench(*, quick: bool) -> bool:
    """Measure both databases; whether the targets are met. `quick` makes a tenth of the conversations."""
    with ExitStack() as stack:
        folder, postgres = stack.enter_context(Folder()), stack.enter_context(Postgres())
        met = [
            await _measure(name, url, CONVERSATIONS // 10 if quick else CONVERSATIONS)
            for name, url in (("SQLite", f"sqlite:///{folder / 'sahut.db'}"), ("PostgreSQL", postgres.fresh()))
        ]
    return all(met)


async def _measure(name: str, url: str, conversations: int) -> bool:
    store = Store(url)
    try:
        await migrate(store)
        operator_id, longest = await _fill(store, conversations)
        rows, p95 = [], {}
        for what, look in _looks(operator_id, longest).items():
            many, times = await _times(store, look)
            p95[what] = share(times, 0.95)
            rows.append([what, many, f"{share(times, 0.5):.1f}", f"{p95[what]:.1f}"])
    finally:
        await store.close()
    show(f"bench_desk, {name}, {conversations} conversations", COLUMNS, rows)
    return Target.show(
        [
            Target(f"{name}: inbox, p95 ms", p95["inbox, 50"], at_most=300),
            Target(f"{name}: conversation of {LONG} messages, p95 ms", p95["conversation, all"], at_most=400),
        ]
    )


def _looks(operator_id: str, longest: str) -> dict[str, Look]:
    return {
        "inbox, 50": lambda tx: desk.inbox(tx, operator_id),
        "inbox, 200": lambda tx: desk.inbox(tx, operator_id, limit=200),
        "inbox, spam": lambda tx: desk.inbox(tx, operator_id, status="spam"),
        "inbox, mine": lambda tx: desk.inbox(tx, operator_id, mine=True),
        "search, a name": lambda tx: desk.inbox(tx, operator_id, search="ásgeir"),
        "search, nothing": lambda tx: desk.inbox(tx, operator_id, search="nobody at all"),
        "search, a number": lambda tx: desk.inbox(tx, operator_id, search="0812 00000999"),
        "queue, 200": lambda tx: desk.queue(tx, "support", now=START),
        "badges": lambda tx: desk.counts(tx, operator_id),
        "conversation, all": lambda tx: desk.thread(tx, longest, limit=LONG),
        "conversation, 100": lambda tx: desk.thread(tx, longest, limit=100),
    }


async def _times(store: Store, look: Look) -> tuple[str, list[float]]:
    """How many rows came, and the milliseconds of each look."""
    times, found = [], None
    for _ in range(LOOKS):
        began = time.perf_counter()
        async with store.reading() as tx:
            found = await look(tx)
        times.append((time.perf_counter() - began) * 1000)
    rows = getattr(found, "lines", found)
    return str(len(rows)) if isinstance(rows, list) else "", times


async def _fill(store: Store, conversations: int) -> tuple[str, str]:
    """Write the rows; the operator's id, and the longest conversation's."""
    luck = random.Random(1)
    operator = Operator(email="budi@example.com", password_hash="none", created_at=START)
    made: Rows = {}
    for number in range(conversations):
        for row in _conversation(number, operator.id, luck):
            made.setdefault(type(row), []).append(row)
    order = (Contact, ContactIdentity, Conversation, Message, Handoff, Receipt, CitationRow, Note, Reading)
    async with store.transaction() as tx:
        await insert(tx, operator)
        for kind in order:
            for start in range(0, len(made[kind]), BATCH):
                await insert(tx, *made[kind][start : start + BATCH])
    async with store.engine.connect() as connection:
        await (await connection.execution_options(isolation_level="AUTOCOMMIT")).execute(sa.text("ANALYZE"))
    return operator.id, made[Conversation][0].id  # type: ignore[attr-defined]


def _conversation(number: int, operator_id: str, luck: random.Random) -> list[SQLModel]:
    """One conversation with all that hangs on it; the first is the long one."""
    at = START - timedelta(minutes=luck.randrange(0, 60 * 24 * 30))
    is_spam, waits, held = number % 17 == 0, number % 10 == 0, operator_id if number % 50 == 0 else None
    contact = Contact(name=f"Customer {number} Ásgeir", created_at=at)
    row = Conversation(
        number="1",
        contact_id=contact.id,
        status="spam" if is_spam else "waiting" if waits else luck.choice(["open", "resolved"]),
        holder="operator" if held else "assistant",
        held_by=held,
        window_opened_at=at,
        created_at=at,
        updated_at=at,
    )
    phone = ContactIdentity(contact_id=contact.id, kind="phone", value=f"62812{number:08}", created_at=at)
    lines = [line for n in range(LONG if number == 0 else LINES) for line in _line(row.id, n, at)]
    rows = [contact, row, phone, *lines]
    if waits or is_spam:
        given = {"reason": "asked_for_human", "due_at": at + timedelta(minutes=15), "created_at": at}
        lane, state = "spam" if is_spam else "support", "claimed" if held else "queued"
        rows.append(Handoff(conversation_id=row.id, lane=lane, state=state, **given))
    if number % 3 == 0:
        seen = next(line for line in reversed(lines) if isinstance(line, Message))
        rows.append(Reading(operator_id=operator_id, conversation_id=row.id, message_id=seen.id))
        rows.append(Note(conversation_id=row.id, author_name="Budi", text="A note.", created_at=at))
    return rows


def _line(conversation_id: str, n: int, at: Any) -> list[SQLModel]:
    """A question, or an answer with its receipt and two sources."""
    is_ours = n % 2 == 1
    message = Message(
        conversation_id=conversation_id,
        number="1",
        author="assistant" if is_ours else "contact",
        state="read" if is_ours else "received",
        text=QUESTION,
        body={"type": "text", "text": {"body": QUESTION}},
        sent_at=at,
        created_at=at,
        done_at=at,
    )
    if not is_ours:
        return [message]
    verdict = {"label": "fine", "score": 0.1, "reasons": []}
    given = {"turn_id": "t", "decision": "reply", "confidence": 0.9, "verdict": verdict, "created_at": at}
    span = {"document": "a.md", "version": "v", "start": 0, "end": 120, "quote": "x" * 120}
    cited = [CitationRow(message_id=message.id, **span) for _ in range(2)]
    return [message, Receipt(message_id=message.id, **given), *cited]
