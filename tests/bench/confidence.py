"""Fits the formula of the assistant's confidence that ships: `python -m tests.bench.confidence [--dry-run]`.

Plays what is asked of the made-up organisations (`knowledge/data/asked/`) and the calibration half of the sample suite
with every draft sent, fits which drafts were right, prints how many wrong ones each threshold would send (on the other
half and on the suite `office`, too, which teach nothing), and writes `agent/data/confidence.toml`. Deterministic.
"""

import argparse
import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from agent.calibration import OPEN
from agent.confidence import FITTED, SEEN, log_odds
from api.cli.eval_parts import player
from api.mind import Mind, open_mind
from evals.measures import answer_sent, answer_wrong
from evals.played import PlayedCase
from evals.suite import load_suite
from knowledge.asked import shipped
from knowledge.fit import area, logistic
from knowledge.learn import learn
from sahut.settings import Settings
from tests.bench.passages import OFFICE
from tests.bench.processes import Folder
from tests.bench.tables import console, show

THRESHOLDS = (0.4, 0.5, 0.6, 0.7, 0.83, 0.9)
TAUGHT = ("asked", "office")
JUDGED = ("support.calibration", "support.test")
# What every quoting answer has alike: half is the model's own confidence, which is unknown, one is its support.
_ALIKE = {"own": 0.5, "support": 1.0}

# A draft: what was seen of it, in the order of `SEEN`, and whether it was right.
Drafts = list[tuple[tuple[float, ...], bool]]


async def main() -> None:
    """Play, fit, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dry-run", action="store_true", help="write nothing")
    chosen = parser.parse_args()
    with Folder() as folder:
        played = {"asked": await _drafts(folder / "asked", _asked(folder), folder / "asked.jsonl")}
        home = folder / "office"
        for name in (TAUGHT[1], *JUDGED):
            played[name] = await _drafts(home, OFFICE / "handbook", OFFICE / "evals" / f"{name}.jsonl")
    taught = [draft for name in TAUGHT for draft in played[name]]
    weights = fit(taught)
    _tell(played, weights)
    if not chosen.dry_run:
        FITTED.write_text(_written(weights), encoding="utf-8")
        console.print(f"Written: {FITTED}")


def fit(drafts: Drafts) -> dict[str, float]:
    """The weights by name, and `bias`: logistic, with a small ridge."""
    rows = np.array([[*seen, 1.0] for seen, _ in drafts])
    right = np.array([float(was) for _, was in drafts])
    found = dict(zip((*SEEN, "bias"), logistic(rows, right, np.ones(len(right))).tolist(), strict=True))
    # What nothing here tells apart counts as one, and is taken off the bias where it is always the same.
    found["bias"] -= sum(_ALIKE.values())
    return found | dict.fromkeys(_ALIKE, 1.0)


def _asked(folder: Path) -> Path:
    """All sets in one library; their questions as cases beside it."""
    library = folder / "library"
    library.mkdir()
    lines = []
    for texts in shipped():
        for name, text in texts.documents.items():
            (library / f"{texts.name}-{name}").write_text(text, encoding="utf-8")
        for number, question in enumerate(texts.questions):
            cites = [f"{texts.name}-{name}" for name in question.gold]
            expect = {"decision": "reply", "cites": cites} if cites else {"decision": "hand_off"}
            turn = {"user": question.text, "expect": expect}
            lines.append(json.dumps({"id": f"{texts.name}-{number}", "language": question.language, "turns": [turn]}))
    (folder / "asked.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return library


async def _drafts(home: Path, library: Path, cases: Path) -> Drafts:
    settings = Settings(home=home, model="extractive")
    async with open_mind(settings) as mind:
        await _learned(mind, library)
    async with player(settings, at_once=2, calibration=OPEN) as (plays, _):
        played = await plays.play(load_suite(cases), k=1)
    return [draft for case in played.results for draft in _of(case)]


async def _learned(mind: Mind, library: Path) -> None:
    await learn(mind.store, mind.embedder, [library])


def _of(case: PlayedCase) -> Drafts:
    replies = [(turn, turn.reply) for turn in case.turns if answer_sent(turn) and turn.reply and turn.reply.features]
    return [(tuple(log_odds(reply.features)[name] for name in SEEN), not answer_wrong(turn)) for turn, reply in replies]


def _tell(played: dict[str, Drafts], weights: dict[str, float]) -> None:
    console.print(", ".join(f"{name} {weight:.2f}" for name, weight in weights.items()))
    rows = []
    for name, drafts in played.items():
        sure = [(_probability(seen, weights), right) for seen, right in drafts]
        areas = area([p for p, right in sure if right], [p for p, right in sure if not right])
        cells = []
        for threshold in THRESHOLDS:
            sent = [right for p, right in sure if p >= threshold]
            cells.append(f"{len(sent) - sum(sent)} of {len(sent)}")
        rows.append([name, str(len(drafts)), str(sum(right for _, right in drafts)), f"{areas:.3f}", *cells])
    columns = ["wrong of those sent", "drafts", "right", "area", *(f"from {threshold}" for threshold in THRESHOLDS)]
    show("bench_confidence", columns, rows)


def _probability(seen: Sequence[float], weights: dict[str, float]) -> float:
    total = weights["bias"] + sum(_ALIKE.values())
    total += sum(weights[name] * value for name, value in zip(SEEN, seen, strict=True))
    return float(1 / (1 + np.exp(-total)))


def _written(weights: dict[str, float]) -> str:
    lines = ["# Written by `python -m tests.bench.confidence`; not to be changed by hand."]
    return "\n".join([*lines, *(f"{name} = {weight:.2f}" for name, weight in weights.items()), ""])


if __name__ == "__main__":
    asyncio.run(main())
