"""What a crash, a fault or a lost wake-up leaves behind is found again: nothing is answered by silence."""

import asyncio
from contextlib import suppress
from datetime import timedelta

from sahut.engine import Engine
from sahut.testing.clock import START
from tests.journeys.lines import FINE, LOST
from tests.journeys.stage import World, until

BOOM = RuntimeError("the model fell over")


async def test_complaint_04_a_message_that_kills_every_turn_goes_to_a_human(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    world.model.says(*[BOOM] * 10)
    await ani.says(FINE)
    await world.passes(60)

    assert len(world.model.briefs) == 3
    assert len(world.sent_to(ani)) == 1
    (handoff,) = await budi.handoffs(ani)
    assert (handoff["reason"], handoff["state"]) == ("model_failed", "queued")


async def test_complaint_04_a_turn_that_failed_once_is_taken_again(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    world.model.says(BOOM)
    await ani.says(FINE)
    await world.passes(10)

    assert len(world.sent_to(ani)) == 1
    assert "2%" in world.sent_to(ani)[0]
    assert await budi.handoffs(ani) == []


async def test_complaint_04_a_lost_wake_up_costs_a_second(world: World):
    ani = world.customer("Ani")
    async with world.working():
        await world.falls_asleep()
        world.engine.deaf = True
        await ani.says(FINE)
        await world.settles()
        assert world.sent_to(ani) == []

        world.clock.advance(1)
        await until(lambda: bool(world.sent_to(ani)))
    assert world.clock.now() - START == timedelta(seconds=1)


async def test_a_worker_that_stops_in_the_middle_of_a_turn_leaves_it_to_the_next_at_once(world: World):
    ani = world.customer("Ani")
    world.model.hold()
    await ani.says(FINE)
    world.engine.take()
    async with world.working():
        await until(lambda: world.model.holding == 1)
    assert world.sent_to(ani) == []

    world.model.go_on()
    await world.sweep()
    assert len(world.sent_to(ani)) == 1


async def test_complaint_04_a_message_between_the_last_look_and_the_end_of_the_job_is_found(world: World):
    """The engine skips a wake-up while the job of the same key is not completed: the sweep must find the row."""
    ani, worker = world.customer("Ani"), world.house.worker
    engine, attended = Engine("sqlite://"), asyncio.Event()

    async def attend_and_linger(key: str) -> None:
        await worker.attend(key)
        if not attended.is_set():
            await ani.says(LOST)
            for topic, woken in world.engine.take():
                await engine.wake(topic, woken)
            attended.set()

    serving = asyncio.create_task(engine.run({"turn": attend_and_linger}))
    await ani.says(FINE)
    for topic, key in world.engine.take():
        await engine.wake(topic, key)
    await attended.wait()
    await asyncio.sleep(0.01)
    assert len(world.sent_to(ani)) == 1
    await world.sweep()
    serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving

    assert ["2%" in text for text in world.sent_to(ani)] == [True, False]


async def test_complaint_04_a_worker_that_died_in_a_turn_leaves_it_to_the_next(world: World):
    ani = world.customer("Ani")
    world.model.hold()
    await ani.says(FINE)
    await world.settles()
    await world.dies()
    world.model.go_on()
    await world.passes(300)

    assert len(world.sent_to(ani)) == 1


async def test_a_worker_that_wakes_too_late_records_nothing(world: World):
    ani = world.customer("Ani")
    world.model.hold()
    await ani.says(FINE)
    await world.settles()
    world.clock.advance(300)
    second = asyncio.create_task(world.house.worker.attend((await world.house.worker.look())[0][1]))
    await until(lambda: world.model.holding == 2)
    world.model.go_on()
    await second
    await world.passes(60)

    assert len(world.sent_to(ani)) == 1
    outcomes = sorted(entry["outcome"] for entry in world.logs if entry["event"] == "turn taken")
    assert outcomes == ["lease_lost", "recorded"]
