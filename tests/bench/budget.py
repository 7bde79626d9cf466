"""The fitted budget on cases that were kept aside: `python -m tests.bench.budget`, `--help` for data of one's own.

As a user does it: `sahut learn`, `sahut eval calibrate` on one half, `sahut eval run` on the other; then the other half
is drawn again and again, and the figure is how often at most the budget of its sent answers is wrong. By itself it
measures the sample office at 15% with 90% confidence: some 6% of the extractive assistant's surest answers there are
wrong, and its cases allow no stricter promise (`sahut eval calibrate` refuses 10%; see docs/evals.md).
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tests.bench.processes import HANDBOOK, SCRIPTS, Env, Folder, environment
from tests.bench.tables import Target, console

RESAMPLES = 200
SEED = 20240229
EVALS = HANDBOOK.parent / "evals"
HALVES = (EVALS / "support.calibration.jsonl", EVALS / "support.test.jsonl")


def share_held(sent: Sequence[float], wrong: Sequence[float], *, most: float, resamples: int = RESAMPLES) -> float:
    """Of so many draws of the conversations, the share in which at most `most` of those with an answer got a wrong one.

    `sent` and `wrong` are 1 or 0 for each conversation.
    """
    table = np.asarray([sent, wrong], dtype=np.float64)
    many = table.shape[1]
    places = np.random.default_rng(SEED).integers(many, size=(resamples, many))
    sums = table[:, places].sum(axis=2)
    return float(np.mean(sums[1] <= most * sums[0]))


def measure(documents: Path, calibration: Path, test: Path, *, most: float, confidence: float, following: int) -> bool:
    """Fit, run, draw and show. Whether the budget held in at least 95% of the draws."""
    with Folder() as home:
        env = environment(home, "http://127.0.0.1:1", SAHUT_MAX_WRONG=str(most))
        if calibration == test:
            calibration, test = _halves(calibration, home)
        _sahut(env, "learn", documents)
        promise = ("--max-wrong", str(most), "--confidence", str(confidence), "--next", str(following))
        _sahut(env, "eval", "calibrate", calibration, *promise)
        _sahut(env, "eval", "run", test, "--out", home / "run", fails=True)
        report = json.loads((home / "run" / "report.json").read_text(encoding="utf-8"))
        fitted = json.loads((home / "calibration.json").read_text(encoding="utf-8"))["send"]
    wrong, sent = zip(*(one["counts"]["wrong_answers"] for one in report["results"]), strict=True)
    on = fitted["fitted_on"]
    console.print(
        f"fitted on {on['answers']} answers, of which {on['sent']} are sent and {on['wrong']} of these wrong;"
        f" thresholds {fitted['thresholds']}"
    )
    console.print(
        f"other half: {sum(sent):.0f} of {len(sent)} conversations have an answer, {sum(wrong):.0f} a wrong one"
    )
    held = share_held(sent, wrong, most=most)
    return Target.show([Target(f"{most:.0%} held, of {RESAMPLES} draws of the other half", held, at_least=0.95)])


def _halves(cases: Path, home: Path) -> tuple[Path, Path]:
    """A file of cases cut by chance in two."""
    lines = [line for line in cases.read_text(encoding="utf-8").splitlines() if line.strip()]
    order = np.random.default_rng(SEED).permutation(len(lines))
    halves = (home / "calibration.jsonl", home / "test.jsonl")
    for path, places in zip(halves, np.array_split(order, 2), strict=True):
        path.write_text("\n".join(lines[place] for place in places) + "\n", encoding="utf-8")
    return halves


def _sahut(env: Env, *words: str | Path, fails: bool = False) -> None:
    ran = subprocess.run([SCRIPTS / "sahut", *words], env=env, capture_output=True, text=True, check=False)
    if ran.returncode and not (fails and ran.returncode == 1):
        raise RuntimeError(f"sahut {words[0]} ended with {ran.returncode}: {ran.stderr[-800:]}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--learn", type=Path, default=HANDBOOK, help="documents")
    parser.add_argument("--calibration", type=Path, default=HALVES[0], help="cases to fit on")
    parser.add_argument("--test", type=Path, default=HALVES[1], help="the other half; the same file is cut in two")
    parser.add_argument("--max-wrong", type=float, default=0.15)
    parser.add_argument("--confidence", type=float, default=0.9)
    parser.add_argument("--next", type=int, default=200, help="answers that the promise is about")
    told = parser.parse_args()
    promise = {"most": told.max_wrong, "confidence": told.confidence, "following": told.next}
    kept = measure(told.learn, told.calibration, told.test, **promise)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
