"""How fast webhooks are read and stored: texts a second on one core, and a batch of 1,000 updates in one post."""

import json
import tempfile
import time
from pathlib import Path
from typing import Any

from sqlmodel import func, select

from api.whatsapp.payloads import parse
from knowledge.embed import LocalEmbedder
from sahut.migrations import migrate
from sahut.models import Message
from sahut.store import Store
from tests.bench.tables import console
from tests.journeys.stage import open_world
from tests.whatsapp.data import NOW, envelope, text_message

UPDATES = 1000
CUSTOMERS = 100
ROUNDS = 7
LEAST_A_SECOND = 20_000
MOST_S = 1.0


async def bench() -> bool:
    """Whether both targets were met: texts a second, seconds until a batch is acknowledged, each stored once."""
    batch = _batch()
    rate = max(_parsed_a_second(json.dumps(batch)) for _ in range(ROUNDS))
    console.print(f"read: {rate:,.0f} text messages a second on one core (at least {LEAST_A_SECOND:,})")
    took, again, stored = await _stored(batch)
    console.print(
        f"batch of {UPDATES}: acknowledged in {took:.2f} s, the same again in {again:.2f} s (at most {MOST_S} s)"
    )
    console.print(f"stored: {stored} of {UPDATES}, once each")
    return rate >= LEAST_A_SECOND and took <= MOST_S and stored == UPDATES


def _batch() -> dict[str, Any]:
    messages = [
        {**text_message(f"wamid.{n}", "Berapa denda telat bayar pajak?"), "from": str(6281200000000 + n % CUSTOMERS)}
        for n in range(UPDATES)
    ]
    contacts = [{"profile": {"name": f"C {n}"}, "wa_id": str(6281200000000 + n)} for n in range(CUSTOMERS)]
    return envelope({"contacts": contacts, "messages": messages})


def _parsed_a_second(body: str) -> float:
    began = time.process_time()
    events = parse(json.loads(body), served=lambda _: True, now=NOW)
    return len(events) / (time.process_time() - began)


async def _stored(batch: dict[str, Any]) -> tuple[float, float, int]:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/intake.db"
        store = Store(url)
        await migrate(store)
        async with open_world(url, LocalEmbedder(), Path(folder), store=store, burst_wait_ms=60_000) as world:
            times = []
            for _ in range(2):
                began = time.perf_counter()
                assert await world.post(batch) == 200
                times.append(time.perf_counter() - began)
            async with world.house.store.reading() as tx:
                stored = (await tx.execute(select(func.count()).select_from(Message))).scalar_one()
    return times[0], times[1], stored
