"""Playing a suite with a scripted assistant."""

import asyncio

import pytest
from eval_play import ScriptedAssistant, case, reply, suite, write_lines

from evals.cases import Case
from evals.plays import Play
from evals.run import NOT_REACHED, Player
from evals.scorers import Answered, Score
from evals.suite import load_suite
from sahut.errors import ModelFailed
from sahut.toolcall import Confirmation
from sahut.turn import Guidance, Reply, Turn

REPLY = {"decision": "reply"}


async def test_a_case_carries_replies_and_confirmation_into_its_next_turns():
    waiting = Confirmation(id="c1", tool="create_ticket", arguments={"topic": "clerk"})
    assistant = ScriptedAssistant(
        {
            "mengadu": Reply(decision="clarify", text="Buka tiket?", language="id", confirmation=waiting),
            "ya": reply("Tiket dibuka.", language="id"),
        }
    )
    guidance = Guidance(organisation="Samsat Nusa Raya")
    asked = case("t", ("mengadu", {"decision": "clarify"}), ("ya", REPLY), ("makasih", {"decision": "hand_off"}))
    run = await Player(assistant, guidance=guidance).play(suite(asked))
    first, second, third = assistant.turns
    assert second.confirmation == waiting
    assert third.confirmation is None
    assert [line.content for line in third.history] == ["mengadu", "Buka tiket?", "ya", "Tiket dibuka."]
    assert {turn.conversation_id for turn in assistant.turns} == {first.conversation_id}
    assert {turn.guidance for turn in assistant.turns} == {guidance}
    assert run.results[0].outcome == "passed"
    assert all((turn.ms or 0) > 0 for turn in run.results[0].turns)


async def test_results_keep_the_suites_order_and_repeats_however_long_each_takes():
    active, most = 0, 0

    async def slow_first(turn: Turn) -> Reply:
        nonlocal active, most
        active, most = active + 1, max(most, active + 1)
        await asyncio.sleep(0.02 if turn.text == "a" else 0)
        active -= 1
        return reply(turn.text)

    told = []
    cases = [case(name, (name, {"contains": [name]})) for name in "abcdef"]
    run = await Player(slow_first, concurrency=3).play(suite(*cases), k=2, progress=told.append)
    assert [(played.id, played.run) for played in run.results] == [(n, i) for n in "abcdef" for i in (1, 2)]
    assert most == 3
    assert [(step.done, step.total) for step in told] == [(i, 12) for i in range(1, 13)]
    assert told[0].latest.id != "a"


async def test_repeats_are_conversations_of_their_own():
    assistant = ScriptedAssistant({})
    await Player(assistant).play(suite(case("a", ("x", REPLY)), k=3))
    assert len({turn.conversation_id for turn in assistant.turns}) == 3


async def test_an_error_is_no_failure_and_ends_its_case_alone():
    assistant = ScriptedAssistant({"a": ModelFailed("the model is down"), "b": reply("no")})
    told = []
    run = await Player(assistant).play(
        suite(
            case("broken", ("a", REPLY), ("b", {"not_contains": ["x"]})),
            case("failed", ("b", {"contains": ["yes"]})),
            case("passed", ("b", REPLY)),
            case("unscored", ("b", None), ("b", {"rubric": "kind"})),
        ),
        progress=told.append,
    )
    assert [played.outcome for played in run.results] == ["error", "failed", "passed", "unscored"]
    first, second = run.results[0].turns
    assert (first.error, second.error) == ("ModelFailed: the model is down", NOT_REACHED)
    assert [score.value for turn in (first, second) for score in turn.scores.values()] == [0, 0]
    assert (told[-1].failures, told[-1].errors) == (1, 1)
    assert "b" not in [turn.text for turn in assistant.turns[:1]]


