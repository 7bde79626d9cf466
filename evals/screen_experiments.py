"""Measures ways to make the screen: `python -m evals.screen_experiments --sms FILE --data FOLDER`.

Nothing of the folder is ever trained on. SMS are measured by a fit that left them out (three folds), and a language of
Sahut's own examples by a fit that has not seen it. Prints the tables of docs/screening.md.
"""

import argparse
import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.authority import INJECTION
from agent.deciding import DISTRESS, WANTS_HUMAN
from agent.language.detection import detect
from agent.screening.evidence import KINDS, Evidence, Row, chance
from agent.screening.screen import SPAM_THRESHOLD, label, trusted
from agent.screening.signals import Kind
from evals.screen_examples import GENUINE, SMS, SPAM, Example, read_sms, written
from evals.train_screen import MOST_EMBEDDED, embed, fit, found
from knowledge.embed import LocalEmbedder
from sahut.ports import Vectors

FOLDS = 3
LANGUAGES = ("en", "id", "pt", "es")
FALSE_POSITIVES = 0.005
INJECTION_FALSE_POSITIVES = 0.01
Flags = NDArray[np.bool_]
Way = Callable[[Evidence], Evidence]


def only_signals(evidence: Evidence) -> Evidence:
    """Without the meaning."""
    return replace(evidence, weights={kind: np.zeros_like(row) for kind, row in evidence.weights.items()})


def only_meaning(evidence: Evidence) -> Evidence:
    """Without the signals."""
    return replace(evidence, told={kind: {} for kind in evidence.told})


def both(evidence: Evidence) -> Evidence:
    """As it ships."""
    return evidence


class Bench:
    """Texts with their vectors, and what evidence thinks of them."""

    def __init__(self, vectors: dict[str, NDArray[np.float32]]) -> None:
        self._vectors = vectors

    def of(self, examples: Sequence[Example]) -> Vectors:
        """The examples' vectors, one row each."""
        return np.stack([self._vectors[one.text] for one in examples])

    def fit(self, examples: Sequence[Example], way: Way) -> Evidence:
        """Evidence from the examples, `way` alone."""
        return way(fit(examples, self.of(examples), space="measured"))

    def scores(self, evidence: Evidence, texts: Sequence[str], kind: Kind) -> Row:
        """How sure the screen is of the kind for each text, as `agent.screening.screen.assess` computes it."""
        rows = np.stack([self._vectors[text] for text in texts]).astype(np.float64)
        meaning = ((rows - evidence.centre) / evidence.scale) @ evidence.weights[kind]
        return np.array(
            [
                chance(trusted(float(said), _language(text)) + evidence.noticed(kind, found(kind, text)))
                for text, said in zip(texts, meaning, strict=True)
            ]
        )


@cache
def _language(text: str) -> str:
    return detect(text)


def threshold(scores: Row, share: float) -> float:
    """The score that no more than `share` of these exceed."""
    return float(np.sort(scores)[::-1][int(share * len(scores))])


def texts_of(rows: Sequence[Example]) -> list[str]:
    """Their texts."""
    return [one.text for one in rows]


def genuine(data: dict[str, list[Example]]) -> list[str]:
    """The texts of genuine support messages."""
    return [one.text for name, rows in data.items() if name.startswith("ham_support") for one in rows]


def spam_row(bench: Bench, data: dict[str, list[Example]], train: Sequence[Example], way: Way) -> list[str]:
    """One line of the table of experiments."""
    evidence = bench.fit(train, way)
    ham = genuine(data)
    screened = bench.scores(evidence, ham, SPAM)
    edge = threshold(screened, FALSE_POSITIVES)
    sms, scores = data["spam_en"], np.zeros(len(data["spam_en"]))
    for fold in range(FOLDS):
        held = [i for i in range(len(sms)) if i % FOLDS == fold]
        texts = {sms[i].text for i in held}
        without = bench.fit([one for one in train if one.text not in texts or one.language != SMS], way)
        scores[held] = bench.scores(without, [sms[i].text for i in held], SPAM)
    row = [_share(scores > edge, _is_spam(sms))]
    others = (data["spam_id"], data["spam_pt"])
    row += [_share(bench.scores(evidence, texts_of(rows), SPAM) > edge, _is_spam(rows)) for rows in others]
    row += [_unseen(bench, train, way, ham, language) for language in LANGUAGES]
    labels = [label(float(score), SPAM_THRESHOLD) for score in screened]
    return [*row, f"{labels.count('spam') / len(labels):.1%}", f"{labels.count('unsure') / len(labels):.1%}"]


def _unseen(bench: Bench, train: Sequence[Example], way: Way, ham: Sequence[str], language: str) -> str:
    """Recall on the examples of a language that the fit has not seen, at the same price."""
    held = [one.text for one in written() if one.language == language and one.kind == SPAM]
    evidence = bench.fit([one for one in train if one.language != language], way)
    edge = threshold(bench.scores(evidence, ham, SPAM), FALSE_POSITIVES)
    return f"{np.mean(bench.scores(evidence, held, SPAM) > edge):.2f}"


