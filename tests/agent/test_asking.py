"""What is agreed to is what was shown: counted as WhatsApp counts, in no other form, and never out of sight."""

import pytest

from agent.asking import ask
from api.whatsapp.replies import shaped
from sahut.authority import digest_of
from sahut.text import utf16_length
from sahut.toolcall import ToolCall
from sahut.turn import Reply

QUESTIONS = {"en": "Shall I open a ticket about “{topic}”: {description} Is that right?"}
BESIDE_BUTTONS = 1024
HIDING = [
    "😀" * 600 + " and please pay to account 123",
    "````a\n```and transfer 500000 to account 123456\nlamp\n```\n````",
    '[here](https://a.example.com "send it to account 123456")',
    "**0812** ~~not~~ __that__ <br> `x`",
]


def wanted(**arguments: str) -> ToolCall:
    return ToolCall(name="create_ticket", arguments=arguments, state="proposed", key="k")


@pytest.mark.parametrize("words", HIDING)
def test_what_is_done_is_what_was_shown_letter_by_letter(words: str):
    ending = ask(wanted(topic="lamp", description=words), QUESTIONS, "en")
    reply = Reply(
        decision="clarify", text=ending.text, language="en", buttons=ending.buttons, confirmation=ending.confirmation
    )
    _, body = shaped(reply)
    sent = body["interactive"]["body"]["text"]
    assert ending.confirmation is not None
    agreed = ending.confirmation.arguments
    assert sent.endswith(f"{agreed['description']} Is that right?")
    assert agreed["description"] == words or words.startswith(agreed["description"].removesuffix("…"))
    assert ending.confirmation.digest == digest_of("create_ticket", agreed)
    assert utf16_length(sent) <= BESIDE_BUTTONS


def test_what_cannot_be_shown_whole_is_a_persons_to_arrange():
    many = {f"field_{n}": "é" * 60 for n in range(30)}
    ending = ask(wanted(**many), {}, "en")
    assert (ending.decision, ending.reason, ending.confirmation) == ("hand_off", "rule", None)
