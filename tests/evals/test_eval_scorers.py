"""Each scorer on its own."""

import pytest
from eval_play import reply

from evals.cases import Expectation
from evals.scorers import Answered, Score, builtin_scorers, unmet_content
from sahut.found import Citation
from sahut.toolcall import ToolCall
from sahut.turn import Reply

SCORERS = builtin_scorers()


async def value(expect: dict, answer: Reply | None) -> dict[str, float]:
    answered = Answered(expect=Expectation.model_validate(expect), reply=answer)
    scores = {name: await scorer.score(answered) for name, scorer in SCORERS.items()}
    return {name: score.value for name, score in scores.items() if score is not None}


def called(*calls: ToolCall) -> Reply:
    return reply("ok", tool_calls=calls)


def quoting(text: str, quote: str) -> Reply:
    """A reply that cites a quote."""
    span = Citation(document="a.md", version="v1", start=0, end=len(quote), quote=quote, title="Fees")
    return reply(text, citations=(span,))


TICKET = {"name": "create_ticket", "arguments": {"topic": "fees"}}
DEEP = {"name": "t", "arguments": {"a": {"b": 1}}}
CASES = [
    ({"decision": "reply"}, reply("x"), 1),
    ({"decision": "hand_off"}, reply("x"), 0),
    ({"cites": ["a.md"]}, reply("x", "a.md", "b.md"), 1),
    ({"cites": ["a.md", "c.md"]}, reply("x", "a.md"), 0),
    ({"contains": ["Surat  laporan", "2%"]}, reply("SURAT\n\tlaporan: 2%"), 1),
    ({"contains": ["12 bulan"]}, reply("12\u00a0bulan"), 1),
    ({"contains": ["ação", "strasse"]}, reply("ac\u0327a\u0303o, Straße"), 1),
    ({"contains": ["2%", "24"]}, reply("2%"), 0),
    ({"contains": ["2%"]}, reply(""), 0),
    ({"not_contains": ["5%"]}, reply("2%"), 1),
    ({"not_contains": ["5%"]}, reply("It is 5%."), 0),
    ({"supported": True}, quoting("The fee is 15%.", "The fee is 15% a month."), 1),
    ({"supported": True}, quoting("The fee is 5%.", "The fee is 15% a month."), 0),
    ({"supported": True}, quoting("Call 0812345678.", "Call 08123456789."), 0),
    ({"supported": True}, quoting("Within 2 days.", "In 2026."), 0),
    ({"supported": True}, called(ToolCall(name="t", result="5", state="refused")).model_copy(update={"text": "5"}), 0),
    ({"language": "id"}, reply("x", language="ID"), 1),
    ({"language": "id"}, reply("x", language="en"), 0),
    ({"language": "id"}, reply("x", language=""), 0),
    ({"tools": [{"name": "create_ticket"}]}, called(ToolCall(name="create_ticket", state="proposed")), 1),
    ({"tools": [{"name": "create_ticket"}]}, called(ToolCall(name="create_ticket", state="failed")), 1),
    ({"tools": [{"name": "create_ticket"}]}, called(ToolCall(name="create_ticket", state="refused")), 0),
    ({"tools": [{"name": "create_ticket"}]}, called(), 0),
    ({"tools": [TICKET]}, called(ToolCall(name="create_ticket", arguments={"topic": "fees", "n": 1})), 1),
    ({"tools": [TICKET]}, called(ToolCall(name="create_ticket", arguments={"topic": "hours"})), 0),
    ({"tools": [TICKET]}, called(ToolCall(name="create_ticket", arguments={})), 0),
    ({"tools": [TICKET]}, called(ToolCall(name="find_order", arguments={"topic": "fees"})), 0),
    ({"tools": [DEEP]}, called(ToolCall(name="t", arguments={"a": {"b": 1, "c": 2}})), 1),
    ({"tools": [{"name": "t", "arguments": {"a": 1}}]}, called(ToolCall(name="t", arguments={"a": True})), 0),
    ({"tools": []}, called(), 1),
    ({"tools": []}, called(ToolCall(name="t")), 0),
]  # fmt: skip


@pytest.mark.parametrize(("expect", "answer", "wanted"), CASES)
async def test_a_scorer_reads_its_key_alone(expect, answer, wanted):
    assert await value(expect, answer) == {next(iter(expect)): wanted}


@pytest.mark.parametrize("expect", [expect for expect, _, wanted in CASES if wanted])
async def test_a_missing_reply_is_wrong(expect):
    assert await value(expect, None) == {next(iter(expect)): 0}


async def test_what_is_not_expected_is_not_scored():
    assert await value({}, reply("x")) == {}
    assert await value({"rubric": "kind"}, reply("x")) == {}
    assert await SCORERS["cites"].score(Answered(reply=reply("x"))) is None


async def test_explanations_say_what_was_missed():
    answered = Answered(expect=Expectation(cites=("a.md", "c.md"), contains=("24",)), reply=reply("2%", "b.md", "a.md"))
    cites, contains = [await SCORERS[name].score(answered) for name in ("cites", "contains")]
    assert cites is not None
    assert contains is not None
    assert cites.explanation == "not cited: c.md; cited: a.md, b.md"
    assert contains.explanation == 'not in the text: "24"'


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -0.1, 1.1])
def test_a_score_is_a_number_from_0_to_1(number):
    with pytest.raises(ValueError, match="value"):
        Score(value=number, explanation="")


def test_unmet_content_names_the_keys():
    expect = Expectation(decision="hand_off", contains=("2%",), not_contains=("5%",), cites=("a.md",), language="id")
    assert unmet_content(expect, reply("5%", "a.md")) == ("contains", "not_contains")
