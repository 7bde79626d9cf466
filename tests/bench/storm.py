"""The storm in bulk: many seeded schedules (`tests.storm`), split over two processes."""

import asyncio
import sys
from pathlib import Path

from tests.bench.tables import show

PROCESSES = 2


async def bench(*, schedules: int) -> bool:
    """Play the schedules; whether none broke a rule."""
    share = schedules // PROCESSES
    outcomes = await asyncio.gather(*(_part(number * share, share) for number in range(PROCESSES)))
    rows = [[f"from seed {number * share}", said.splitlines()[-1]] for number, (_, said) in enumerate(outcomes)]
    show("The storm", ["", "schedules"], rows)
    for _, said in outcomes:
        broken = [line for line in said.splitlines() if line.startswith("seed ")]
        print("\n".join(broken[:20]))
    return all(code == 0 for code, _ in outcomes)


async def _part(first: int, schedules: int) -> tuple[int, str]:
    words = ["-m", "tests.storm", "--first", str(first), "--schedules", str(schedules)]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *words,
        cwd=Path(__file__).parents[2],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return process.returncode or 0, said.decode(errors="replace") or "nothing was said\n"
