"""Reads a chat model's answer into a draft, or says in one phrase why it cannot be used. Knows no client."""

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError, field_validator

from agent.chat.citing import cite
from agent.chat.completion import Called, UnusableError, choice_of, said_in
from agent.chat.shapes import DECISIONS, OPINIONS, REASONS
from agent.language.detection import MAJOR, PREFERRED, detect
from agent.language.words import tokens
from agent.prompts import language_name, results
from sahut.brief import Brief, Draft, Sentence
from sahut.toolcall import ToolCall
from sahut.turn import Opinion

# From so many words on a language tells itself, and so many are read.
_LANGUAGE_TELLS, _LANGUAGE_READ = 8, 120


class _Said(BaseModel):
    text: str
    sources: list[int] = []


class _Answer(BaseModel):
    """The shape asked for, with what weaker models leave out."""

    decision: str
    sentences: list[_Said] = []
    small_talk: bool = False
    reason: str | None = None

    @field_validator("decision")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in DECISIONS:
            raise ValueError(f"decision must be one of {', '.join(DECISIONS)}")
        return value


def read(body: Any, brief: Brief, restore: Callable[[Any], Any] = lambda value: value) -> Draft:
    """The draft in a completion's body, without model, usage and exchange. Raises `UnusableError`.

    `restore` puts back what was hidden from the model.
    """
    choice = choice_of(body)
    if choice.message.refusal or choice.finish_reason == "content_filter":
        return Draft(decision="hand_off", reason="sensitive")
    if choice.message.calls:
        return Draft(decision="reply", tool_calls=_tool_calls(choice.message.calls, brief, restore))
    return _draft(_parse(said_in(body), restore), brief)


def read_opinion(body: Any) -> Opinion:
    """The verdict of a second look. Raises `UnusableError`."""
    verdict = object_in(said_in(body)).get("verdict")
    for opinion in OPINIONS:
        if verdict == opinion:
            return opinion
    raise UnusableError(f"verdict must be one of {', '.join(OPINIONS)}")


def read_order(body: Any, passages: int) -> tuple[int, ...]:
    """The order of so many passages, by number. Raises `UnusableError`, also where one is unknown or comes twice."""
    order = object_in(said_in(body)).get("order")
    if not isinstance(order, list) or any(type(number) is not int for number in order):
        raise UnusableError("order must be a list of whole numbers")
    if len(set(order)) < len(order) or not set(order) <= set(range(1, passages + 1)):
        raise UnusableError(f"order must hold numbers from 1 to {passages}, each once")
    return tuple(order)


def _tool_calls(called: Sequence[Called | None], brief: Brief, restore: Callable[[Any], Any]) -> tuple[ToolCall, ...]:
    offered = {card.name for card in brief.tools}
    calls = []
    for function in called:
        if function is None or function.name not in offered:
            raise UnusableError(f"there is no tool {function.name!r}" if function else "it called no function")
        arguments = function.arguments or {}
        try:
            arguments = json.loads(arguments) if isinstance(arguments, str) else arguments
            json.dumps(arguments, allow_nan=False)  # NaN and infinities are no JSON, and no database holds them
        except (ValueError, RecursionError):
            raise UnusableError(f"the arguments of {function.name} were no JSON") from None
        if not isinstance(arguments, dict):
            raise UnusableError(f"the arguments of {function.name} were no JSON object")
        calls.append(ToolCall(name=function.name, arguments=restore(plain(arguments))))
    return tuple(calls)


def plain(value: Any) -> Any:
    """What a server sent as JSON without what no database holds: NUL, half surrogate pairs, numbers that are none."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
    if isinstance(value, dict):
        return {plain(name): plain(item) for name, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return [plain(item) for item in value] if isinstance(value, list) else value


def _parse(content: str, restore: Callable[[Any], Any]) -> _Answer:
    """The answer in a completion's text."""
    try:
        return _Answer.model_validate(restore(plain(object_in(content))))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UnusableError(f"{where}: {first['msg'].removeprefix('Value error, ')}") from None


def object_in(content: str) -> dict[str, Any]:
    """The object in a text that should be JSON and may have words or a code fence around it."""
    start = content.find("{")
    if start < 0:
        raise UnusableError("it was no JSON object")
    try:
        found, _ = json.JSONDecoder().raw_decode(content[start:])
    except (ValueError, RecursionError):
        raise UnusableError("it was no valid JSON") from None
    answer: dict[str, Any] = found
    return answer


def _draft(answer: _Answer, brief: Brief) -> Draft:
    sentences = tuple(_sentence(said, brief) for said in answer.sentences if said.text.strip())
    if answer.decision == "hand_off":
        reason: Any = answer.reason if answer.reason in REASONS else "no_answer"
        return Draft(decision="hand_off", reason=reason)
    if not sentences:
        raise UnusableError(f"{answer.decision} needs at least one sentence")
    if _is_foreign(" ".join(sentence.text for sentence in sentences), brief.language):
        raise UnusableError(f"it was written in another language: write in {language_name(brief.language)}")
    decision: Any = answer.decision
    return Draft(decision=decision, sentences=sentences, small_talk=answer.small_talk)


def _is_foreign(text: str, language: str) -> bool:
    """Whether so much was written in a language that is not the customer's that it is no name and no quote."""
    row = tokens(text)[:_LANGUAGE_READ] if language in (*PREFERRED, *MAJOR) else []
    return len(row) >= _LANGUAGE_TELLS and detect(" ".join(row), hint=language) != language


def _sentence(said: _Said, brief: Brief) -> Sentence:
    """The sentence with its sources looked up; numbers that are no source are left out."""
    told = results(brief)
    numbers = list(dict.fromkeys(said.sources))
    citations = [
        citation
        for number in numbers
        if 1 <= number <= len(brief.passages)
        for citation in cite(said.text, brief.passages[number - 1])
    ]
    after = [number - len(brief.passages) - 1 for number in numbers]
    keys = [told[at].key for at in after if 0 <= at < len(told)]
    return Sentence(text=said.text.strip(), citations=tuple(citations), tools=tuple(keys))
