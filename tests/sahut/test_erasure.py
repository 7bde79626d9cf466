"""Erasing a person reaches every table with a customer's words, and nobody else's rows."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel

from sahut.errors import Conflict, NotFound
from sahut.models import AuditEntry, Role
from sahut.models.columns import UtcDateTime
from sahut.rules import Actor
from sahut.store import Store, Tx, erasure

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
ADMIN = Actor(id="a", name="Admin", role=Role.ADMIN)
TABLES = SQLModel.metadata.tables
ERASED = {str(one.__tablename__) for one in erasure.ERASED}
KEPT = {str(one.__tablename__) for one in erasure.KEPT}
# Columns by which a row belongs to a person.
LEADING = {"contact_id", "conversation_id", "message_id", "ticket_id", "filling_id"}


@pytest.fixture
async def store(blank_url: str) -> AsyncIterator[Store]:
    store = Store(blank_url)
    yield store
    await store.close()


def test_every_table_is_either_erased_with_a_person_or_known_to_hold_nothing_of_one() -> None:
    assert set(TABLES) - ERASED - KEPT == set(), "add the new table to ERASED or KEPT in sahut/store/erasure.py"
    assert ERASED.isdisjoint(KEPT)
    assert (ERASED | KEPT) - set(TABLES) == set()


def test_what_is_kept_leads_to_nobody() -> None:
    leading = {name for name in KEPT if LEADING & set(TABLES[name].columns.keys())}
    # Who did what, without a word of a message.
    assert leading == {"audit"}


def secret(who: str) -> str:
    return f"secret-of-{who}"


def key_of(who: str, table: str) -> str:
    return f"{who}-{table}" if table in ERASED else f"ours-{table}"


# Where a row is found by another column than a key, or a rule looks at its state.
GIVEN: dict[str, Any] = {
    "message.state": lambda who: "received",
    "message.wamid": lambda who: f"wamid-of-{who}",
    "stray_delivery.wamid": lambda who: f"wamid-of-{who}",
    "gap.state": lambda who: "open",
    "contact_identity.value": lambda who: f"62-{secret(who)}",
    "raw_event.body": lambda who: f'{{"from": "62-{secret(who)}"}}',
    "hook_event.body": lambda who: f'{{"conversation_id": "{who}-conversation", "topic": "{secret(who)}"}}',
}


def value_of(column: sa.Column[Any], who: str) -> Any:
    """Something of the person for a column of any kind, in the row that its key leads to."""
    table = column.table.name
    name = f"{table}.{column.name}"
    if name in GIVEN:
        return GIVEN[name](who)
    if isinstance(column.type, sa.Date):
        return NOW.date()
    if column.foreign_keys:
        return key_of(who, next(iter(column.foreign_keys)).column.table.name)
    if column.name in LEADING:
        return key_of(who, column.name.removesuffix("_id"))
    if column.primary_key or column.name == "id":
        return key_of(who, table)
    words = f"{secret(who) if table in ERASED else 'ours'} in {name}"
    kinds: list[tuple[type[Any], Any]] = [
        (sa.JSON, {"words": words}),
        (UtcDateTime, NOW),
        (sa.Boolean, False),
        (sa.Integer, 1),
        (sa.Float, 1.0),
        (sa.LargeBinary, words.encode()),
    ]
    return next((value for kind, value in kinds if isinstance(column.type, kind)), words)


def pointed_at() -> set[str]:
    """The tables that a person's rows point at, and those that these point at."""
    found, wanted = set[str](), set(ERASED)
    while wanted:
        name = wanted.pop()
        found.add(name)
        wanted |= {key.column.table.name for key in TABLES[name].foreign_keys} - found
    return found


async def fill(tx: Tx, who: str) -> None:
    """A row of the person in every table, with their words in every column that can hold some.

    Of ours, once, what theirs point at.
    """
    for table in SQLModel.metadata.sorted_tables:
        if table.name in KEPT - pointed_at():
            continue
        if table.name in KEPT and (await tx.execute(sa.select(sa.func.count()).select_from(table))).scalar_one():
            continue
        await tx.execute(table.insert(), {column.name: value_of(column, who) for column in table.columns})


