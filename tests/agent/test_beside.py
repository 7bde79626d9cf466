"""Plays in which a customer asks something and wants something done: both in one reply, and nothing without a yes."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import pytest

from agent.language.phrases import say
from agent.reading.parts import beside_request
from evals.cases import Expectation
from evals.measures import answer_sent, answer_wrong
from evals.played import PlayedTurn
from knowledge.embed import LocalEmbedder
from sahut.brief import Brief, Draft
from sahut.models import Ticket
from sahut.testing.model import ScriptedModel
from sahut.toolcall import ToolCall
from sahut.turn import Reply
from tests.agent.plays import FINES_EN, HOURS_EN, UNSURE, Play, Shelf, cited, play, says
from tests.agent.test_acting import rows
from tests.databases import Templates

Stage = Callable[..., AbstractAsyncContextManager[Play]]
OPEN = "On which days is the office open?"
BOTH = "On which days is the office open, and please open a ticket that my card is broken"
POOL = "Do you have a swimming pool for children?"


@pytest.fixture
def stage(templates: Templates, embedder: LocalEmbedder, tmp_path: Path) -> Stage:
    return partial(play, templates.sqlite(tmp_path / "play.db"), embedder, shelf=Shelf((FINES_EN, HOURS_EN)))


def ticket(**arguments: str) -> Draft:
    known = {"topic": "a broken card", "description": "My card is broken.", **arguments}
    return Draft(decision="reply", tool_calls=(ToolCall(name="create_ticket", arguments=known),), model="scripted")


def asks_for_a_yes(reply: Reply) -> bool:
    """Whether the tool's question stands last, with its buttons and nothing done."""
    last = reply.text.rstrip().endswith("Is that right?")
    waits = reply.confirmation is not None and reply.confirmation.tool == "create_ticket"
    return (reply.decision, last, waits, len(reply.buttons)) == ("clarify", True, True, 2)


@pytest.mark.parametrize(
    "message",
    [
        BOTH,
        f"{OPEN} Please open a ticket that my card is broken.",
        f"Please open a ticket that my card is broken. {OPEN}",
    ],
)
async def test_the_answer_comes_with_the_question_and_the_ticket_after_the_yes(stage: Stage, message: str) -> None:
    async with stage() as customer:
        asked = await customer.says(message)
        assert asks_for_a_yes(asked)
        assert "08:00" in asked.text
        assert {span.document for span in asked.citations} == {"hours.md"}
        assert await rows(customer.deps.store, Ticket) == []
        done = await customer.says("Yes, please")
        opened = await rows(customer.deps.store, Ticket)
    assert [call.state for call in done.tool_calls] == ["done"]
    assert [("card is broken" in one.description, "office" in one.description) for one in opened] == [(True, False)]


async def test_evals_count_what_is_said_beside_the_question_among_the_answers_sent(stage: Stage) -> None:
    async with stage() as customer:
        reply = await customer.says(BOTH)
    right = Expectation(decision="clarify", cites=("hours.md",), contains=("08:00",))
    for expect, sent, wrong in (
        (right, True, False),
        (Expectation(decision="clarify", contains=("never",)), True, True),
        (Expectation(decision="clarify"), False, True),
    ):
        played = PlayedTurn(user=(BOTH,), expect=expect, reply=reply)
        assert (answer_sent(played), answer_sent(played) and answer_wrong(played)) == (sent, sent and wrong)


async def test_a_no_leaves_the_answer_and_nothing_else(stage: Stage) -> None:
    async with stage() as customer:
        await customer.says(BOTH)
        await customer.says("No, thank you")
        assert await rows(customer.deps.store, Ticket) == []


async def test_a_chat_model_answers_after_it_has_asked_for_the_tool(stage: Stage) -> None:
    model = ScriptedModel([ticket(), says(cited(HOURS_EN.text, HOURS_EN.text, HOURS_EN))])
    async with stage(model=model) as customer:
        reply = await customer.says(BOTH)
        assert await rows(customer.deps.store, Ticket) == []
    assert asks_for_a_yes(reply)
    assert reply.text.startswith("The office is open Monday to Thursday")
    second = model.briefs[1]
    assert [part.text for part in second.parts] == [OPEN.rstrip("?")]
    assert [call.state for call in second.done] == ["proposed"]
    assert {card.effect for card in second.tools} == {"read"}


