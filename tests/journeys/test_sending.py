"""The way out through a bad line: nothing lost, nothing twice, nothing out of order."""

from typing import Any

import pytest

from api.simulator.faults import Down, Fault, Late, LoseAnswer, LoseRequest, Refuse
from tests.journeys.lines import FINE, LOST, UNKNOWN
from tests.journeys.stage import World

UNKNOWN_SEND_S = 60


class Line:
    """A line to the Graph API that fails as told and remembers what was tried."""

    def __init__(self, world: World, *faults: Fault) -> None:
        self.tried: list[str] = []
        self._faults = list(faults)
        world.double.fault_for = self._next

    def _next(self, body: Any) -> Fault | None:
        self.tried.append(body["biz_opaque_callback_data"])
        return self._faults.pop(0) if self._faults else None


@pytest.mark.parametrize("fault", [LoseAnswer(), Late(20)])
async def test_a_lost_answer_is_settled_by_its_status_and_never_sent_again(world: World, fault):
    ani, budi = world.customer("Ani"), await world.operator()
    line = Line(world, fault)
    await ani.says(FINE)
    await world.passes(10 * UNKNOWN_SEND_S)

    assert len(line.tried) == len(world.sent_to(ani)) == 1
    last = (await budi.messages(ani))[-1]
    assert (last["state"], last["wamid"]) == ("read", ani.received[0].wamid)
    assert await budi.handoffs(ani) == []


async def test_a_lost_request_is_sent_once_more_under_the_same_callback_id(world: World):
    ani = world.customer("Ani")
    line = Line(world, LoseRequest())
    await ani.says(FINE)
    await world.passes(UNKNOWN_SEND_S - 1)
    assert len(line.tried) == 1
    await world.passes(UNKNOWN_SEND_S)

    assert len(world.sent_to(ani)) == 1
    assert len(line.tried) == 2
    assert len(set(line.tried)) == 1


async def test_a_request_that_is_lost_twice_goes_to_a_human(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    line = Line(world, LoseRequest(), LoseRequest())
    await ani.says(FINE)
    await world.passes(10 * UNKNOWN_SEND_S)

    assert world.sent_to(ani) == []
    assert len(line.tried) == 2
    assert (await budi.messages(ani))[1]["state"] == "failed"
    (handoff,) = await budi.handoffs(ani)
    assert "Not delivered" in handoff["summary"]


async def test_an_answer_that_was_held_up_goes_out_ahead_of_the_handoff_behind_it(world: World):
    ani = world.customer("Ani")
    Line(world, LoseRequest())
    await ani.says(FINE)
    await world.settles()
    await ani.says(UNKNOWN)
    await world.settles()
    assert world.sent_to(ani) == []
    await world.passes(UNKNOWN_SEND_S)

    answer, acknowledgement = world.sent_to(ani)
    assert "2%" in answer
    assert "rekan kami" in acknowledgement


async def test_what_follows_a_lost_answer_waits_its_turn(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    Line(world, LoseRequest())
    await ani.says(FINE)
    await world.settles()
    await ani.says(LOST)
    await world.settles()
    assert world.sent_to(ani) == []
    await world.passes(UNKNOWN_SEND_S)

    assert ["2%" in text for text in world.sent_to(ani)] == [True, False]
    assert [message["state"] for message in (await budi.messages(ani)) if message["author"] == "assistant"] == [
        "read",
        "read",
    ]


@pytest.mark.parametrize("fault", [Down(), Refuse(131056), Refuse(130429), Refuse(131016)])
async def test_what_cannot_be_sent_now_is_sent_later_and_in_order(world: World, fault):
    ani, budi = world.customer("Ani"), await world.operator()
    Line(world, fault, fault)
    await ani.says(FINE)
    await world.settles()
    await ani.says(LOST)
    await world.settles()
    assert world.sent_to(ani) == []
    await world.passes(1800)

    assert ["2%" in text for text in world.sent_to(ani)] == [True, False]
    assert await budi.handoffs(ani) == []


async def test_a_refusal_for_good_is_told_to_a_human(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    Line(world, Refuse(131026))
    await ani.says(FINE)
    await world.settles()

    message = (await budi.messages(ani))[-1]
    assert (message["state"], message["error_code"]) == ("failed", 131026)
    assert [item["state"] for item in await budi.handoffs(ani)] == ["queued"]


async def test_one_customer_who_cannot_be_reached_holds_nobody_else(world: World):
    ani, bela = world.customer("Ani"), world.customer("Bela")
    world.double.fault_for = lambda body: Down() if ani.phone in body["to"] else None
    await ani.says(FINE)
    await bela.says(FINE)
    await world.settles()

    assert world.sent_to(ani) == []
    assert len(world.sent_to(bela)) == 1


async def test_a_customer_without_a_phone_number_is_answered_by_their_user_id(world: World):
    ani, budi = world.customer("Ani", phone=False, user_id="ID.13491208655302741918"), await world.operator()
    await ani.says(FINE)
    await world.settles()

    (reply,) = ani.received
    assert reply.body["recipient"] == "ID.13491208655302741918"
    assert "to" not in reply.body
    contact = (await budi.conversation(ani))["contact"]
    assert (contact["phone"], contact["user_id"]) == (None, "ID.13491208655302741918")
