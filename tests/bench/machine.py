"""Names the machine that the figures are from, and counts CPU time by process. Knows no benchmark."""

import os
import platform
import time
from pathlib import Path

import psutil


def described() -> str:
    """CPU model, cores, memory, Python and how busy others keep the machine."""
    model = platform.processor() or "unknown CPU"
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []:
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    memory = psutil.virtual_memory().total / 2**30
    busy = psutil.cpu_percent(interval=1.0)
    return (
        f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}, Python {platform.python_version()}; "
        f"{busy:.0f}% of the CPU in use before the start"
    )


class CpuMeter:
    """CPU seconds of named process trees since `begin()`, and of the whole machine, to show what others took."""

    def __init__(self, **roots: int) -> None:
        self._roots = roots
        self.begin()

    def begin(self) -> None:
        """Start counting."""
        self._at = time.perf_counter()
        self._before = self._now()
        self._machine = _machine_s()

    def read(self) -> dict[str, float]:
        """Seconds by name since `begin()`; `others` is what the rest of the machine used."""
        used = {name: seconds - self._before.get(name, 0.0) for name, seconds in self._now().items()}
        used["others"] = max(0.0, _machine_s() - self._machine - sum(used.values()))
        return used

    def _now(self) -> dict[str, float]:
        return {name: _tree_s(pid) for name, pid in self._roots.items()}


def _machine_s() -> float:
    times = psutil.cpu_times()
    return float(times.user + times.system + getattr(times, "nice", 0.0))


def _tree_s(pid: int) -> float:
    root = psutil.Process(pid)
    total = 0.0
    family = [root] if pid == os.getpid() else [root, *root.children(recursive=True)]
    for process in family:
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system
    return float(total)
