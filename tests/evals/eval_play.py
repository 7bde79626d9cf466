"""A scripted assistant and short ways to write cases, for the tests of evals."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evals.cases import Case
from evals.suite import Suite
from sahut.found import Citation
from sahut.turn import Reply, Turn, Usage


class ScriptedAssistant:
    """Says what the script has for the turn's text (a reply, or an exception to raise); remembers every turn."""

    def __init__(self, script: Mapping[str, Reply | Exception], default: Reply | None = None) -> None:
        self.script = script
        self.default = default or Reply(decision="hand_off", text="One moment.", reason="no_answer")
        self.turns: list[Turn] = []

    async def __call__(self, turn: Turn) -> Reply:
        self.turns.append(turn)
        said = self.script.get(turn.text, self.default)
        if isinstance(said, Exception):
            raise said
        return said


def reply(text: str, *documents: str, cost_usd: float = 0.0, **fields: Any) -> Reply:
    cited = tuple(Citation(document=name, version="v1", start=0, end=1, quote="x") for name in documents)
    usage = Usage(cost_usd=cost_usd)
    return Reply(**{"decision": "reply", "text": text, "citations": cited, "usage": usage, **fields})


def case(name: str, *turns: tuple[str, dict[str, Any] | None], **fields: Any) -> Case:
    rows = [{"user": user, "expect": expect} for user, expect in turns]
    return Case.model_validate({"id": name, "turns": rows, **fields})


def suite(*cases: Case, **fields: Any) -> Suite:
    return Suite(name="office", path=Path("office.yaml"), cases=cases, **fields)


def write_lines(path: Path, *rows: Any) -> Path:
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
