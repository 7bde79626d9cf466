"""Several chat models behind real HTTP: who is asked when one fails, dawdles or rests, and what may be spent."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from agent.chat.breaker import FAILURES, LONGEST_REST, REST, Breaker
from agent.chat.lineup import Lineup
from agent.chat.spending import Limits, Purse, SpendLimitReached
from agent.chat.trouble import TROUBLES
from knowledge.embed import LocalEmbedder
from sahut.brief import Brief, Draft
from sahut.errors import ModelFailed, Trouble
from sahut.store import Store, spending
from sahut.testing import openai_server as server
from sahut.testing.clock import START, VirtualClock
from sahut.testing.openai_server import OpenAIScript, Scripted
from sahut.turn import Usage
from tests.agent.plays import FINES_EN, HOURS_EN, Shelf, play
from tests.agent.test_model import brief
from tests.agent.test_veil import served
from tests.databases import Templates

ANSWER = server.replies("The late fee is 2% a month.", sources=[1])
TOKENS = 120  # of each scripted answer


class Watch:
    def __init__(self) -> None:
        self.seen: Counter[tuple[str, str]] = Counter()

    def asked(self, model: str, outcome: str) -> None:
        self.seen[model, outcome] += 1


class Stage:
    """A line-up over scripted servers, one for each row of answers."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store, self.clock, self.watch = store, VirtualClock(), Watch()
        self._folder, self._stack = folder, AsyncExitStack()

    async def lineup(self, *rows: list[Scripted], limits: Limits = Limits(), **more: Any) -> Lineup:  # noqa: B008
        self.scripts = [OpenAIScript(answers) for answers in rows]
        models = []
        for at, script in enumerate(self.scripts):
            model = await self._stack.enter_async_context(served(script, self._folder))
            model.name = ("first", "second")[at]
            models.append(model)
        times: dict[str, Any] = {"most_s": 10, "slow_s": 60, **more}
        lineup = Lineup(models, Purse(self.store, self.clock, limits), self.clock, **times)
        lineup.watch = self.watch
        return lineup

    @property
    def asked(self) -> list[int]:
        return [len(script.requests) for script in self.scripts]

    async def close(self) -> None:
        await self._stack.aclose()


