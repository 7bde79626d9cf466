"""Functions as tools: their cards, their checks, and that what they do happens once."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from sahut.errors import ConfigurationError
from sahut.ids import ContactId, ConversationId, MessageId
from sahut.models import Contact, Conversation, Ticket, ToolCallRow
from sahut.store import Store
from sahut.store import tools as queries
from sahut.tool import ToolContext, tool
from tests.agent.plays import NOW
from tests.databases import Templates
from tools import toolbox as toolbox_module
from tools.tickets import create_ticket, reference
from tools.toolbox import Toolbox, call_key

ARGUMENTS = {"topic": "counter 3", "description": "The clerk shouted."}
EFFECTS: list[str] = []


@tool(effect="write", confirm=False)
async def ring(context: ToolContext, bell: int, loud: bool = False) -> str:
    """Rings a bell.

    Only if somebody asks for it.
    """
    EFFECTS.append(context.key)
    if bell == 13:
        raise RuntimeError("cracked")
    return f"Bell {bell}{'!' if loud else '.'}"


@tool(effect="write", confirm=False)
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

    @pytest.mark.parametrize("questions", [None, {"id": "Lanjut?"}, {"en": "{what}?"}, {"en": "{bell"}, {"en": "{}"}])
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
        call = await Toolbox([ring]).call("ring", arguments, context)
        assert call.state == "refused"
        assert re.search("bell|note", call.result)
        assert EFFECTS == []

    async def test_an_unknown_tool_is_refused(self, context: ToolContext) -> None:
        assert (await Toolbox([ring]).call("rob", {}, context)).state == "refused"

    async def test_a_write_without_authority_is_refused_even_when_confirmed(self, context: ToolContext) -> None:
        call = await Toolbox([ring]).call("ring", {"bell": 1}, context, may_write=False, confirmed=True)
        assert (call.state, EFFECTS) == ("refused", [])

    async def test_what_needs_a_yes_is_proposed(self, context: ToolContext) -> None:
        call = await Toolbox([create_ticket]).call("create_ticket", ARGUMENTS, context)
        assert (call.state, call.key) == ("proposed", "k1")

    async def test_a_call_happens_once_and_keeps_its_result(self, context: ToolContext) -> None:
        box = Toolbox([ring])
        first = await box.call("ring", {"bell": "2", "loud": True}, context)
        second = await box.call("ring", {"bell": 2, "loud": True}, context)
        assert (first.state, first.result, EFFECTS) == ("done", "Bell 2!", ["k1"])
        assert second == first
        assert await box.finished("k1", context.store) == first

    async def test_two_runs_at_once_agree_on_one_result(self, context: ToolContext) -> None:
        box = Toolbox([create_ticket])
        calls = [box.call("create_ticket", ARGUMENTS, context, confirmed=True) for _ in range(5)]
        results = await asyncio.gather(*calls)
        async with context.store.reading() as tx:
            tickets = list((await tx.execute(select(Ticket))).scalars())
        assert len(tickets) == 1
        assert {call.result for call in results} == {results[0].result}

    async def test_a_failure_is_not_written_down(self, context: ToolContext) -> None:
        call = await Toolbox([ring]).call("ring", {"bell": 13}, context)
        assert (call.state, call.result) == ("failed", "RuntimeError")
        async with context.store.reading() as tx:
            assert (await tx.execute(select(ToolCallRow))).first() is None

    async def test_a_tool_that_takes_too_long_has_failed(
        self, context: ToolContext, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(toolbox_module, "TOOL_TIMEOUT_S", 0.01)
        call = await Toolbox([wait_for_ever]).call("wait_for_ever", {}, context)
        assert (call.state, call.result) == ("failed", "TimeoutError")

    async def test_without_performing_a_write_is_only_recorded(self, context: ToolContext) -> None:
        call = await Toolbox([ring]).call("ring", {"bell": 1}, context, perform=False)
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
        first = await create_ticket(context, **ARGUMENTS)
        call = await Toolbox([create_ticket]).call("create_ticket", ARGUMENTS, context, confirmed=True)
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
        assert reference("k1", 1) in await create_ticket(context, **ARGUMENTS)

    @pytest.mark.parametrize("language", ["id", "en", "pt", "es", "is", "xx"])
    async def test_the_answer_is_in_the_customers_language(self, context: ToolContext, language: str) -> None:
        from dataclasses import replace

        text = await create_ticket(replace(context, language=language), **ARGUMENTS)
        assert reference("k1") in text

    def test_references_have_no_letter_that_is_mistaken_for_another(self) -> None:
        assert all(re.fullmatch(r"T-[2-9A-HJKMNP-TV-Z]{6}", reference(str(n))) for n in range(500))
        assert len({reference(str(n)) for n in range(500)}) == 500
