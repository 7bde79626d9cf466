"""The benchmarks: `python -m tests.bench [NAME ...] [--seconds N] [--quick] [--data FOLDER]`; `--help` names them.

Everything by default. Loopback only; stops by itself; exits non-zero where something was lost, answered twice or out
of order, or a target was missed.
"""

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path

import uvloop

from tests.bench import console as pages
from tests.bench import desk, evals, faults, intake, pacing, passages, pipeline, retrieval, screen, start, storm
from tests.bench.machine import described
from tests.bench.tables import console

Bench = Callable[[argparse.Namespace], Coroutine[None, None, bool]]
BENCHES: dict[str, Bench] = {
    "pipeline": lambda chosen: pipeline.bench(seconds=chosen.seconds or (6 if chosen.quick else 20)),
    "retrieval": lambda chosen: retrieval.bench(quick=chosen.quick),
    "screen": lambda _: screen.bench(),
    "intake": lambda _: intake.bench(),
    "passages": lambda chosen: passages.bench(chosen.data, quick=chosen.quick, with_e5=not chosen.without_e5),
    "faults": lambda chosen: faults.bench(conversations=30 if chosen.quick else 100),
    "pacing": lambda chosen: pacing.bench(seconds=chosen.seconds or (10 if chosen.quick else 30)),
    "storm": lambda chosen: storm.bench(schedules=500 if chosen.quick else 10_000),
    "desk": lambda chosen: desk.bench(quick=chosen.quick),
    "console": lambda chosen: pages.bench(seconds=chosen.seconds or (10 if chosen.quick else 30)),
    "evals": lambda chosen: evals.bench(quick=chosen.quick),
    "start": lambda chosen: start.bench(seconds=chosen.seconds or 10),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("benches", nargs="*", choices=[*BENCHES, []], metavar="bench", help=", ".join(BENCHES))
    parser.add_argument("--seconds", type=float, help="how long each load of the pipeline lasts")
    parser.add_argument("--quick", action="store_true", help="small sizes: minutes, not half an hour")
    parser.add_argument("--data", type=Path, help="passages: a folder of sets of documents and questions")
    parser.add_argument("--without-e5", action="store_true", help="passages: as where e5's file is not installed")
    chosen = parser.parse_args()
    # Whoever ends the benchmark ends what it started too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    console.print(described())
    failed = []
    for name in chosen.benches or BENCHES:
        began = time.perf_counter()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            if not runner.run(BENCHES[name](chosen)):
                failed.append(name)
        console.print(f"{name}: {time.perf_counter() - began:.0f} s\n")
    if failed:
        console.print(f"[red]Not as it should be: {', '.join(failed)}[/red]")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