@pytest.fixture
async def stage(blank_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    store = Store(blank_url)
    stage = Stage(store, tmp_path)
    yield stage
    await stage.close()
    await store.close()


async def test_the_second_model_answers_while_the_first_fails_and_the_first_comes_back(stage: Stage):
    lineup = await stage.lineup([*[server.fails(503)] * (FAILURES + 1), ANSWER], [ANSWER])
    for _ in range(FAILURES):
        assert (await lineup.think(brief())).model == "second"
    assert stage.asked == [FAILURES, FAILURES]

    assert (await lineup.think(brief())).model == "second"
    assert stage.asked[0] == FAILURES, "it rests, so nobody waits for it"

    stage.clock.advance(REST.total_seconds())
    assert (await lineup.think(brief())).model == "second", "the probe fails"
    assert stage.asked[0] == FAILURES + 1
    stage.clock.advance(REST.total_seconds())
    await lineup.think(brief())
    assert stage.asked[0] == FAILURES + 1, "its second rest is longer"

    stage.clock.advance(REST.total_seconds())
    assert (await lineup.think(brief())).model == "first"
    assert (await lineup.think(brief())).model == "first"
    assert stage.watch.seen["first", "resting"] == 2
    assert stage.watch.seen["first", "failed"] == FAILURES + 1
    assert stage.watch.seen["first", "answered"] == 2


async def test_a_model_that_dawdles_is_left_alone(stage: Stage):
    lineup = await stage.lineup([ANSWER], [ANSWER], slow_s=0)
    names = [(await lineup.think(brief())).model for _ in range(FAILURES)]
    assert names == ["first"] * FAILURES, "a late answer is used"
    assert (await lineup.think(brief())).model == "second"


async def test_the_first_model_leaves_time_for_the_second(stage: Stage):
    lineup = await stage.lineup([server.slow(ANSWER, 600)], [ANSWER], most_s=0.1)
    assert (await lineup.think(brief())).model == "second"
    assert stage.watch.seen["first", "slow"] == 1


async def test_nonsense_counts_as_failure_and_its_tokens_are_counted(stage: Stage):
    lineup = await stage.lineup([server.text("no JSON")])
    for _ in range(FAILURES):
        with pytest.raises(ModelFailed):
            await lineup.think(brief())
    asked = stage.asked[0]
    with pytest.raises(ModelFailed, match="rests"):
        await lineup.think(brief())
    assert stage.asked[0] == asked
    async with stage.store.reading() as tx:
        everybody, contact = await spending.spent(tx, START.date(), "contact-1")
    assert everybody.tokens == contact.tokens == asked * TOKENS


async def test_a_question_that_is_taken_back_says_nothing_of_the_model(stage: Stage):
    lineup = await stage.lineup([server.slow(ANSWER, 600)])
    for _ in range(FAILURES + 1):
        asked = asyncio.create_task(lineup.think(brief()))
        before = stage.asked[0]
        while stage.asked[0] == before:
            await asyncio.sleep(0.01)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
    assert not stage.watch.seen


async def test_a_contacts_limit_holds_for_every_worker_and_ends_with_the_day(stage: Stage):
    limits = Limits(tokens_per_contact=2 * TOKENS)
    lineup = await stage.lineup([ANSWER], limits=limits)
    await lineup.think(brief())
    await lineup.think(brief())
    other_worker = Purse(stage.store, stage.clock, limits)
    with pytest.raises(SpendLimitReached) as caught:
        await other_worker.check("contact-1")
    assert caught.value.trouble == "over_contact"
    await other_worker.check("contact-2")
    with pytest.raises(SpendLimitReached):
        await lineup.think(brief())
    assert stage.asked == [2]
    assert stage.watch.seen["first", "over_contact"] == 1
    async with stage.store.reading() as tx:
        assert await spending.contacts_beyond(tx, START.date(), tokens=2 * TOKENS, cost_usd=None) == 1
        assert await spending.contacts_beyond(tx, START.date(), tokens=None, cost_usd=None) == 0
    stage.clock.advance(24 * 3600)
    await lineup.think(brief())
    assert stage.asked == [3]


async def test_the_days_limit_is_everybodys_and_old_days_are_forgotten(stage: Stage):
    purse = Purse(stage.store, stage.clock, Limits(usd_per_day=1))
    await asyncio.gather(*(purse.pay(f"contact-{n % 3}", Usage(input_tokens=1, cost_usd=0.125)) for n in range(7)))
    await purse.check("contact-1")
    await purse.pay("", Usage(cost_usd=0.125))
    with pytest.raises(SpendLimitReached, match="one day"):
        await purse.check("contact-9")
    async with stage.store.transaction() as tx:
        everybody, contact = await spending.spent(tx, START.date(), "contact-0")
        assert (everybody.cost_usd, everybody.tokens, contact.tokens) == (1.0, 7, 3)
        await spending.forget(tx, before=START.date().replace(day=START.day + 1))
        assert (await spending.spent(tx, START.date(), "contact-0"))[0].tokens == 0


async def test_beyond_a_limit_the_customer_gets_a_quote(
    templates: Templates, embedder: LocalEmbedder, stage: Stage, tmp_path: Path
):
    lineup = await stage.lineup([ANSWER], limits=Limits(usd_per_day=0))
    database = templates.sqlite(tmp_path / "play.db")
    async with play(database, embedder, model=lineup, shelf=Shelf((FINES_EN,))) as customer:
        reply = await customer.says("What is the late fine on my vehicle tax?")
    assert (reply.decision, reply.model, stage.asked) == ("reply", "extractive", [0])
    assert "2%" in reply.text


async def test_an_order_of_passages_is_asked_for_as_any_answer_is(
    templates: Templates, embedder: LocalEmbedder, stage: Stage, tmp_path: Path
):
    order, shelf = server.text('{"order": [2, 1]}'), Shelf((HOURS_EN, FINES_EN))
    lineup = await stage.lineup([server.text("no order"), server.fails(503)], [order, ANSWER])
    database = templates.sqlite(tmp_path / "play.db")
    async with play(database, embedder, model=lineup, ranker=lineup, shelf=shelf) as customer:
        reply = await customer.says("What is the late fine on my vehicle tax?")
        async with stage.store.reading() as tx:
            _, contact = await spending.spent(tx, START.date(), customer.conversation.contact_id)
    assert [exchange for exchange in reply.exchanges if exchange["kind"] == "ranking"] == [
        {"kind": "ranking", "order": [2, 1]}
    ], "the second model's word, where the first one's could not be used"
    assert contact.tokens == 3 * TOKENS
    assert stage.watch.seen["first", "unusable"] == 1

    lineup = await stage.lineup([order, ANSWER], limits=Limits(usd_per_day=0))
    async with play(database, embedder, model=lineup, ranker=lineup, shelf=shelf) as customer:
        reply = await customer.says("What is the late fine on my vehicle tax?")
    assert (stage.asked, reply.model) == ([0], "extractive")
    assert {"kind": "ranking", "error": "SpendLimitReached", "trouble": "over_day"} in reply.exchanges


TROUBLED: dict[str, tuple[Scripted, Limits]] = {
    "over_day": (ANSWER, Limits(usd_per_day=0)),
    "over_contact": (ANSWER, Limits(tokens_per_contact=0)),
    "failed": (server.fails(500), Limits()),
    "unusable": (server.text("no JSON"), Limits()),
    "slow": (server.slow(ANSWER, 600), Limits()),
    "resting": (server.fails(401), Limits()),
}


@pytest.mark.parametrize("trouble", TROUBLED)
async def test_who_is_handed_a_conversation_reads_why_no_chat_model_answered(
    templates: Templates, embedder: LocalEmbedder, stage: Stage, tmp_path: Path, trouble: Trouble
):
    answer, limits = TROUBLED[trouble]
    lineup = await stage.lineup([answer], limits=limits)
    for _ in range(FAILURES if trouble == "resting" else 0):
        with pytest.raises(ModelFailed):
            await lineup.think(brief())
    database = templates.sqlite(tmp_path / "play.db")
    time_s = 0.2 if trouble == "slow" else 30
    async with play(database, embedder, model=lineup, turn_timeout_s=time_s) as customer:
        reply = await customer.says("What is the late fine on my vehicle tax?")
    assert (reply.decision, reply.reason, reply.trouble) == ("hand_off", "model_failed", trouble)
    told = [line for line in reply.summary.splitlines() if line in TROUBLES.values()]
    assert told == [TROUBLES[trouble]]
    if trouble != "slow":  # there the turn's time was over, which says nothing of the model yet
        assert stage.watch.seen["first", trouble] == 1


async def test_where_nothing_can_be_looked_up_the_summary_says_so(
    templates: Templates, embedder: LocalEmbedder, tmp_path: Path
):
    database = templates.sqlite(tmp_path / "play.db")
    async with play(database, embedder, shelf=Shelf(fails=ModelFailed("down"))) as customer:
        reply = await customer.says("What is the late fine on my vehicle tax?")
    assert (reply.reason, reply.trouble) == ("model_failed", "embedding")
    assert reply.summary.endswith(TROUBLES["embedding"])


def test_a_rest_doubles_up_to_its_longest():
    breaker, now = Breaker(), START
    rests = [breaker.failed(now) for _ in range(FAILURES)]
    assert rests == [*[False] * (FAILURES - 1), True]
    for _ in range(12):
        assert not breaker.allows(now)
        now += LONGEST_REST
        assert breaker.allows(now)
        assert not breaker.allows(now), "one probe at a time"
        breaker.let_go()
        assert breaker.allows(now)
        assert breaker.failed(now)
    assert breaker.allows(now + LONGEST_REST)
    breaker.answered()
    assert breaker.allows(now)


class Surprising:
    """A model that fails, and then raises what no model should."""

    name = "first"

    def __init__(self) -> None:
        self.asked = 0

    async def think(self, brief: Brief) -> Draft:
        self.asked += 1
        raise ModelFailed("down") if self.asked <= FAILURES else ZeroDivisionError


async def test_a_probe_that_ends_in_a_surprise_is_over_too(stage: Stage):
    model: Any = Surprising()
    purse = Purse(stage.store, stage.clock, Limits())
    lineup = Lineup([model], purse, stage.clock, most_s=10, slow_s=60)
    for _ in range(FAILURES):
        with pytest.raises(ModelFailed):
            await lineup.think(brief())
    for rest in (REST, 2 * REST):
        stage.clock.advance(rest.total_seconds())
        with pytest.raises(ZeroDivisionError):
            await lineup.think(brief())
