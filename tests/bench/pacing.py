"""The pace under backlog: two workers on PostgreSQL, a Graph double that keeps Meta's limits, and its log.

What is measured: the share of the allowed rate that was used, and the busiest second of the log.
"""

import asyncio
from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from pathlib import Path

from api.simulator.graph import NUMBER
from api.simulator.rules import Rules
from sahut.events import Inbound
from sahut.migrations import migrate
from sahut.models import Author, Purpose
from sahut.store import Store, inbox, outbox, rows
from tests.bench.processes import Folder, Postgres, Service, environment, served_double
from tests.bench.tables import Target, console

ALLOWED = 20
WARM_UP = timedelta(seconds=3)
SECOND = timedelta(seconds=1)
BODY = {"type": "text", "text": {"body": "a reply"}}


async def bench(*, seconds: float) -> bool:
    """Print the figures; whether the targets were met."""
    with Postgres() as postgres, Folder() as home:
        rules = Rules(window="off", messages_per_s=ALLOWED, statuses=())
        async with served_double(rules, seed=1) as double:
            url = postgres.fresh()
            await _backlog(url, round(ALLOWED * (seconds + 15)))
            services = [_worker(home / str(number), double.address, url) for number in (1, 2)]
            try:
                for service in services:
                    service.start()
                for service in services:
                    await asyncio.to_thread(service.ready)
                await asyncio.sleep(WARM_UP.total_seconds() + seconds)
            finally:
                for service in services:
                    await asyncio.to_thread(service.stop)
            moments = sorted(sent.at for sent in double.sent)
            return _told(moments, len(double.refused), timedelta(seconds=seconds))


def _worker(home: Path, graph: str, url: str) -> Service:
    """A whole service of its own over the common database."""
    home.mkdir()
    env = environment(home, graph, SAHUT_DATABASE_URL=url, SAHUT_WHATSAPP_MESSAGES_PER_S=str(ALLOWED))
    return Service(env, roles="web,worker", name="service")


async def _backlog(url: str, count: int) -> None:
    """So many customers wait for one message each."""
    store = Store(url)
    await migrate(store)
    now = datetime.now(UTC)
    for customer in range(count):
        phone = f"62811{customer:05}"
        inbound = Inbound(number=NUMBER, wamid=f"in-{phone}", phone=phone, text="hi", sent_at=now, body={})
        async with store.transaction() as tx:
            received = await inbox.receive(tx, inbound, now=now, wait=None)
            conversation = await rows.lock_conversation(tx, received.conversation_id)
            assert conversation is not None
            facts = {"author": Author.ASSISTANT, "purpose": Purpose.REPLY, "now": now}
            tx.add(outbox.draft(conversation, text="a reply", body=BODY, **facts))
    await store.close()


def _told(moments: list[datetime], refused: int, length: timedelta) -> bool:
    begin = moments[-1] - length
    used = (len(moments) - bisect_left(moments, begin)) / (ALLOWED * length.total_seconds())
    busiest = max(at + 1 - bisect_left(moments, moment - SECOND, lo=0) for at, moment in enumerate(moments))
    console.print(f"{len(moments)} messages, {refused} refused, {ALLOWED}/s allowed")
    return Target.show(
        [
            Target("share of the allowed rate", round(used, 3), at_least=0.95),
            Target("busiest second", busiest, at_most=ALLOWED),
            Target("refused", refused, at_most=0),
        ]
    )
