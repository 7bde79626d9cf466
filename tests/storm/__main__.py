"""Plays many schedules: `python -m tests.storm --schedules 10000`, or one again: `--seed 4711 --log`."""

import argparse
import asyncio
import sys
import time
from collections.abc import Iterable

from sqlmodel import SQLModel

from tests.storm.cast import GatedStore
from tests.storm.checks import violations
from tests.storm.play import play
from tests.storm.stage import Stage


async def storm(seeds: Iterable[int], *, url: str = "sqlite://", log: bool = False) -> list[tuple[int, str]]:
    """Play the schedules of these seeds over one database; the violations by seed."""
    store = GatedStore(url)
    store.stage = None  # type: ignore[assignment]
    found: list[tuple[int, str]] = []
    async with store.engine.begin() as connection:
        await connection.run_sync(SQLModel.metadata.create_all)
    try:
        for seed in seeds:
            found += [(seed, sentence) for sentence in await one(seed, store, log=log)]
    finally:
        await store.close()
    return found


async def one(seed: int, store: GatedStore, *, log: bool = False) -> list[str]:
    """The violations of one seed; with `log` its steps are printed."""
    result = None
    try:
        result = await play(seed, store)
        found = await violations(result)
    except AssertionError as error:
        found = [str(error)]
    if log and isinstance(store.stage, Stage):
        print("\n".join(store.stage.log))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schedules", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--log", action="store_true")
    chosen = parser.parse_args()
    seeds = [chosen.seed] if chosen.seed is not None else range(chosen.first, chosen.first + chosen.schedules)
    began = time.perf_counter()
    found = asyncio.run(storm(seeds, log=chosen.log))
    for seed, sentence in found:
        print(f"seed {seed}: {sentence}")
    took = time.perf_counter() - began
    print(f"{len(seeds)} schedules, {len({seed for seed, _ in found})} with violations, {took:.0f} s")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
