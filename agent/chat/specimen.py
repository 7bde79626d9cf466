"""A made-up turn with one of everything that a prompt may hold: prompts are versioned and shown by it. Pure."""

from datetime import UTC, datetime

from sahut.brief import Brief
from sahut.found import Passage
from sahut.ids import ContactId, ConversationId, MessageId, TurnId
from sahut.toolcall import ToolCall, ToolCard
from sahut.turn import Guidance, Incoming, Line, Remembered, Turn

_FEES = "The late fee is 2% a month. It is paid at the counter or online."

SPECIMEN = Brief(
    turn=Turn(
        id=TurnId("specimen"),
        conversation_id=ConversationId("specimen"),
        contact_id=ContactId("specimen"),
        language="en",
        history=(
            Line(role="user", content="Hello, my number is 0812-3456-7890."),
            Line(role="assistant", content="Hello! What may we do for you?", author="operator"),
        ),
        burst=(
            Incoming(id=MessageId("specimen"), kind="document", text="What does it cost to be late?", attached="1 May"),
        ),
        earlier="The customer asked for the office's hours.",
        known=(Remembered(kind="order", value="A-4711", message_id="specimen"),),
        now=datetime(2026, 11, 23, 8, 0, tzinfo=UTC),
        guidance=Guidance(organisation="the Example Office", persona="Warm and brief.", timezone="Asia/Jakarta"),
    ),
    question="What does it cost to be late?",
    language="en",
    passages=(
        Passage(
            chunk="fees",
            document="fees.md",
            title="Fees",
            headings=("Late payment",),
            version="1",
            text=_FEES,
            start=0,
            end=len(_FEES),
            score=1.0,
        ),
    ),
    tools=(
        ToolCard(
            name="find_bill",
            description="Finds an open bill by phone number.",
            parameters={"type": "object", "properties": {"phone": {"type": "string"}}, "required": ["phone"]},
        ),
    ),
    done=(
        ToolCall(name="find_bill", arguments={"phone": "0812-3456-7890"}, state="done", result="Bill 7, due 1 May."),
        ToolCall(name="find_bill", arguments={"phone": "0"}, state="refused", result="No such number."),
    ),
)
