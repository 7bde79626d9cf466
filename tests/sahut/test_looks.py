"""What is looked for again and again is found by an index, however many rows there are."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel

from sahut.store import Store, Tx, closings, files, handoffs, outbox, turns, windows
from sahut.testing.clock import START
from tests.databases import Templates

NOW = {"now": START, "limit": 10}
WINDOW = {**NOW, "margin": timedelta(minutes=1), "before": timedelta(hours=2)}
LOOKS: dict[str, Callable[[Tx], Awaitable[Any]]] = {
    "turns": lambda tx: turns.undone(tx, **NOW),
    "sends": lambda tx: outbox.due(tx, **NOW),
    "notices": lambda tx: handoffs.due(tx, **NOW),
    "closings": lambda tx: closings.due(tx, **WINDOW),
    "windows": lambda tx: windows.ending(tx, **WINDOW),
    "files that come": lambda tx: files.due(tx, now=START),
    "files that go": lambda tx: files.forget(tx, before=START, error="", limit=10),
}


@pytest.mark.parametrize("look", LOOKS)
async def test_a_look_scans_no_table(templates: Templates, tmp_path: Path, look: str):
    store, asked = Store(templates.sqlite(tmp_path / "sahut.db")), []

    @sa.event.listens_for(store.engine.sync_engine, "before_cursor_execute")
    def _asked(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    async with store.transaction() as tx:
        await LOOKS[look](tx)
        connection = await tx.connection()
        for statement, parameters in [one for one in asked if "BEGIN" not in one[0]]:
            plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            scanned = {row[3].split()[1] for row in plan if row[3].startswith("SCAN")}
            # Of our own numbers there are a few.
            assert scanned & set(SQLModel.metadata.tables) <= {"phone_number"}, statement
    await store.close()
