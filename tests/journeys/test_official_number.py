""" "Is this really your official number?" is answered from Meta's own record, and never beyond it."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from api.sending.account import AccountChannel, AccountWatch
from knowledge.learn import learn
from sahut.brief import Draft, Sentence
from sahut.errors import SendNotMade
from sahut.store import account
from sahut.toolcall import ToolCall
from tests.journeys.lines import FINE
from tests.journeys.stage import World, until

DAY_S = 24 * 3600
NUMBER = "+15550783881"
ASKED = [
    ("Apakah ini nomor resmi?", "Samsat Nusa Raya"),
    ("ini penipuan bukan sih?", "OTP"),
    ("Is this really your official number?", "reviewed"),
    ("is this a scam?", "OTP"),
    ("Este número é mesmo oficial?", "verificou"),
    ("isto é um golpe?", "PIN"),
    ("¿De verdad es el número oficial?", "revisado"),
    ("¿Esto es una estafa?", "PIN"),
    ("Er þetta opinbera númerið ykkar?", "farið yfir"),
    ("Er þetta svindl?", "PIN"),
]


@dataclass
class Line:
    """The way to Meta, which is down for the first `failures` questions."""

    channel: AccountChannel
    failures: int = 0

    async def number_status(self, number: str) -> dict[str, Any]:
        if self.failures:
            self.failures -= 1
            raise SendNotMade("down")
        return await self.channel.number_status(number)


def watch(world: World, *, failures: int = 0) -> AccountWatch:
    house = world.house
    line = Line(house.channel, failures)

    async def numbers() -> list[str]:
        return [house.settings.whatsapp_phone_number_id]

    return AccountWatch(house.store, line, world.clock, numbers)


async def answer(world: World, text: str) -> str:
    ani = world.customer("Ani")
    await ani.says(text)
    await world.settles()
    return world.sent_to(ani)[-1]


@pytest.mark.parametrize(("text", "says"), ASKED)
async def test_it_is_answered_from_the_record_in_five_languages(world: World, text: str, says: str):
    assert await watch(world).refresh()
    said = await answer(world, text)
    assert NUMBER in said
    assert "Samsat Nusa Raya" in said
    assert says in said


async def test_the_facts_stand_in_the_receipt(world: World):
    await watch(world).refresh()
    ani, budi = world.customer("Ani"), await world.operator()
    await answer(world, "is this a scam?")
    (call,) = (await budi.receipt(ani, ani.received[-1]))["tools"]
    assert (call["name"], call["state"]) == ("official_number", "done")
    assert NUMBER in call["result"]


@pytest.mark.parametrize("review", ["DECLINED", "PENDING_REVIEW", "AVAILABLE_WITHOUT_REVIEW", "NONE", "SOMETHING_NEW"])
async def test_a_name_that_was_not_reviewed_is_not_called_so(world: World, review: str):
    world.double.standing["name_status"] = review
    await watch(world).refresh()
    said = await answer(world, "Is this really your official number?")
    assert "has not reviewed" in said


async def test_the_badge_is_told_as_it_is(world: World):
    await watch(world).refresh()
    assert "no blue check" in await answer(world, "Is this really your official number?")
    world.double.standing["is_official_business_account"] = True
    await watch(world).refresh()
    assert "carries the blue check" in await answer(world, "is this a scam?")


async def test_a_record_that_lacks_something_is_not_filled_in(world: World):
    world.double.standing.update(verified_name=None, is_official_business_account=None)
    await watch(world).refresh()
    said = await answer(world, "Is this really your official number?")
    assert NUMBER in said
    assert "blue check" not in said
    assert "name “" not in said


async def test_what_meta_was_not_asked_is_not_guessed(world: World):
    said = await answer(world, "Is this really your official number?")
    assert "will not guess" in said
    assert "OTP" in said
    assert NUMBER not in said


async def test_a_record_is_good_for_two_days_and_a_failure_keeps_it(world: World):
    await watch(world).refresh()
    assert not await watch(world, failures=1).refresh()
    assert NUMBER in await answer(world, "is this a scam?")
    await world.passes(2 * DAY_S + 1)
    assert "will not guess" in await answer(world, "Is this really your official number?")


async def test_the_watch_asks_again_by_itself(world: World):
    async def asleep() -> None:
        await until(lambda: world.clock.sleepers == 1)

    watching = asyncio.create_task(watch(world, failures=2).run())
    await world.clock.walk(1190, settle=asleep)
    assert await _known(world) == {}
    await world.clock.walk(60, settle=asleep)
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching
    assert NUMBER in await answer(world, "Is this really your official number?")


async def _known(world: World) -> dict[str, Any]:
    async with world.house.store.reading() as tx:
        return await account.record_of(tx, world.double.number, now=world.clock.now())


async def test_a_document_with_the_same_number_is_quoted_to_compare(world: World, tmp_path: Path):
    page = tmp_path / "nomor.md"
    page.write_text("# Our WhatsApp number\n\nThe only official WhatsApp number of the office is +1 555-078-3881.\n")
    await learn(world.house.store, world.house.embedder, [page])
    await watch(world).refresh()
    ani, budi = world.customer("Ani"), await world.operator()
    said = await answer(world, "Is this really your official number?")

    assert "The only official WhatsApp number of the office is +1 555-078-3881." in said
    receipt = await budi.receipt(ani, ani.received[-1])
    assert [citation["document"] for citation in receipt["citations"]] == ["nomor.md"]


async def test_a_document_with_another_number_is_not_said_to_agree(world: World):
    await watch(world).refresh()
    assert "+62 812-0000-0100" not in await answer(world, "Is this really your official number?")


async def test_questions_about_other_things_are_answered_from_the_documents(world: World):
    await watch(world).refresh()
    assert NUMBER not in await answer(world, FINE)
    assert "+62 812-0000-0100" in await answer(world, "What is the official WhatsApp number of the office?")


async def test_a_chat_model_may_repeat_the_facts_and_add_none(world: World):
    await watch(world).refresh()
    call = ToolCall(name="official_number")
    world.model.says(
        Draft(decision="reply", tool_calls=(call,), model="scripted"),
        lambda brief: Draft(
            decision="reply",
            model="scripted",
            sentences=(
                Sentence(text=f"You are writing to {NUMBER}.", tools=(brief.done[0].key,)),
                Sentence(text="Our second number is +1 555-999-0000.", tools=(brief.done[0].key,)),
            ),
        ),
    )
    said = await answer(world, "hmm are you for real")
    assert said == f"You are writing to {NUMBER}."