async def found(tx: Tx, words: str) -> set[str]:
    """The tables in which the words stand, in whatever column."""
    tables = set()
    for table in SQLModel.metadata.sorted_tables:
        rows = (await tx.execute(table.select())).all()
        if any(words in str(value) for row in rows for value in row):
            tables.add(table.name)
    return tables


async def test_nothing_is_left_of_one_and_everything_of_the_other(store: Store) -> None:
    async with store.transaction() as tx:
        await fill(tx, "ani")
        await fill(tx, "budi")
    async with store.reading() as tx:
        before = await found(tx, secret("budi"))
        assert {
            "message",
            "turn",
            "note",
            "gap_question",
            "tool_call",
            "inbound_file",
            "promise",
            "screen_mark",
        } <= before

    async with store.transaction() as tx:
        erased = await erasure.erase(tx, "ani-contact", actor=ADMIN, now=NOW)

    async with store.reading() as tx:
        assert await found(tx, secret("ani")) == set()
        assert await found(tx, "ani-") - {"audit"} == set()
        assert await found(tx, secret("budi")) == before
        for name in ERASED:
            left = (await tx.execute(sa.select(sa.func.count()).select_from(TABLES[name]))).scalar_one()
            assert left == 1, name
        entry = (await tx.execute(sa.select(AuditEntry).where(AuditEntry.action == "erase"))).scalar_one()  # type: ignore[arg-type]
    assert entry.detail["contact"] == "ani-contact"
    assert set(erased.rows) == ERASED
    assert len(erased.files) == 1


async def test_a_file_that_somebody_else_sent_too_stays_on_its_shelf(store: Store) -> None:
    files = TABLES["inbound_file"]
    async with store.transaction() as tx:
        await fill(tx, "ani")
        await fill(tx, "budi")
        await tx.execute(files.update().values(hash="the same"))
    async with store.transaction() as tx:
        assert (await erasure.erase(tx, "ani-contact", actor=ADMIN, now=NOW)).files == ()
    async with store.transaction() as tx:
        assert (await erasure.erase(tx, "budi-contact", actor=ADMIN, now=NOW)).files == ("the same",)


async def test_a_gap_is_called_by_the_words_of_who_is_left(store: Store) -> None:
    gaps, questions = TABLES["gap"], TABLES["gap_question"]
    async with store.transaction() as tx:
        await fill(tx, "ani")
        await fill(tx, "budi")
        await tx.execute(gaps.update().where(gaps.c.id == "ani-gap").values(title="Where does Ani live?"))
        mine = questions.c.id == "ani-gap_question"
        await tx.execute(questions.update().where(mine).values(text="Where does Ani live?"))
        await tx.execute(
            questions.update()
            .where(questions.c.id == "budi-gap_question")
            .values(gap_id="ani-gap", text="Who is there?")
        )
    async with store.transaction() as tx:
        await erasure.erase(tx, "ani-contact", actor=ADMIN, now=NOW)
    async with store.reading() as tx:
        titles = {row.id: row.title for row in await tx.execute(gaps.select())}
    assert titles["ani-gap"] == "Who is there?"


async def test_nobody_is_erased_in_the_middle_of_a_send(store: Store) -> None:
    messages = TABLES["message"]
    async with store.transaction() as tx:
        await fill(tx, "ani")
        await tx.execute(messages.update().values(state="sending"))
    with pytest.raises(Conflict, match="on its way"):
        async with store.transaction() as tx:
            await erasure.erase(tx, "ani-contact", actor=ADMIN, now=NOW)
    async with store.reading() as tx:
        assert (await tx.execute(messages.select())).one().state == "sending"


async def test_who_is_not_there_cannot_be_erased(store: Store) -> None:
    async with store.transaction() as tx:
        with pytest.raises(NotFound, match="no contact nobody"):
            await erasure.erase(tx, "nobody", actor=ADMIN, now=NOW)
