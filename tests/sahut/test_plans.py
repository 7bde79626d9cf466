"""What is asked on the way of every message costs the same with ten customers and with a hundred thousand."""

import re
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from knowledge.embed import LocalEmbedder
from sahut.store import Store, numbers
from tests.databases import Templates
from tests.journeys.lines import FINE, UNKNOWN
from tests.journeys.stage import World, open_world

# They grow with every customer and every message.
GROWING = "contact|contact_identity|conversation|message|turn|receipt|citation|handoff|inbound_file"
# Indexes of the few rows that something is still to be done about.
FEW = re.compile(r"USING INDEX ix_(conversation_(undone|answered|human)|message_(outbox|failed))")
WALK = re.compile(rf"SCAN ({GROWING})\b|SEARCH ({GROWING}) USING .*\((number|status|state|kind)=\?\)")


class Plans:
    """How SQLite answers each question that is asked of a store, by its text."""

    def __init__(self, store: Store) -> None:
        self.seen: dict[str, list[str]] = {}
        sa.event.listen(store.engine.sync_engine, "before_cursor_execute", self._look)

    def _look(self, connection: Any, _cursor: Any, statement: str, given: Any, *_: Any) -> None:
        if statement.startswith(("SELECT", "UPDATE", "DELETE")) and statement not in self.seen:
            near = connection.connection.driver_connection._conn
            found = near.execute(f"EXPLAIN QUERY PLAN {statement}", given).fetchall()
            self.seen[statement] = [row[3] for row in found]

    @property
    def walks(self) -> list[str]:
        """The questions that walk a growing table: not those that stop at so many rows of an index."""
        return [
            f"{step}: {statement}"
            for statement, plan in self.seen.items()
            for step in plan
            if WALK.match(step) and not FEW.search(step) and not ("USING INDEX" in step and "LIMIT" in statement)
        ]


async def a_day(world: World) -> None:
    """An answer, a request for a human with an operator's reply, a withdrawn message, looks of the worker."""
    ani, bela, budi = world.customer("Ani"), world.customer("Bela"), await world.operator()
    await ani.says(FINE)
    await bela.says(UNKNOWN)
    await world.settles()
    await budi.claims(bela)
    await budi.writes(bela, "Sebentar, saya periksa.")
    await budi.resolves(bela)
    message = ani.text(FINE)
    await ani.deliver(message)
    await ani.deliver(ani.message("revoke", {"original_message_id": message["id"]}))
    await world.settles()
    await world.sweep()
    async with world.house.store.reading() as tx:
        await numbers.waiting(tx)


async def test_no_question_on_the_way_of_a_message_walks_a_table(
    templates: Templates, embedder: LocalEmbedder, tmp_path: Path
):
    store = Store(templates.sqlite(tmp_path / "sahut.db", learned=True))
    plans = Plans(store)
    async with open_world(str(store.url), embedder, tmp_path / "home", store=store) as world:
        await a_day(world)
    assert len(plans.seen) > 60
    assert plans.walks == []
