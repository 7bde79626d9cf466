"""How long Sahut takes to be there, and what it weighs: `--help`, ready after start, memory after some traffic."""

import asyncio
import os
import subprocess
import time
from statistics import median

from tests.bench.load import Town
from tests.bench.processes import SCRIPTS, Folder, Service, environment, learn, served_double
from tests.bench.tables import Target

RUNS = 5


async def bench(*, seconds: float) -> bool:
    """Measure the three, without and with the console; whether their targets are met."""
    await asyncio.to_thread(_help_s)  # the first one reads from the disk
    helped = [await asyncio.to_thread(_help_s) for _ in range(RUNS)]
    with Folder() as home:
        async with served_double() as double:
            env = environment(home, double.address)
            await asyncio.to_thread(learn, env)
            bare, bare_mb = await _starts(Service(env))
            service = Service(env, roles="web,worker,console")
            ready, fresh = await _starts(service)
            try:
                await asyncio.to_thread(service.start().ready)
                async with Town(double, [service.address]) as town:
                    await town.crowd(8, seconds)
                    await town.settle()
                used = service.memory_mb()
            finally:
                service.stop()
    return Target.show(
        [
            Target(f"sahut --help, median of {RUNS}, s", median(helped), at_most=0.5),
            Target(f"ready after start without the console, median of {RUNS}, s", median(bare), at_most=8),
            Target(f"ready after start, median of {RUNS}, s", median(ready), at_most=8),
            Target("resident memory when ready without the console, MB", bare_mb, at_most=700),
            Target("resident memory when ready, MB", fresh, at_most=700),
            Target(f"resident memory after {len(town.tally.seen)} replies, MB", used, at_most=700),
        ]
    )


async def _starts(service: Service) -> tuple[list[float], float]:
    """Seconds until it was ready, for each of some starts, and its memory then in MB."""
    taken = []
    for _ in range(RUNS):
        service.stop()
        began = time.perf_counter()
        await asyncio.to_thread(service.start().ready)
        taken.append(time.perf_counter() - began)
    weight = service.memory_mb()
    service.stop()
    return taken, weight


def _help_s() -> float:
    began = time.perf_counter()
    env = {name: value for name, value in os.environ.items() if not name.startswith("SAHUT_")}
    subprocess.run([str(SCRIPTS / "sahut"), "--help"], env=env, check=True, capture_output=True, timeout=60)
    return time.perf_counter() - began