async def test_what_has_no_sure_answer_is_named_and_the_tools_question_is_asked(stage: Stage) -> None:
    shelf = Shelf((FINES_EN, HOURS_EN), unanswerable=(POOL,))
    async with stage(
        shelf=shelf, model=ScriptedModel([ticket(), Draft(decision="hand_off", reason="no_answer")])
    ) as customer:
        reply = await customer.says(f"{POOL} Please open a ticket that my card is broken.")
        assert await rows(customer.deps.store, Ticket) == []
    assert asks_for_a_yes(reply)
    assert reply.text.startswith(say("left_open", "en", question=f"“{POOL}”"))
    assert reply.citations == ()


async def test_what_nobody_can_answer_goes_into_the_ticket(stage: Stage) -> None:
    shelf = Shelf((FINES_EN, HOURS_EN), unanswerable=(POOL,))
    async with stage(shelf=shelf) as customer:
        reply = await customer.says(f"{OPEN} {POOL} Please open a ticket that my card is broken.")
    assert asks_for_a_yes(reply)
    assert reply.confirmation is not None
    assert "08:00" in reply.text
    assert reply.confirmation.arguments["description"] == f"{POOL} Please open a ticket that my card is broken."


async def test_a_question_that_goes_into_the_ticket_is_left_to_whoever_reads_it(stage: Stage) -> None:
    story = "I want to file a complaint. Why was the clerk at counter 2 so rude to my mother? That is no way to behave."
    shelf = Shelf((FINES_EN,), answerable=0.05)
    async with stage(shelf=shelf) as customer:
        reply = await customer.says(story)
    assert asks_for_a_yes(reply)
    assert reply.confirmation is not None
    assert reply.confirmation.arguments["description"] == story
    assert reply.text.startswith("I can open a ticket")


async def test_a_person_is_called_where_the_model_sees_that_one_is_needed(stage: Stage) -> None:
    model = ScriptedModel([ticket(), Draft(decision="hand_off", reason="sensitive")])
    async with stage(model=model) as customer:
        reply = await customer.says(BOTH)
    assert (reply.decision, reply.reason, reply.confirmation) == ("hand_off", "sensitive", None)


async def test_a_second_effect_is_never_slipped_in_beside_the_first(stage: Stage) -> None:
    another = Draft(
        decision="reply", tool_calls=(ToolCall(name="cancel_order", arguments={"order": "1"}),), model="scripted"
    )
    model = ScriptedModel([ticket(), *[another] * 6])
    async with stage(model=model) as customer:
        reply = await customer.says(BOTH)
        assert await rows(customer.deps.store, Ticket) == []
    assert asks_for_a_yes(reply)
    assert len(model.briefs) <= 4


async def test_where_writing_is_not_allowed_only_the_question_is_answered(stage: Stage) -> None:
    async with stage(door={BOTH: UNSURE}) as customer:
        reply = await customer.says(BOTH)
    assert reply.confirmation is None
    assert reply.tool_calls == ()


async def test_an_answer_that_does_not_fit_beside_the_question_gives_way_to_it(stage: Stage) -> None:
    long = "x" * 900
    brief: list[Brief] = []

    def answered(given: Brief) -> Draft:
        brief.append(given)
        return says(cited(HOURS_EN.text, HOURS_EN.text, HOURS_EN))

    async with stage(model=ScriptedModel([ticket(description=long), answered])) as customer:
        reply = await customer.says(BOTH)
    assert asks_for_a_yes(reply)
    assert long in reply.text
    assert len(reply.text) <= 1000
    assert reply.citations == ()


@pytest.mark.parametrize(
    ("message", "questions"),
    [
        (BOTH, ["On which days is the office open"]),
        ("Tolong buatkan tiket kartu saya rusak, dan jam bukanya jam berapa?", ["jam bukanya jam berapa?"]),
        ("Qual o horário? E por favor abra um chamado, meu cartão quebrou", ["Qual o horário?"]),
        ("My card is lost. What do I need?", []),
        ("Can you please help?", []),
        ("I want to know what the fine is", []),
        ("Please open a ticket that my card is broken", []),
        ("Bisa telepon saya? Saya mau bicara soal kartu saya", []),
        ("Can you call me? I want to talk about my card", []),
        ("please " * 4000, []),
    ],
)
def test_questions_beside_a_request_are_told_apart(message: str, questions: list[str]) -> None:
    assert [part.asked for part in beside_request(message).questions] == questions
