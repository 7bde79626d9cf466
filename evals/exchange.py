"""Writes cases for other tools: our own JSON lines, OpenAI's chat format, and inspect's samples.

Pure: a case in, an object out. Knows nothing of files.
"""

import json
from collections.abc import Callable
from typing import Any, Literal

from evals.cases import Case
from evals.suite import CaseRow

Shape = Literal["cases", "openai", "inspect"]
Row = dict[str, Any]


def to_row(case: Case, shape: Shape) -> Row:
    """One case as an object of that shape."""
    return _SHAPES[shape](case)


def schema() -> Row:
    """The JSON schema of a line of cases, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **CaseRow.model_json_schema(),
        "title": "A case of a Sahut suite",
    }


def _as_case(case: Case) -> Row:
    """Our own shape; a transcript's human answers have no place in it and are left out."""
    turns = []
    for turn in case.turns:
        said: Row = {"user": turn.user[0] if len(turn.user) == 1 else list(turn.user)}
        expect = turn.expect.model_dump(mode="json", exclude_none=True) if turn.expect else {}
        turns.append(said | ({"expect": expect} if expect else {}))
    return {**_about(case), "turns": turns}


def _as_messages(case: Case) -> Row:
    """OpenAI's chat format: what the customer says and, where there is one, what a human answered."""
    return {**_about(case), "messages": _messages(case)}


def _as_sample(case: Case) -> Row:
    """inspect's `Sample`: input is the conversation up to the customer's last message, target what is expected."""
    messages = _messages(case)
    while messages and messages[-1]["role"] == "assistant":
        messages.pop()
    last = case.turns[-1]
    expects = [turn.expect.model_dump(mode="json", exclude_none=True) if turn.expect else {} for turn in case.turns]
    expect = last.expect
    target: str | list[str] = last.reference or ""
    if expect is not None:
        target = expect.rubric or (list(expect.contains) if expect.contains else expect.decision or target)
    about = _about(case)
    return {"id": about.pop("id"), "input": messages, "target": target, "metadata": {**about, "expect": expects}}


def _about(case: Case) -> Row:
    return (
        {"id": case.id}
        | {name: value for name in ("language", "topic") if (value := getattr(case, name))}
        | ({"critical": True} if case.critical else {})
    )


def _messages(case: Case) -> list[Row]:
    found = [{"role": line.role, "content": line.content} for line in case.opening]
    for turn in case.turns:
        found += [{"role": "user", "content": text} for text in turn.user]
        if turn.reference:
            found.append({"role": "assistant", "content": turn.reference})
    return found


def as_line(row: Row) -> str:
    """An object as one line of JSON."""
    return json.dumps(row, ensure_ascii=False, allow_nan=False)


_SHAPES: dict[Shape, Callable[[Case], Row]] = {"cases": _as_case, "openai": _as_messages, "inspect": _as_sample}
