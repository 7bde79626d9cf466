"""bench_evals: 1,000 single-turn cases on the extractive assistant, and the same again without a change.

As a user runs it: `sahut eval run` in a process of its own, start, reports and all.
"""

import json
import subprocess
import time
from pathlib import Path

from tests.bench.processes import HANDBOOK, SCRIPTS, Folder, environment, learn
from tests.bench.tables import Target

CASES = 1000
QUICK = 200
SUITE = HANDBOOK.parent / "evals"


async def bench(*, quick: bool) -> bool:
    """Measure both; the targets are those of two cores. `quick` plays fewer cases and scales the first target."""
    many = QUICK if quick else CASES
    with Folder() as home:
        env = environment(home, "http://127.0.0.1:1")
        learn(env)
        suite = _suite(home / "many.jsonl", many)
        first = _run(env, suite, home / "first")
        again = _run(env, suite, home / "again")
    return Target.show(
        [
            Target(f"{many} cases, s", first, at_most=90 * many / CASES + (5 if quick else 0)),
            Target(f"{many} cases again without a change, s", again, at_most=5),
        ]
    )


def _suite(path: Path, many: int) -> Path:
    """As many different questions: those of the sample suite, asked by customers with a different opening each."""
    rows = [json.loads(line) for line in (SUITE / "support.test.jsonl").read_text(encoding="utf-8").splitlines()]
    lines = []
    for i in range(many):
        row = rows[i % len(rows)]
        asked = row["turns"][0]["user"] if i < len(rows) else f"({i}) {row['turns'][0]['user']}"
        lines.append(json.dumps({**row, "id": f"{row['id']}-{i}", "turns": [{**row["turns"][0], "user": asked}]}))
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def _run(env: dict[str, str], suite: Path, out: Path) -> float:
    began = time.perf_counter()
    command = [SCRIPTS / "sahut", "eval", "run", suite, "--out", out]
    ran = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if not (out / "report.json").is_file():
        raise RuntimeError(f"sahut eval run did not end with a report: {ran.stderr[-500:]}")
    return time.perf_counter() - began
