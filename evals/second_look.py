"""Measures what a chat model may change of the screen: `python -m evals.second_look --data FOLDER`.

No model is asked: a scripted one that is always right and one that is always wrong bound what any real one can do, for
better and for worse. Prints the table of docs/screening.md.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from agent.dialogue import turn_from_text
from agent.screening.screen import SPAM_THRESHOLD, Screen
from agent.screening.second_look import is_worth_it, revised
from knowledge.embed import LocalEmbedder
from sahut.turn import Guidance, Opinion

NOW = datetime(2026, 11, 1, tzinfo=UTC)


class Outcome(NamedTuple):
    """How a message ended: by the screen alone, with a right word and with a wrong one."""

    asked: bool
    alone: str
    right: str
    wrong: str


async def measure(texts: Sequence[str], *, is_spam: bool) -> list[Outcome]:
    """Every message, screened and looked at twice."""
    screen, found = Screen(LocalEmbedder(), spam_threshold=SPAM_THRESHOLD), []
    true, false = ("spam", "genuine") if is_spam else ("genuine", "spam")
    for text in texts:
        turn = turn_from_text(text, now=NOW, guidance=Guidance(spam_threshold=SPAM_THRESHOLD))
        screening = await screen.screen(text)
        asked = is_worth_it(turn, screening)
        words: tuple[Opinion, ...] = (true, false) if asked else ("unsure", "unsure")  # type: ignore[assignment]
        labels = [revised(turn, screening, word).verdict.label for word in words]
        found.append(Outcome(asked, screening.verdict.label, *labels))
    return found


def read(path: Path) -> list[str]:
    """The texts of a file of JSON lines; of one with labels those that are spam."""
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
    is_spam = path.stem.startswith("spam")
    return [row["text"] for row in rows if not is_spam or row["label"] == "spam"]


def table(found: dict[str, list[Outcome]]) -> Iterator[str]:
    """Shares of messages: asked about; spam and unsure by the screen alone, by a right and by a wrong model."""
    yield "| | messages | asked about | alone: spam, unsure | always right | always wrong |"
    yield "|---|---|---|---|---|---|"
    for name, rows in found.items():
        asked = sum(row.asked for row in rows) / len(rows)
        cells = []
        for way in ("alone", "right", "wrong"):
            labels = [getattr(row, way) for row in rows]
            cells.append(", ".join(f"{labels.count(label) / len(labels):.1%}" for label in ("spam", "unsure")))
        yield f"| {name} | {len(rows)} | {asked:.1%} | {' | '.join(cells)} |"


async def main() -> None:
    """Read, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m evals.second_look", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with ham_*.jsonl and spam_*.jsonl")
    folder = parser.parse_args().data
    files = {path.stem: path for kind in ("ham", "spam") for path in sorted(folder.glob(f"{kind}_*.jsonl"))}
    if not files:
        parser.error(f"{folder} has no ham_*.jsonl or spam_*.jsonl")
    found = {}
    for name, path in files.items():
        found[name.replace("_", " ")] = await measure(read(path), is_spam=name.startswith("spam"))
    sys.stdout.write("\n".join(table(found)) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