@pytest.mark.parametrize(
    ("kind", "taken"), [("second_look", {"opinion": "genuine", "label": "fine"}), ("ranking", {"order": [2, 1]})]
)
async def test_a_word_that_a_model_did_not_give_is_an_error_since_the_house_alone_was_measured(kind, taken):
    failed = {"kind": kind, "error": "TimeoutError", "trouble": "slow"}
    taken = {"kind": kind, **taken}
    said = {"a": reply("x", exchanges=(failed,)), "b": reply("x", exchanges=(taken,))}
    run = await Player(ScriptedAssistant(said)).play(suite(case("a", ("a", REPLY)), case("b", ("b", REPLY))))
    assert [played.outcome for played in run.results] == ["error", "passed"]
    assert run.results[0].turns[0].error == "The chat model did not answer in time."


async def test_a_turn_that_never_ends_is_an_error():
    async def asleep(turn: Turn) -> Reply:
        await asyncio.sleep(60)
        return reply("late")

    async def own_timeout(turn: Turn) -> Reply:
        raise TimeoutError("model")

    run = await Player(asleep, timeout_s=0.01).play(suite(case("a", ("x", REPLY))))
    assert run.results[0].turns[0].error == "no answer within 0.01 s"
    run = await Player(own_timeout).play(suite(case("a", ("x", REPLY))))
    assert run.results[0].turns[0].error == "TimeoutError: model"


async def test_a_suite_may_choose_its_scorers_and_bring_others():
    class Polite:
        async def score(self, answered: Answered) -> Score | None:
            if answered.reply is None:
                return Score(value=0, explanation="no reply")
            return Score(value=0.5, explanation=f"{answered.reference}")

    class Broken:
        async def score(self, answered: Answered) -> Score | None:
            return Score(value=float("nan"), explanation="")

    asked = case("a", ("x", {"decision": "silent"}))
    player = Player(ScriptedAssistant({}), scorers={"polite": Polite(), "broken": Broken()})
    chosen = await player.play(suite(asked, scorers=("polite",)))
    assert list(chosen.results[0].turns[0].scores) == ["polite"]
    assert chosen.results[0].outcome == "failed"
    everything = await player.play(suite(asked))
    assert everything.results[0].outcome == "error"
    assert "scorer broken" in (everything.results[0].turns[0].error or "")


async def test_a_transcript_is_replayed_and_recorded(tmp_path):
    messages = [
        {"role": "assistant", "content": "Welcome"},
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "human says"},
        {"role": "user", "content": "how much"},
        {"role": "user", "content": "is it?"},
    ]
    assistant = ScriptedAssistant({"hi": reply("robot says")})
    run = await Player(assistant).play(load_suite(write_lines(tmp_path / "t.jsonl", {"messages": messages})))
    assert [line.content for line in assistant.turns[1].history] == ["Welcome", "hi", "robot says"]
    assert assistant.turns[1].text == "how much\nis it?"
    assert run.results[0].outcome == "unscored"
    assert run.results[0].turns[0].reference == "human says"
    assert run.results[0].turns[0].reply == reply("robot says")


async def test_k_and_concurrency_are_at_least_one():
    for player, k in ((Player(ScriptedAssistant({})), 0), (Player(ScriptedAssistant({}), concurrency=0), 1)):
        with pytest.raises(ValueError, match="at least 1"):
            await player.play(suite(case("a", ("x", None))), k=k)


async def test_a_cancelled_run_stops():
    started = asyncio.Event()

    async def forever(turn: Turn) -> Reply:
        started.set()
        await asyncio.Event().wait()
        return reply("never")

    playing = asyncio.create_task(Player(forever).play(suite(case("a", ("x", REPLY)))))
    await started.wait()
    playing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await playing


async def test_what_fails_because_the_run_was_cancelled_is_not_kept_as_an_error():
    class Kept:
        def __init__(self) -> None:
            self.plays: list[Play] = []

        def get(self, case: Case, run: int) -> Play | None:
            return None

        def keep(self, play: Play) -> None:
            self.plays.append(play)

    started, kept = asyncio.Event(), Kept()

    async def breaks_when_cancelled(turn: Turn) -> Reply:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as gone:
            raise ModelFailed("the connection is gone") from gone
        return reply("never")

    played = Player(breaks_when_cancelled, memories=(kept,)).play(suite(case("a", ("x", REPLY))))
    playing = asyncio.create_task(played)
    await started.wait()
    playing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await playing
    assert kept.plays == []
