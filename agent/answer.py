"""Reads a chat model's answer into a draft, or says in one phrase why it cannot be used. Knows no client."""

import json
from typing import Any

from openai.types.chat import ChatCompletion, ChatCompletionMessage
from pydantic import BaseModel, ValidationError, field_validator

from agent.citing import cite
from agent.prompts import DECISIONS, REASONS, results
from sahut.turn import Brief, Draft, Sentence, ToolCall


class UnusableError(Exception):
    """The answer cannot be used; the text says why, in words that a model can act on."""


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


def read(completion: Any, brief: Brief) -> Draft:
    """The draft in a completion, without model, usage and exchange. Raises `UnusableError`."""
    if not isinstance(completion, ChatCompletion) or not completion.choices:
        raise UnusableError("it was no chat completion")
    choice = completion.choices[0]
    message = choice.message
    if message is None:
        raise UnusableError("it had no message")
    if getattr(message, "refusal", None) or choice.finish_reason == "content_filter":
        return Draft(decision="hand_off", reason="sensitive")
    if message.tool_calls:
        return Draft(decision="reply", tool_calls=_tool_calls(message, brief))
    if not (message.content or "").strip():
        raise UnusableError("it was empty")
    return _draft(_parse(message.content or ""), brief)


def _tool_calls(message: ChatCompletionMessage, brief: Brief) -> tuple[ToolCall, ...]:
    offered = {card.name for card in brief.tools}
    calls = []
    for call in message.tool_calls or ():
        function = getattr(call, "function", None)
        if function is None or function.name not in offered:
            raise UnusableError(f"there is no tool {function.name!r}" if function else "it called no function")
        try:
            arguments = json.loads(function.arguments or "{}")
        except (ValueError, RecursionError):
            raise UnusableError(f"the arguments of {function.name} were no JSON") from None
        if not isinstance(arguments, dict):
            raise UnusableError(f"the arguments of {function.name} were no JSON object")
        calls.append(ToolCall(name=function.name, arguments=arguments))
    return tuple(calls)


def _parse(content: str) -> _Answer:
    """The answer in a text that should be JSON and may have words or a code fence around it."""
    start = content.find("{")
    if start < 0:
        raise UnusableError("it was no JSON object")
    try:
        found, _ = json.JSONDecoder().raw_decode(content[start:])
    except (ValueError, RecursionError):
        raise UnusableError("it was no valid JSON") from None
    try:
        return _Answer.model_validate(found)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UnusableError(f"{where}: {first['msg'].removeprefix('Value error, ')}") from None


def _draft(answer: _Answer, brief: Brief) -> Draft:
    sentences = tuple(_sentence(said, brief) for said in answer.sentences if said.text.strip())
    if answer.decision == "hand_off":
        reason: Any = answer.reason if answer.reason in REASONS else "no_answer"
        return Draft(decision="hand_off", reason=reason)
    if not sentences:
        raise UnusableError(f"{answer.decision} needs at least one sentence")
    decision: Any = answer.decision
    return Draft(decision=decision, sentences=sentences, small_talk=answer.small_talk)


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
