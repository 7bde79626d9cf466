"""What goes wrong between the double and the service: lost answers, late statuses, webhooks that are not taken."""

import asyncio
import dataclasses
import socket
from datetime import timedelta

import httpx
import pytest
import uvicorn

from api.simulator.faults import Down, Late, LoseAnswer, LoseRequest, Refuse
from api.simulator.graph import TOKEN, GraphDouble
from api.simulator.postoffice import RETRY_AFTER_S
from api.whatsapp.client import GraphClient
from api.whatsapp.outgoing import addressed, text
from sahut.errors import SendNotMade, SendUnknown
from tests.whatsapp.world import World, code_of


async def test_faults():
    world = World(window="off", pair_rate=False)
    world.double.fail_next(LoseAnswer(), LoseRequest(), Down(), Refuse(131000), Refuse(131048), Late(60))
    with pytest.raises(SendUnknown):
        await world.send("taken")
    with pytest.raises(SendUnknown):
        await world.send("lost")
    with pytest.raises(SendNotMade):
        await world.send("never left")
    assert await code_of(world.send("refused")) == 131000
    assert await code_of(world.send("refused")) == 131048
    sending = asyncio.create_task(world.send("late"))
    await world.clock.walk(15)
    with pytest.raises(SendUnknown):
        await sending
    assert [sent.text for sent in world.double.sent] == ["taken", "late"]
    assert [code for _, code in world.double.refused] == [131000, 131048]


async def test_an_answer_may_be_late_and_the_status_sooner():
    world = World(window="off")
    world.double.fault_for = lambda body: Late(5)
    sending = asyncio.create_task(world.send())
    await world.clock.walk(3)
    assert not sending.done()
    await world.double.deliver_statuses(1)
    assert world.service.states == ["sent"]
    await world.clock.walk(2)
    assert await sending == world.service.events[0].wamid


async def test_statuses_can_be_shuffled_doubled_and_delayed():
    world = World(window="off", status_delay_s=10)
    await world.send()
    assert await world.double.deliver_statuses() == 0
    world.clock.advance(30)
    pending = world.double.mail.pending
    pending.reverse()
    pending.append(dataclasses.replace(pending[0]))
    pending[1].due_at = world.clock.now() + timedelta(seconds=1)
    assert await world.double.deliver_statuses() == 3
    assert world.service.states == ["read", "sent", "read"]
    world.clock.advance(1)
    await world.double.deliver_statuses()
    assert world.service.states[-1] == "delivered"


async def test_a_webhook_that_is_not_taken_comes_again_and_is_dropped_in_the_end():
    world = World()
    world.service.answers = [503, 500]
    await world.ana.says("halo")
    assert world.service.said == []
    assert await world.double.deliver_statuses() == 0
    world.clock.advance(1)
    assert await world.double.deliver_statuses() == 0
    world.clock.advance(5)
    assert await world.double.deliver_statuses() == 1
    assert world.service.said == ["halo"]

    world.service.answers = [500] * 99
    await world.ana.says("hilang")
    for seconds in RETRY_AFTER_S:
        world.clock.advance(seconds)
        await world.double.deliver_statuses()
    assert world.double.mail.pending == []
    assert len(world.double.mail.dropped) == 1


async def test_a_service_that_falls_over_loses_no_webhook():
    world = World()

    class Crash(BaseException):
        pass

    async def crash(scope, receive, send):
        raise Crash

    sound = world.double.mail.client
    world.double.mail.client = httpx.AsyncClient(transport=httpx.ASGITransport(app=crash), base_url="http://service")
    with pytest.raises(Crash):
        await world.ana.says("halo")
    world.double.mail.client = sound
    world.clock.advance(1)
    await world.double.deliver_statuses()
    assert world.service.said == ["halo"]


async def test_by_itself_it_delivers_as_things_fall_due():
    world = World(window="off", status_delay_s=2)
    world.double.mail.start()
    world.service.answers = [503]
    await world.ana.says("halo")
    await world.send()
    await world.clock.walk(10)
    assert world.service.said == ["halo"]
    assert world.service.states == ["sent", "delivered", "read"]
    await world.double.mail.stop()
    await world.send()
    await world.clock.walk(10)
    assert len(world.service.states) == 3


async def test_without_a_client_it_says_what_is_missing():
    double = GraphDouble()
    with pytest.raises(RuntimeError, match=r"mail\.client"):
        await double.customer("628123456").says("halo")


async def test_over_real_http():
    world = World(window="off")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(world.double.app, log_level="critical", lifespan="off"))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        client = GraphClient(url=f"http://127.0.0.1:{listener.getsockname()[1]}", version="v26.0", token=TOKEN)
        while not server.started:
            await asyncio.sleep(0.005)
        message = addressed(text("halo"), phone=world.ana.phone, callback_id="c")
        assert (await client.send(world.double.number, message)).startswith("wamid.")
        world.double.fail_next(LoseAnswer(), Down())
        for _ in range(2):
            with pytest.raises(SendUnknown):
                await client.send(world.double.number, message)
        await client.close()
        server.should_exit = True
        await serving
    nowhere = GraphClient(url="http://127.0.0.1:1", version="v26.0", token=TOKEN)
    with pytest.raises(SendNotMade):
        await nowhere.send(world.double.number, message)
    await nowhere.close()
