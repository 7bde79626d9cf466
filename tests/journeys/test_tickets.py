"""Tickets: opened by the customer's yes, once."""

import pytest

from api.simulator.customers import Sent
from tests.journeys.lines import COMPLAINT, FINE
from tests.journeys.stage import World


def buttons_of(sent: Sent) -> list[dict[str, str]]:
    return [button["reply"] for button in sent.body["interactive"]["action"]["buttons"]]


async def test_a_ticket_is_opened_after_the_customers_yes(world: World):
    tirta, budi = world.customer("Tirta"), await world.operator()
    await tirta.says(COMPLAINT)
    await world.settles()
    assert await budi.rest.items("tickets") == []

    await tirta.says("ya")
    await world.settles()
    (ticket,) = await budi.rest.items("tickets")
    assert "loket 2" in ticket["description"]
    assert ticket["conversation_id"] == (await budi.conversation(tirta))["id"]
    assert ticket["reference"] in world.sent_to(tirta)[-1]
    receipt = await budi.receipt(tirta, tirta.received[-1])
    assert [(call["name"], call["state"]) for call in receipt["tools"]] == [("create_ticket", "done")]


async def test_the_yes_may_be_a_pressed_button(world: World):
    tirta, budi = world.customer("Tirta"), await world.operator()
    await tirta.says(COMPLAINT)
    await world.settles()

    (question,) = tirta.received
    yes = buttons_of(question)[0]
    await tirta.sends(tirta.presses(yes["id"], yes["title"], quote=question.wamid))
    await world.settles()
    assert len(await budi.rest.items("tickets")) == 1


@pytest.mark.parametrize("answer", ["tidak", FINE])
async def test_no_ticket_without_a_yes(world: World, answer):
    tirta, budi = world.customer("Tirta"), await world.operator()
    await tirta.says(COMPLAINT)
    await world.settles()
    await tirta.says(answer)
    await world.settles()

    assert await budi.rest.items("tickets") == []
    assert len(world.sent_to(tirta)) == 2
    await tirta.says("ya")
    await world.settles()
    assert await budi.rest.items("tickets") == []


async def test_one_ticket_however_often_the_yes_comes(world: World):
    tirta, budi = world.customer("Tirta"), await world.operator()
    await tirta.says(COMPLAINT)
    await world.settles()
    letter = world.double.payload_of(tirta.text("ya"))
    for _ in range(3):
        assert await world.post(letter) == 200
    await world.settles()
    await tirta.says("ya")
    await world.settles()

    assert len(await budi.rest.items("tickets")) == 1


async def test_a_turn_that_died_after_its_ticket_opens_no_second_one(world: World):
    tirta, budi = world.customer("Tirta"), await world.operator()
    await tirta.says(COMPLAINT)
    await world.settles()
    world.model.hold()
    await tirta.says("ya")
    await tirta.says(FINE)
    await world.settles()
    assert len(await budi.rest.items("tickets")) == 1

    await tirta.says("Halo?")
    world.model.go_on()
    await world.settles()
    (ticket,) = await budi.rest.items("tickets")
    assert ticket["reference"] in world.sent_to(tirta)[-1]
    assert len(world.sent_to(tirta)) == 2