def _is_spam(rows: Sequence[Example]) -> Flags:
    return np.array([one.kind == SPAM for one in rows])


def _share(found_so: Flags, among: Flags) -> str:
    return f"{found_so[among].mean():.3f}"


def other_kinds(bench: Bench, data: dict[str, list[Example]], evidence: Evidence) -> list[str]:
    """The lines on wishes for a human, injections, distress and abuse."""
    ham = genuine(data)
    said = bench.scores(evidence, texts_of(data["handoff"]), "wants_human") >= WANTS_HUMAN
    meant = np.array([one.kind == "handoff" for one in data["handoff"]])
    fine, attacks = (bench.scores(evidence, texts, "injection") for texts in (ham, texts_of(data["injection"])))
    edge = threshold(fine, INJECTION_FALSE_POSITIVES)
    lines = [
        f"| wish for a human: precision, recall | {meant[said].mean():.2f}, {said[meant].mean():.2f} |",
        f"| injection: recall at 1% false positives | {np.mean(attacks > edge):.2f} |",
        f"| injection at {INJECTION}: recall, false positives | "
        f"{np.mean(attacks >= INJECTION):.2f}, {np.mean(fine >= INJECTION):.1%} |",
    ]
    kinds: tuple[Kind, ...] = ("distress", "abuse")
    rates = {kind: np.mean(bench.scores(evidence, ham, kind) >= DISTRESS) for kind in kinds}
    return lines + [f"| {kind}: false positives | {rate:.2%} |" for kind, rate in rates.items()]


def unseen_kind(bench: Bench, kind: Kind) -> str:
    """Recall and false positives on near misses of a kind, each language by a fit that has not seen it."""
    caught: list[Flags] = []
    wrong: list[Flags] = []
    for language in (*LANGUAGES, "is"):
        evidence = bench.fit([one for one in written() if one.language != language], both)
        held = [one for one in written() if one.language == language]
        for into, kinds in ((caught, {kind}), (wrong, {f"not_{kind}", GENUINE})):
            into.append(bench.scores(evidence, [one.text for one in held if one.kind in kinds], kind) >= WANTS_HUMAN)
    figures = f"{np.concatenate(caught).mean():.2f}, {np.concatenate(wrong).mean():.1%}"
    return f"| {kind} in a language not trained on: recall, false positives | {figures} |"


def read(folder: Path) -> dict[str, list[Example]]:
    """The data sets of the folder, `text` (or `user`) and `label` a line."""
    sets: dict[str, list[Example]] = {}
    for name in ("ham_support_en", "ham_support_id", "spam_en", "spam_id", "spam_pt", "handoff", "injection"):
        lines = (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        rows = [json.loads(line) for line in lines if line.strip()]
        sets[name] = [Example(str(row.get("label", "")), name, str(row.get("text") or row["user"])) for row in rows]
    return sets


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sms", type=Path, required=True, help="the UCI SMS Spam Collection")
    parser.add_argument("--data", type=Path, required=True, help="a folder of data sets to measure on")
    parser.add_argument("--only", choices=["ships"], help="measure what ships alone")
    chosen = parser.parse_args()
    data, sms = read(chosen.data), read_sms(chosen.sms)
    everything = (*written(), *sms, *(one for rows in data.values() for one in rows))
    embedder = LocalEmbedder()
    unique = {one.text: one for one in everything}
    rows = await embed(embedder, list(unique.values()))
    embedder.close()
    bench = Bench(dict(zip(unique, rows, strict=True)))
    ways: list[tuple[str, Sequence[Example], Way]] = [("both, as it ships", (*written(), *sms), both)]
    if not chosen.only:
        ways = [
            ("signals alone", (*written(), *sms), only_signals),
            ("meaning alone", (*written(), *sms), only_meaning),
            ("both, without SMS", written(), both),
            *ways,
        ]
    print(f"Embedded {len(unique)} texts, at most {MOST_EMBEDDED} characters each.\n")  # noqa: T201
    print("| | SMS en | SMS id | SMS pt | unseen en | id | pt | es | genuine labelled spam | unsure |")  # noqa: T201
    print("|---|---|---|---|---|---|---|---|---|---|")  # noqa: T201
    for name, train, way in ways:
        print(f"| {name} | {' | '.join(spam_row(bench, data, train, way))} |", flush=True)  # noqa: T201
    evidence = bench.fit((*written(), *sms), both)
    print(f"\n| | |\n|---|---|\n{chr(10).join(other_kinds(bench, data, evidence))}")  # noqa: T201
    for kind in KINDS[1:]:
        print(unseen_kind(bench, kind), flush=True)  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main())
