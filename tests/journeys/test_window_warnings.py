"""Before a window ends in which a customer waits for a human, operators are told of it: once, whoever looks."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from api.simulator.customers import Customer
from knowledge.embed import LocalEmbedder
from sahut.models import AuditEntry, HookEvent
from tests.journeys.lines import FINE, LOST, SPAM, UNKNOWN
from tests.journeys.people import Operator
from tests.journeys.stage import World, open_world

DAY_S = 24 * 3600
WARNED_S = DAY_S - 7200


@pytest.fixture
async def world(learned_url: str, embedder: LocalEmbedder, tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(learned_url, embedder, tmp_path, webhooks_allow_private=True) as world:
        yield world


async def warnings(world: World) -> list[AuditEntry]:
    return [entry for entry in await world.rows(AuditEntry) if entry.action == "window_ending"]


async def is_warned(budi: Operator, customer: Customer) -> Any:
    return (await budi.conversation(customer))["window_warned"]


async def test_operators_are_told_two_hours_before_the_window_ends(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says(UNKNOWN)
    await world.passes(WARNED_S - 1)
    assert (await is_warned(budi, ani), await warnings(world)) == (False, [])
    with world.house.events.subscribe() as changes:
        await world.passes(1)
        heard = await asyncio.wait_for(anext(changes), 5)

    conversation = await budi.conversation(ani)
    assert heard.conversation_id == conversation["id"]
    assert conversation["window_warned"] is True
    (told,) = await warnings(world)
    assert (told.actor, told.conversation_id) == ("Sahut", conversation["id"])
    assert told.detail["closes_at"][:19] == conversation["window_closes_at"][:19]
    assert [entry["log_level"] for entry in world.logs if "window ends soon" in entry["event"]] == ["warning"]
    assert UNKNOWN not in str(world.logs)


async def test_it_is_told_once_however_long_nobody_comes(world: World):
    ani = world.customer("Ani")
    await ani.says(UNKNOWN)
    await world.passes(3 * DAY_S)
    assert len(await warnings(world)) == 1


async def test_workers_who_look_at_the_same_moment_tell_it_once(world: World):
    people = [world.customer(name) for name in ("Ani", "Bela", "Citra")]
    for customer in people:
        await customer.says(UNKNOWN)
    await world.settles()
    world.clock.advance(WARNED_S)
    await asyncio.gather(*(world.house.worker.look() for _ in range(3)))
    assert len(await warnings(world)) == len(people)


async def test_a_new_message_arms_the_next_warning(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says(UNKNOWN)
    await world.passes(WARNED_S + 60)
    await ani.says("Halo? Masih di sana?")
    await world.settles()
    assert await is_warned(budi, ani) is False
    await world.passes(WARNED_S)
    assert await is_warned(budi, ani) is True
    assert len(await warnings(world)) == 2


async def test_who_holds_a_request_is_told_too(world: World):
    ani, bela, budi = world.customer("Ani"), world.customer("Bela"), await world.operator()
    await ani.says(UNKNOWN)
    await bela.says(FINE)
    await world.settles()
    await budi.claims(ani)
    await budi.takes_over(bela)
    await world.passes(WARNED_S)
    assert [await is_warned(budi, customer) for customer in (ani, bela)] == [True, True]


async def test_nobody_is_told_where_no_human_is_waited_for(world: World):
    names = ("Ani", "Bela", "Citra", "Dewi")
    answered, resolved, returned, spammer = (world.customer(name) for name in names)
    budi = await world.operator()
    await answered.says(FINE)
    await spammer.says(SPAM)
    for customer in (resolved, returned):
        await customer.says(UNKNOWN)
    await world.settles()
    await budi.resolves(resolved)
    await budi.returns(returned)
    await world.passes(2 * DAY_S)
    assert await warnings(world) == []


async def test_a_service_that_was_down_tells_late_and_not_of_what_is_lost(world: World):
    late, lost, budi = world.customer("Ani"), world.customer("Bela"), await world.operator()
    await lost.says(UNKNOWN)
    await world.settles()
    world.clock.advance(1800)
    await late.says(UNKNOWN)
    await world.settles()
    world.clock.advance(DAY_S - 1800 - 30)
    await world.sweep()
    assert [await is_warned(budi, customer) for customer in (late, lost)] == [True, False]


async def test_a_window_that_meta_closed_early_is_not_warned_of(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says(FINE)
    await world.settles()
    assert await world.post(world.double.status_payload(ani.received[0], "failed", code=131047)) == 200
    await world.passes(WARNED_S)
    assert [item["state"] for item in await budi.handoffs(ani)] in ([], ["queued"])
    assert await warnings(world) == []


async def test_other_systems_hear_of_it(world: World):
    ani, admin = world.customer("Ani"), world.rest(await world.key("rina", "admin"))
    hook = {"url": "http://127.0.0.1:9/hook", "events": ["window.ending"]}
    assert (await admin.post("webhooks", hook)).status_code == 201
    await ani.says(LOST)
    await ani.says(UNKNOWN)
    await world.passes(2 * DAY_S)
    (event,) = await world.rows(HookEvent)
    assert event.type == "window.ending"
    assert '"state":"queued"' in event.body
    assert '"window_closes_at"' in event.body
    assert UNKNOWN not in event.body


async def test_the_house_that_warns_of_nothing(learned_url: str, embedder: LocalEmbedder, tmp_path: Path):
    async with open_world(learned_url, embedder, tmp_path, window_warning_s=0) as world:
        ani = world.customer("Ani")
        await ani.says(UNKNOWN)
        await world.passes(2 * DAY_S)
        assert await warnings(world) == []
