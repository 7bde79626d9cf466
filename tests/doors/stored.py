"""What a webhook leaves in the tables, without what differs from run to run; `python -m tests.doors.stored` keeps it.

The kept ones are `tests/fixtures/stored.json`: look at the difference before you commit it.
"""

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any

from sqlmodel import SQLModel, select

from knowledge.embed import LocalEmbedder
from sahut.migrations import migrate
from sahut.models import AccountNews, Contact, ContactIdentity, Conversation, FormerIdentity, Handoff, Message, RawEvent
from sahut.store import Store
from tests.journeys.stage import World, open_world
from tests.whatsapp.data import FIXTURES

KEPT = Path(__file__).parents[1] / "fixtures" / "stored.json"
SHOWN: dict[type[SQLModel], tuple[str, ...]] = {
    Message: (
        *("wamid", "author", "author_name", "kind", "state", "text", "sent_at", "about", "reaction", "reacted_at"),
        *("edited_at", "revoked_at"),
    ),
    Conversation: (
        *("status", "holder", "held_by", "window_opened_at", "owned_at", "standby_at", "free_until", "held_until"),
    ),
    Contact: ("name", "marketing_stopped_at", "marketing_resumed_at", "number_changed_at", "review"),
    ContactIdentity: ("kind", "value"),
    FormerIdentity: ("kind", "value", "until"),
    Handoff: ("state", "reason", "summary"),
    AccountNews: ("field", "event", "words", "at"),
    RawEvent: ("why",),
}


async def stored(world: World) -> dict[str, list[dict[str, Any]]]:
    """The rows by table, in an order of their own."""
    found: dict[str, list[dict[str, Any]]] = {}
    async with world.house.store.reading() as tx:
        for table, names in SHOWN.items():
            rows = (await tx.execute(select(table))).scalars()
            shown = [json.loads(row.model_dump_json(include=set(names))) for row in rows]
            if isinstance(table, type) and table is Message:
                shown = [one for one in shown if one["author"] != "assistant"]
            if shown:
                told = [{key: value for key, value in row.items() if value not in (None, "")} for row in shown]
                found[table.__name__] = sorted(told, key=lambda row: json.dumps(row, sort_keys=True))
    return found


async def after(name: str, folder: Path, embedder: LocalEmbedder) -> dict[str, Any]:
    """What one fixture leaves in a fresh house."""
    url = f"sqlite:///{folder / name}.db"
    store = Store(url)
    await migrate(store)
    async with open_world(url, embedder, folder, store=store) as world:
        assert await world.post(FIXTURES[name]) == 200
        return await stored(world)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        embedder = LocalEmbedder()
        kept = {name: asyncio.run(after(name, Path(folder), embedder)) for name in FIXTURES}
    KEPT.write_text(json.dumps(kept, indent=1, ensure_ascii=False, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
