"""The typing mark: once for a quick answer, kept alive for a slow one, and never in its way."""

import asyncio

import pytest

from api.sending.ticks import Ticks
from tests.whatsapp.world import World


async def settled(ticks: Ticks) -> None:
    while ticks.tasks:
        await asyncio.gather(*ticks.tasks)


@pytest.fixture
async def asked() -> tuple[World, str]:
    world = World()
    return world, await world.ana.says("halo")


async def test_a_quick_answer_marks_once(asked):
    world, wamid = asked
    ticks = Ticks(world.client)
    with ticks.answering(world.double.number, wamid) as coming:
        coming()
    await settled(ticks)
    assert [(mark.wamid, mark.typing) for mark in world.double.read_marks] == [(wamid, True)]


async def test_a_slow_answer_keeps_the_mark_alive_until_it_is_there(asked):
    world, wamid = asked
    ticks = Ticks(world.client, again_s=0.001)
    with ticks.answering(world.double.number, wamid) as coming:
        coming()
        while len(world.double.read_marks) < 4:
            await asyncio.sleep(0)
    await settled(ticks)
    marked = len(world.double.read_marks)
    await asyncio.sleep(0.01)
    assert len(world.double.read_marks) == marked


async def test_silence_marks_nothing_and_a_refusal_harms_nothing(asked):
    world, wamid = asked
    ticks = Ticks(world.client, again_s=0)
    with ticks.answering(world.double.number, wamid):
        pass
    with ticks.answering(world.double.number, None) as coming:
        coming()
    assert not ticks.tasks
    with ticks.answering(world.double.number, "wamid.unknown") as coming:
        coming()
        await settled(ticks)
    assert world.double.read_marks == []
