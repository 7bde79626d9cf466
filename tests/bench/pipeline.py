"""bench_pipeline: webhook to reply at the Graph double, through real processes, and beside it the bare baseline.

Latency is from just before the webhook's post to the moment the double has the reply. Every reply is followed by
three statuses, as at Meta, which the service has to take in while it answers.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from api.server import listen, served
from sahut.testing.openai_server import OpenAIScript, replies
from tests.bench.load import Tally, Town, share
from tests.bench.machine import CpuMeter
from tests.bench.processes import (
    Chroma,
    Env,
    Folder,
    Postgres,
    Process,
    ServedDouble,
    Service,
    answers,
    environment,
    free_port,
    learn,
    served_double,
)
from tests.bench.tables import Row, Target, console, show

CROWD = 32
LIGHT_PER_S = 2.0
BUSY_PER_S = 20.0
WARM_UP = 24
STATUSES = 3


@dataclass
class Found:
    """What one run of the load gave; `cpu_ms` is CPU time a reply by process."""

    label: str
    tally: Tally
    per_s: float
    cpu_ms: dict[str, float] = field(default_factory=dict)

    @property
    def row(self) -> Row:
        latency, acks = self.tally.latencies_s, self.tally.acks_s
        quantiles = [1000 * share(latency, q) for q in (0.5, 0.95, 0.99)] + [1000 * share(acks, q) for q in (0.5, 0.95)]
        counted = (len(self.tally.posted), self.tally.lost + self.tally.refused, self.tally.twice)
        return [self.label, f"{self.per_s:.1f}", *(f"{q:.0f}" for q in quantiles), *map(str, counted)]

    @property
    def is_sound(self) -> bool:
        return not (self.tally.lost or self.tally.refused or self.tally.twice)


COLUMNS = ["", "replies/s", "reply p50 ms", "p95", "p99", "ack p50 ms", "p95", "messages", "lost", "twice"]


class Stand:
    """Processes under measure: where webhooks go, and whose CPU time is counted."""

    def __init__(self, addresses: list[str], **pids: int) -> None:
        self.addresses, self.pids = addresses, {**pids, "load": os.getpid()}


async def bench(*, seconds: float) -> bool:
    """Measure everything and show it; whether nothing was lost or answered twice and every target was met."""
    found: dict[str, Found] = {}
    async with AsyncExitStack() as stack:
        home = stack.enter_context(Folder())
        double = await stack.enter_async_context(served_double())
        script = OpenAIScript([replies("Silakan lihat dokumen kami untuk rinciannya.", sources=[1])])
        model = await stack.enter_async_context(served(script.app, listen("127.0.0.1", 0)))
        variants = {
            "extractive": {},
            "instant": {"SAHUT_MODEL": "instant", "OPENAI_BASE_URL": f"{model}/v1", "OPENAI_API_KEY": "none"},
        }
        for name, more in variants.items():
            found |= await _on_sqlite(_room(home, f"sqlite-{name}"), double, name, more, seconds)
        postgres = stack.enter_context(Postgres())
        for name, more in variants.items():
            found |= await _on_postgres(_room(home, f"postgres-{name}"), postgres, double, name, more, seconds)
    return _report(found)


def _room(home: Path, name: str) -> Path:
    room = home / name
    room.mkdir()
    return room


async def _on_sqlite(
    home: Path, double: ServedDouble, variant: str, more: dict[str, str], seconds: float
) -> dict[str, Found]:
    env = environment(home, double.address, **more)
    await asyncio.to_thread(learn, env)
    service = Service(env).start()
    try:
        await asyncio.to_thread(service.ready)
        stand = Stand([service.address], service=service.pid)
        found = {}
        async with _town(double, stand) as town:
            for key, rate in (("light", LIGHT_PER_S), ("busy", BUSY_PER_S)):
                label = f"SQLite, {variant}, {rate:.0f} messages/s"
                found[f"sqlite {variant} {key}"] = await _paced(town, stand, label, rate, seconds)
            label = f"SQLite, {variant}, {CROWD} waiting"
            found[f"sqlite {variant} crowd"] = await _crowd(town, stand, label, seconds)
        return found
    finally:
        service.stop()


async def _on_postgres(
    home: Path, postgres: Postgres, double: ServedDouble, variant: str, more: dict[str, str], seconds: float
) -> dict[str, Found]:
    found: dict[str, Found] = {}
    with Chroma(home) as chroma:
        env = environment(
            home, double.address, SAHUT_DATABASE_URL=postgres.fresh(), SAHUT_CHROMA_URL=chroma.address, **more
        )
        await asyncio.to_thread(learn, env)
        async with _services(env, chroma, postgres) as stand, _town(double, stand) as town:
            label = f"PostgreSQL, 2 workers, {variant}, {LIGHT_PER_S:.0f} messages/s"
            found[f"postgres {variant} light"] = await _paced(town, stand, label, LIGHT_PER_S, seconds)
            label = f"PostgreSQL, 2 workers, {variant}, {CROWD} waiting"
            found[f"postgres {variant} crowd"] = await _crowd(town, stand, label, seconds)
        for processes in (1, 2):
            async with _baseline(env, chroma, processes) as stand, _town(double, stand) as town:
                label = f"bare route, {processes} process{'es' if processes > 1 else ''}, {variant}, {CROWD} waiting"
                found[f"bare{processes} {variant} crowd"] = await _crowd(town, stand, label, seconds)
    return found


@asynccontextmanager
async def _services(env: Env, chroma: Chroma, postgres: Postgres) -> AsyncIterator[Stand]:
    web = Service(env, roles="web", name="web")
    workers = [Service(env, verb="work", name=f"work-{number}") for number in (1, 2)]
    try:
        for process in (web, *workers):
            process.start()
        for process in (web, *workers):
            await asyncio.to_thread(process.ready)
        pids = {f"worker{number}": worker.pid for number, worker in enumerate(workers, start=1)}
        yield Stand([web.address], web=web.pid, chroma=chroma.pid, postgres=postgres.pid, **pids)
    finally:
        for process in (web, *workers):
            process.stop()


@asynccontextmanager
async def _baseline(env: Env, chroma: Chroma, processes: int) -> AsyncIterator[Stand]:
    """The bare route in so many processes; customers take turns between them."""
    running = [_Bare(env, number) for number in range(1, processes + 1)]
    try:
        for process in running:
            process.begin()
        for process in running:
            await asyncio.to_thread(process.wait_until, process.answers)
        pids = {f"bare{number}": process.pid for number, process in enumerate(running, start=1)}
        yield Stand([process.address for process in running], chroma=chroma.pid, **pids)
    finally:
        for process in running:
            process.stop()


class _Bare(Process):
    """`tests.bench.baseline` on a port of its own."""

    def __init__(self, env: Env, number: int) -> None:
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        root = str(Path(__file__).parents[2])
        words = [sys.executable, "-m", "tests.bench.baseline", str(port)]
        super().__init__(words, {**env, "PYTHONPATH": root}, Path(env["SAHUT_HOME"]), f"bare-{number}-{port}")

    def answers(self) -> bool:
        return answers(f"{self.address}/health/ready")


@asynccontextmanager
async def _town(double: ServedDouble, stand: Stand) -> AsyncIterator[Town]:
    """Customers before a warm service: models, plans and connections are paid for before the clock runs."""
    async with Town(double, stand.addresses, seed=len(double.sent)) as town:
        await asyncio.gather(*(town.one() for _ in range(WARM_UP)))
        await town.crowd(8, 2.0)
        await town.settle()
        yield town


async def _paced(town: Town, stand: Stand, label: str, rate: float, seconds: float) -> Found:
    meter = CpuMeter(**stand.pids)
    tally = await town.paced(rate, seconds)
    await town.settle()
    console.print(f"  {label}: {len(tally.seen)} replies")
    return Found(label, tally, len(tally.seen) / seconds, _a_reply(meter.read(), len(tally.seen)))


async def _crowd(town: Town, stand: Stand, label: str, seconds: float) -> Found:
    meter = CpuMeter(**stand.pids)
    tally, per_s = await town.crowd(CROWD, seconds)
    await town.settle()
    console.print(f"  {label}: {per_s:.1f} replies/s")
    return Found(label, tally, per_s, _a_reply(meter.read(), len(tally.seen)))


def _a_reply(cpu_s: dict[str, float], replies_made: int) -> dict[str, float]:
    return {name: 1000 * seconds / max(1, replies_made) for name, seconds in cpu_s.items()}


def _report(found: dict[str, Found]) -> bool:
    show("bench_pipeline", COLUMNS, [one.row for one in found.values()])
    rows = [[one.label, ", ".join(f"{name} {ms:.1f}" for name, ms in one.cpu_ms.items())] for one in found.values()]
    show("CPU time a reply, ms, by process (others: not ours)", ["", "ms"], rows)
    targets = [
        *_latency_targets(found),
        Target("replies/s, PostgreSQL, extractive", found["postgres extractive crowd"].per_s, at_least=40),
    ]
    for variant in ("extractive", "instant"):
        ours = found[f"postgres {variant} crowd"].per_s
        for processes in (1, 2):
            bare = found[f"bare{processes} {variant} crowd"].per_s
            targets.append(Target(f"share of the bare route in {processes}, {variant}", ours / bare, at_least=0.5))
    met = Target.show(targets)
    return met and all(one.is_sound for one in found.values())


def _latency_targets(found: dict[str, Found]) -> list[Target]:
    light, busy = found["sqlite extractive light"].tally, found["sqlite extractive busy"].tally
    return [
        Target("light load, SQLite: reply p50, ms", 1000 * share(light.latencies_s, 0.5), at_most=120),
        Target("light load, SQLite: reply p95, ms", 1000 * share(light.latencies_s, 0.95), at_most=300),
        Target("20 messages/s, SQLite: ack p95, ms", 1000 * share(busy.acks_s, 0.95), at_most=50),
    ]
