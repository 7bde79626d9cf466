"""kill -9, three times in the middle of a hundred conversations, on real processes: each is answered once, in order."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from api.simulator.customers import Customer
from tests.bench.processes import Chroma, Env, ServedDouble, Service, environment, learn, served_double

CUSTOMERS = 100
KILLS = 3
# A message whose POST a kill prevented goes out when the wait for its status (60 s) is over: a crew that sends nothing
# for longer than that will send nothing more.
QUIET_S = 150
# What is asked, and what only its answer says.
TALK = (
    ("Berapa denda kalau telat bayar pajak kendaraan?", "2% per bulan"),
    ("I lost my registration certificate. What do I need to get a new one?", "loss report"),
)

Crew = tuple[Service, ...]


@asynccontextmanager
async def _played(env: Env, double: ServedDouble, crew: Crew) -> AsyncIterator[None]:
    await asyncio.to_thread(learn, env)
    try:
        for service in crew:
            await asyncio.to_thread(service.start().ready)
        double.posts_to(crew[0].address)
        yield
    finally:
        for service in crew:
            service.stop()


async def _talk(customer: Customer) -> None:
    """The second question comes when the first is answered."""
    for number, (question, _) in enumerate(TALK):
        await customer.says(question)
        while len(customer.received) <= number:
            await asyncio.sleep(0.05)


async def _storm(double: ServedDouble, crew: Crew) -> list[Customer]:
    """A hundred customers within some seconds, while the crew's members are killed and started again."""
    customers = [double.customer(f"62813{number:08}", f"Customer {number}") for number in range(CUSTOMERS)]
    talks = [asyncio.create_task(_talk(customer)) for customer in customers[:40]]
    for kill in range(KILLS):
        await asyncio.sleep(0.7)
        victim = crew[kill % len(crew)]
        victim.kill()
        talks += [asyncio.create_task(_talk(customer)) for customer in customers[40 + kill * 20 : 60 + kill * 20]]
        await asyncio.to_thread(victim.start().ready)
    double.mail.hurry(1)
    await _ended(talks, double)
    return customers


async def _ended(talks: list[asyncio.Task[None]], double: ServedDouble) -> None:
    """Wait for the ends of the talks, however slow the machine, as long as something is sent in them."""
    open_talks, sent = set(talks), -1
    while open_talks and len(double.sent) > sent:
        sent = len(double.sent)
        _, open_talks = await asyncio.wait(open_talks, timeout=QUIET_S)
    for talk in open_talks:
        talk.cancel()
    for talk in set(talks) - open_talks:
        talk.result()


async def _check(double: ServedDouble, customers: list[Customer]) -> None:
    await asyncio.sleep(1)
    twice = [callback for callback, times in Counter(sent.callback for sent in double.sent).items() if times > 1]
    assert twice == []
    for customer in customers:
        texts = [sent.text for sent in customer.received]
        assert len(texts) == len(TALK), (customer.phone, texts)
        for text, (_, words) in zip(texts, TALK, strict=True):
            assert words in text, (customer.phone, texts)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_every_conversation_is_answered_once_and_in_order(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
):
    async with served_double() as double:
        more = {"SAHUT_TURN_TIMEOUT_S": "15", "SAHUT_BURST_WAIT_MS": "0"}
        if database == "sqlite":
            env = environment(tmp_path, double.address, **more)
            async with _played(env, double, (service := Service(env),)):
                await _check(double, await _storm(double, (service,)))
            return
        url = request.getfixturevalue("postgres_url")
        with Chroma(tmp_path) as chroma:
            env = environment(tmp_path, double.address, SAHUT_DATABASE_URL=url, SAHUT_CHROMA_URL=chroma.address, **more)
            crew = (Service(env), Service(env, verb="work"))
            async with _played(env, double, crew):
                await _check(double, await _storm(double, crew))
