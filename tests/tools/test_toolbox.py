"""Functions as tools: their cards, their checks, and that what they do happens once."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from sahut.authority import Grant, Ground, digest_of
from sahut.errors import ConfigurationError
from sahut.ids import ContactId, ConversationId, MessageId
from sahut.models import Contact, Conversation, Ticket, ToolCallRow
from sahut.references import reference
from sahut.store import Store
from sahut.store import tickets as queries
from sahut.store import tools as journal
from sahut.tool import Refusal, ToolContext, tool
from sahut.toolcall import ToolCall
from tests.agent.plays import NOW
from tests.databases import Templates
from tests.tools.granting import SURE, agreed
from tools.tickets import create_ticket
from tools.toolbox import UNKNOWN, Toolbox, call_key
from tools.typed import typed

ARGUMENTS = {"topic": "counter 3", "description": "The clerk shouted."}
EFFECTS: list[str] = []


@tool(effect="write", confirms="nobody")
async def ring(context: ToolContext, bell: int, loud: bool = False) -> str:
    """Rings a bell.

    Only if somebody asks for it.
    """
    EFFECTS.append(context.key)
    if bell == 13:
        raise RuntimeError("cracked")
    return f"Bell {bell}{'!' if loud else '.'}"


@tool(effect="write", confirms="nobody")
async def wait_for_ever(context: ToolContext) -> str:
    """Never ends."""
    await asyncio.sleep(3600)
    return ""


@pytest.fixture
async def context(templates: Templates, tmp_path: Path) -> AsyncIterator[ToolContext]:
    EFFECTS.clear()
    store = Store(templates.sqlite(tmp_path / "tools.db"))
    contact = Contact(created_at=NOW)
    conversation = Conversation(number="1", contact_id=contact.id, created_at=NOW, updated_at=NOW)
    async with store.transaction() as tx:
        tx.add(contact)
        await tx.flush()
        tx.add(conversation)
    yield ToolContext(
        key="k1",
        conversation_id=ConversationId(conversation.id),
        contact_id=ContactId(contact.id),
        language="en",
        now=NOW,
        store=store,
    )
    await store.close()


class TestCards:
    def test_the_signature_is_the_schema_and_the_docstring_the_description(self) -> None:
        [card] = Toolbox([ring]).cards
        assert (card.name, card.effect) == ("ring", "write")
        assert card.description == "Rings a bell.\n\nOnly if somebody asks for it."
        assert card.parameters == {
            "type": "object",
            "properties": {"bell": {"type": "integer"}, "loud": {"type": "boolean", "default": False}},
            "required": ["bell"],
            "additionalProperties": False,
        }

    def test_the_house_has_its_own_tools(self) -> None:
        assert {"hand_off", "create_ticket"} <= {card.name for card in Toolbox.from_entry_points().cards}

    def test_what_cannot_be_a_tool_is_refused_at_the_start(self) -> None:
        async def unmarked(context: ToolContext) -> str:
            """Is no tool."""
            return ""

        @tool(effect="read")
        async def silent(context: ToolContext) -> str:
            return ""

        @tool(effect="read")
        async def untyped(context: ToolContext, what) -> str:  # type: ignore[no-untyped-def]
            """Has a parameter without a type."""
            return ""

        @tool(effect="read")
        async def without_context(what: str) -> str:
            """Knows nothing of the turn."""
            return ""

        for function in (unmarked, silent, untyped, without_context):
            with pytest.raises(ConfigurationError):
                Toolbox([function])
        with pytest.raises(ConfigurationError, match="Two tools"):
            Toolbox([ring, ring])

    @pytest.mark.parametrize(
        "questions",
        [None, {"id": "Lanjut?"}, {"en": "{what}?"}, {"en": "{bell"}, {"en": "{}"}, {"en": "Toll it?"}],
        ids=["none", "no English", "unknown", "broken", "unnamed", "hides an argument"],
    )
    def test_a_question_that_cannot_be_asked_is_refused_at_the_start(self, questions: dict[str, str] | None) -> None:
        @tool(effect="write", questions=questions)
        async def toll(context: ToolContext, bell: int) -> str:
            """Tolls a bell."""
            return ""

        with pytest.raises(ConfigurationError, match="toll"):
            Toolbox([toll])


class TestCalls:
    @pytest.mark.parametrize("arguments", [{}, {"bell": "loud"}, {"bell": 1, "note": "c"}, {"bell": None}])
    async def test_bad_arguments_are_refused_with_a_reason(
        self, context: ToolContext, arguments: dict[str, Any]
    ) -> None:
        call = await Toolbox([ring]).call("ring", arguments, context, ground=SURE)
        assert call.state == "refused"
        assert re.search("bell|note", call.result)
        assert EFFECTS == []

    async def test_an_unknown_tool_is_refused(self, context: ToolContext) -> None:
        assert (await Toolbox([ring]).call("rob", {}, context, ground=SURE)).state == "refused"

    async def test_a_write_in_doubt_is_refused(self, context: ToolContext) -> None:
        call = await Toolbox([ring]).call("ring", {"bell": 1}, context, ground=Ground("unsure"))
        assert (call.state, EFFECTS) == ("refused", [])

    async def test_what_needs_a_yes_is_proposed(self, context: ToolContext) -> None:
        call = await Toolbox([create_ticket]).call("create_ticket", ARGUMENTS, context, ground=SURE)
        assert (call.state, call.key) == ("proposed", "k1")

    async def test_a_call_happens_once_and_keeps_its_result(self, context: ToolContext) -> None:
        box = Toolbox([ring])
        first = await box.call("ring", {"bell": "2", "loud": True}, context, ground=SURE)
        second = await box.call("ring", {"bell": 2, "loud": True}, context, ground=SURE)
        assert (first.state, first.result, EFFECTS) == ("done", "Bell 2!", ["k1"])
        assert second == first
        assert await box.finished("k1", context.store) == first

    async def test_two_runs_at_once_agree_on_one_result(self, context: ToolContext) -> None:
        box = Toolbox([create_ticket])
        calls = [agreed(box, "create_ticket", ARGUMENTS, context) for _ in range(5)]
        results = await asyncio.gather(*calls)
        async with context.store.reading() as tx:
            tickets = list((await tx.execute(select(Ticket))).scalars())
        assert len(tickets) == 1
        assert {call.result for call in results} == {results[0].result}

    async def test_a_failure_is_not_written_down(self, context: ToolContext) -> None:
        call = await Toolbox([ring]).call("ring", {"bell": 13}, context, ground=SURE)
        assert (call.state, call.result) == ("failed", "RuntimeError")
        async with context.store.reading() as tx:
            assert (await tx.execute(select(ToolCallRow))).first() is None

    async def test_a_tool_that_takes_too_long_has_failed(self, context: ToolContext) -> None:
        box = Toolbox([], [replace(typed(wait_for_ever), timeout_s=0.01)])
        call = await box.call("wait_for_ever", {}, context, ground=SURE)
        assert (call.state, call.result) == ("failed", "TimeoutError")

    async def test_without_performing_a_write_is_only_recorded(self, context: ToolContext) -> None:
        call = await Toolbox([ring]).call("ring", {"bell": 1}, context, ground=SURE, perform=False)
        assert (call.state, call.result, EFFECTS) == ("done", "", [])

    def test_the_key_of_an_unconfirmed_call_is_the_bursts(self) -> None:
        conversation, message = ConversationId("c"), MessageId("m")
        one = call_key(conversation, message, "ring", {"a": 1, "b": 2})
        assert one == call_key(conversation, message, "ring", {"b": 2, "a": 1})
        others = [
            call_key(ConversationId("d"), message, "ring", {"a": 1, "b": 2}),
            call_key(conversation, MessageId("n"), "ring", {"a": 1, "b": 2}),
            call_key(conversation, message, "sing", {"a": 1, "b": 2}),
            call_key(conversation, message, "ring", {"a": 1, "b": 3}),
        ]
        assert len({one, *others}) == 5


class TestTickets:
    async def test_a_crash_before_the_journal_opens_no_second_ticket(self, context: ToolContext) -> None:
        # The effect was committed, then the process died before the journal knew.
        first = (await create_ticket(context, **ARGUMENTS)).text
        call = await agreed(Toolbox([create_ticket]), "create_ticket", ARGUMENTS, context)
        async with context.store.reading() as tx:
            [ticket] = (await tx.execute(select(Ticket))).scalars()
        assert call.result == first
        assert ticket.reference in first

    async def test_a_taken_reference_is_passed_over(self, context: ToolContext) -> None:
        taken = Ticket(
            reference=reference("k1"),
            call_key="other",
            conversation_id=context.conversation_id,
            contact_id=context.contact_id,
            topic="t",
            created_at=NOW,
        )
        async with context.store.transaction() as tx:
            assert await queries.open_ticket(tx, taken) is not None
        assert reference("k1", 1) in (await create_ticket(context, **ARGUMENTS)).text

    @pytest.mark.parametrize("language", ["id", "en", "pt", "es", "is", "xx"])
    async def test_the_answer_is_in_the_customers_language(self, context: ToolContext, language: str) -> None:
        text = (await create_ticket(replace(context, language=language), **ARGUMENTS)).text
        assert reference("k1") in text

    def test_references_have_no_letter_that_is_mistaken_for_another(self) -> None:
        assert all(re.fullmatch(r"T-[2-9A-HJKMNP-TV-Z]{6}", reference(str(n))) for n in range(500))
        assert len({reference(str(n)) for n in range(500)}) == 500


class TestPreparing:
    async def test_what_the_customer_is_asked_about_is_complete(self, context: ToolContext) -> None:
        async def loudly(context: ToolContext, bell: int, note: str = "") -> dict[str, Any] | Refusal:
            return Refusal("That bell is broken.") if bell == 13 else {"bell": bell, "note": note or "loud"}

        @tool(effect="write", questions={"en": "Bell {bell}, {note}?"}, prepare=loudly)
        async def toll(context: ToolContext, bell: int, note: str = "") -> str:
            """Tolls a bell."""
            EFFECTS.append(note)
            return "Tolled."

        toolbox = Toolbox([toll])
        asked = await toolbox.call("toll", {"bell": 1}, context, ground=SURE)
        assert (asked.state, asked.arguments) == ("proposed", {"bell": 1, "note": "loud"})
        refused = await toolbox.call("toll", {"bell": 13}, context, ground=SURE)
        assert (refused.state, refused.answer) == ("refused", "That bell is broken.")
        assert EFFECTS == []
        done = await agreed(toolbox, "toll", asked.arguments, context)
        assert (done.state, EFFECTS) == ("done", ["loud"])

    async def test_a_preparation_that_fails_is_a_failure(self, context: ToolContext) -> None:
        async def crack(context: ToolContext) -> dict[str, Any]:
            raise RuntimeError("cracked")

        @tool(effect="write", questions={"en": "Toll?"}, prepare=crack)
        async def toll(context: ToolContext) -> str:
            """Tolls a bell."""
            return ""

        call = await Toolbox([toll]).call("toll", {}, context, ground=SURE)
        assert (call.state, call.result, call.answer) == ("failed", "RuntimeError", "")


@tool(per_day=2)
async def demolish(context: ToolContext, tower: str) -> str:
    """Pulls a tower down: declares no effect, so it is taken for one that cannot be undone."""
    EFFECTS.append(tower)
    if tower == "stubborn":
        raise RuntimeError("it stands")
    return f"{tower} is down."


class TestAuthority:
    """What the rules decide, seen at the toolbox; the rules alone are in `tests/sahut/test_authority.py`."""

    async def test_what_declares_nothing_waits_for_an_operator(self, context: ToolContext) -> None:
        box = Toolbox([demolish])
        call = await box.call("demolish", {"tower": "north"}, context, ground=SURE)
        assert (call.state, call.by, EFFECTS) == ("proposed", "operator", [])
        mine = Grant(context.key, "customer", digest_of("demolish", call.arguments))
        customers = await box.call("demolish", call.arguments, context, ground=SURE, grant=mine)
        assert (customers.state, EFFECTS) == ("proposed", [])
        done = await agreed(box, "demolish", {"tower": "north"}, context, by="operator")
        assert (done.state, EFFECTS) == ("done", ["north"])

    async def test_a_yes_is_good_for_what_was_shown_alone(self, context: ToolContext) -> None:
        box = Toolbox([create_ticket])
        shown = await box.call("create_ticket", ARGUMENTS, context, ground=SURE)
        grant = Grant("k1", "customer", digest_of("create_ticket", shown.arguments))
        for other in ({**ARGUMENTS, "topic": "counter 4"}, {**ARGUMENTS, "description": "The clerk shouted"}):
            call = await box.call("create_ticket", other, context, ground=SURE, grant=grant)
            assert (call.state, call.denied) == ("refused", "altered")
        async with context.store.reading() as tx:
            assert (await tx.execute(select(Ticket))).first() is None

    async def test_an_act_that_cannot_be_undone_never_happens_again(self, context: ToolContext) -> None:
        box = Toolbox([demolish])
        first = await agreed(box, "demolish", {"tower": "north"}, context, by="operator")
        again = [await agreed_again(box, "north", context) for _ in range(2)]
        assert [call.state for call in (first, *again)] == ["done"] * 3
        assert EFFECTS == ["north"]

    async def test_one_that_died_on_the_way_is_left_to_people(self, context: ToolContext) -> None:
        # The journal says that it began; the process died before it said how it ended.
        call = ToolCall(name="demolish", arguments={"tower": "north"}, key="k1")
        async with context.store.transaction() as tx:
            await journal.begin_call(
                tx,
                call,
                contact_id=context.contact_id,
                conversation_id=context.conversation_id,
                per_day=2,
                now=context.now,
            )
        again = await agreed_again(Toolbox([demolish]), "north", context)
        assert (again.state, again.result, EFFECTS) == ("failed", UNKNOWN, [])

    async def test_a_failure_of_what_cannot_be_undone_is_final(self, context: ToolContext) -> None:
        box = Toolbox([demolish])
        failed = await agreed(box, "demolish", {"tower": "stubborn"}, context, by="operator")
        again = await agreed_again(box, "stubborn", context)
        assert [call.state for call in (failed, again)] == ["failed", "failed"]
        assert EFFECTS == ["stubborn"]

    async def test_a_contact_has_so_many_calls_a_day(self, context: ToolContext) -> None:
        box = Toolbox([demolish])
        for at, tower in enumerate(("north", "south")):
            await agreed(box, "demolish", {"tower": tower}, replace(context, key=f"k{at}"), by="operator")
        third = replace(context, key="k3")
        assert (await box.call("demolish", {"tower": "east"}, third, ground=SURE)).denied == "per_day"
        tomorrow = replace(third, now=NOW + timedelta(days=1, seconds=1))
        assert (await box.call("demolish", {"tower": "east"}, tomorrow, ground=SURE)).state == "proposed"
        # A call that was made is found again, limit or not.
        assert (await agreed_again(box, "south", replace(context, key="k1"))).state == "done"
        assert EFFECTS == ["north", "south"]

    async def test_calls_at_once_are_together_not_one_too_many(self, context: ToolContext) -> None:
        box = Toolbox([demolish])
        calls = [agreed_again(box, f"t{at}", replace(context, key=f"k{at}")) for at in range(6)]
        done = await asyncio.gather(*calls)
        assert sorted(call.state for call in done) == ["done"] * 2 + ["refused"] * 4
        assert len(EFFECTS) == 2

    async def test_looks_count_too(self, context: ToolContext) -> None:
        @tool(effect="read", per_day=2)
        async def peep(context: ToolContext, at: str) -> str:
            """Looks through a keyhole."""
            return f"{at} is empty."

        box = Toolbox([peep])
        seen = [await box.call("peep", {"at": "x"}, replace(context, key=f"k{n}"), ground=SURE) for n in (0, 0, 1, 2)]
        assert [call.state for call in seen] == ["done", "done", "done", "refused"]
        async with context.store.reading() as tx:
            kept = (await tx.execute(select(ToolCallRow))).scalars().all()
        assert [(row.name, row.result) for row in kept] == [("peep", "")] * 2


async def agreed_again(box: Toolbox, tower: str, context: ToolContext) -> ToolCall:
    """The call with an operator's yes, without asking for it anew."""
    arguments = {"tower": tower}
    grant = Grant(context.key, "operator", digest_of("demolish", arguments))
    return await box.call("demolish", arguments, context, ground=SURE, grant=grant)
