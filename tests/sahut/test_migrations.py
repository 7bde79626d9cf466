"""Migrations: they lead to the models' own schema, once, whoever else begins at the same moment."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlmodel import SQLModel

import sahut.models  # noqa: F401  # fills the metadata
from sahut.engine import PREFIX
from sahut.errors import ConfigurationError
from sahut.migrations import config, head, migrate, revision
from sahut.models import Ticket
from sahut.store import Store
from sahut.store.tickets import by_token

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)

MIGRATE = """
import asyncio, sys
from sahut.migrations import migrate
from sahut.store import Store

async def main():
    store = Store(sys.argv[1])
    print(await migrate(store))
    await store.close()

asyncio.run(main())
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


def differences(connection: sa.Connection) -> list[Any]:
    options = {"compare_type": True, "include_name": lambda name, kind, _: not (kind == "table" and _is_foreign(name))}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), SQLModel.metadata))


def _is_foreign(name: str) -> bool:
    """The engine's own tables, which it makes and updates itself."""
    return name.startswith(PREFIX)


async def test_the_schema_is_that_of_the_models_and_stays(empty_url: str):
    store = Store(empty_url)
    assert await migrate(store)
    assert await revision(store) == head()
    async with store.engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    assert not await migrate(store)
    await store.close()


async def test_partial_indexes_are_partial_on_both(blank_url: str):
    """Alembic compares no conditions of indexes, and without them "one open handoff" would be "one handoff"."""
    store = Store(blank_url)
    query = "SELECT name, sql FROM sqlite_master" if store.is_sqlite else "SELECT indexname, indexdef FROM pg_indexes"
    async with store.reading() as tx:
        found = {row[0]: row[1] for row in await tx.execute(sa.text(query))}
    await store.close()
    wanted = [index for table in SQLModel.metadata.sorted_tables for index in table.indexes]
    for index in wanted:
        is_partial = index.dialect_kwargs.get("sqlite_where") is not None
        assert (" WHERE " in found[index.name]) == is_partial, index.name
        assert found[index.name].startswith("CREATE UNIQUE") == index.unique


async def test_two_processes_at_once(empty_url: str):
    async def process() -> str:
        command = (sys.executable, "-c", MIGRATE, empty_url)
        running = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        out, _ = await running.communicate()
        assert running.returncode == 0
        return out.decode().strip()

    assert sorted(await asyncio.gather(process(), process())) == ["False", "True"]


TICKET = {"id": "t1", "reference": "T-222222", "call_key": "k1", "conversation_id": "c1", "contact_id": "p1"}
OLD_ROWS = {
    "contact": {"id": "p1", "name": "Ani"},
    "conversation": {
        "id": "c1", "number": "1", "contact_id": "p1", "status": "open", "holder": "assistant", "inbox_version": 0,
        "attempts": 0, "fence": 0,
    },
    "ticket": {**TICKET, "topic": "counter 2", "description": "", "status": "open"},
}  # fmt: skip


def old_rows(connection: sa.Connection) -> None:
    """A database as the first version left it, with a ticket in it."""
    chosen = config()
    chosen.attributes["connection"] = connection
    command.upgrade(chosen, "0001")
    for name, row in OLD_ROWS.items():
        table = sa.Table(name, sa.MetaData(), autoload_with=connection)
        moments = {key: NOW for key in ("created_at", "updated_at") if key in table.c}
        connection.execute(sa.insert(table).values(**row, **moments))


async def test_tickets_that_are_there_get_a_link_each(empty_url: str):
    store = Store(empty_url)
    async with store.transaction() as tx:
        await (await tx.connection()).run_sync(old_rows)
    assert await migrate(store)
    async with store.reading() as tx:
        ticket = await tx.get_one(Ticket, "t1")
        assert await by_token(tx, ticket.token) is ticket
    await store.close()
    assert (ticket.kind, ticket.updated_at, len(ticket.token)) == ("case", NOW, 32)


async def test_a_database_of_a_newer_version_is_left_alone_and_told_in_one_line(empty_url: str):
    store = Store(empty_url)
    await migrate(store)
    async with store.transaction() as tx:
        await tx.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigurationError, match=r"revision 9999.*newer.*restore a backup") as told:
        await migrate(store)
    assert "\n" not in str(told.value)
    assert await revision(store) == "9999"
    await store.close()
