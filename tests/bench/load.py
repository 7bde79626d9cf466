"""The load: many distinct customers who each write once, and what became of it at the double.

Every text is new, so that no embedding is remembered from the customer before. Knows no service's inside.
"""

import asyncio
import json
import random
import time
from dataclasses import dataclass, field
from itertools import count

from api.simulator.graph import WEBHOOK
from tests.bench.processes import HANDBOOK, ServedDouble
from tests.bench.wire import Wire

CASES = HANDBOOK.parent / "evals" / "office.jsonl"
PATIENCE_S = 60.0
STATUSES_AT_ONCE = 8


def questions() -> list[str]:
    """The sample suite's questions that the handbook answers, of one turn each."""
    cases = [json.loads(line) for line in CASES.read_text(encoding="utf-8").splitlines() if line.strip()]
    first = [case["turns"][0] for case in cases if len(case["turns"]) == 1]
    return [turn["user"] for turn in first if turn.get("expect", {}).get("decision") == "reply"]


def varied(question: str, luck: random.Random) -> str:
    """The question in other bytes and the same words: here and there a wider space."""
    return "".join(letter if letter != " " else luck.choice((" ", "  ", "   ")) for letter in question)


def share(values: list[float], quantile: float) -> float:
    """The value that this share of `values` does not exceed; NaN of nothing."""
    return sorted(values)[min(len(values) - 1, int(quantile * len(values)))] if values else float("nan")


@dataclass
class Tally:
    """What was posted and what arrived, in seconds of the performance counter, by customer."""

    posted: dict[str, float] = field(default_factory=dict)
    acks_s: list[float] = field(default_factory=list)
    refused: int = 0
    seen: dict[str, list[float]] = field(default_factory=dict)

    @property
    def latencies_s(self) -> list[float]:
        return [self.seen[who][0] - at for who, at in self.posted.items() if who in self.seen]

    @property
    def lost(self) -> int:
        return sum(who not in self.seen for who in self.posted)

    @property
    def twice(self) -> int:
        return sum(len(times) > 1 for times in self.seen.values())

    def replies_between(self, begin: float, end: float) -> int:
        return sum(begin <= times[0] < end for times in self.seen.values())


class Town:
    """Customers in front of one service (`addresses`: several take turns), with the double behind it."""

    def __init__(self, double: ServedDouble, addresses: list[str], *, seed: int = 7) -> None:
        self.tally = Tally()
        self.statuses = 0
        self._on_the_way = 0
        self._double = double
        self._wires = [Wire(address) for address in addresses]
        self._luck = random.Random(seed)
        self._questions = questions()
        self._numbers = count(self._luck.randrange(10**6) * 1000)
        self._answered: dict[str, asyncio.Event] = {}
        self._statuses: asyncio.Task[None] | None = None
        double.fault_for = self._arrived

    async def __aenter__(self) -> "Town":
        self._statuses = asyncio.create_task(self._bring_statuses())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._statuses is not None:
            self._statuses.cancel()
        for wire in self._wires:
            await wire.aclose()

    def begin(self) -> None:
        """Forget what was measured; what is still on its way is not counted."""
        self.tally = Tally()

    async def one(self) -> None:
        """A new customer writes; returns when the reply is at the double, or patience ends."""
        number = next(self._numbers)
        who, tally = f"62{8_100_000_000 + number}", self.tally
        text = varied(self._luck.choice(self._questions), self._luck)
        payload = self._double.payload_of(self._double.customer(who, "Bench").text(text))
        body, headers = self._double.mail.signed(payload)
        answered = self._answered[who] = asyncio.Event()
        tally.posted[who] = began = time.perf_counter()
        answer = await self._wires[number % len(self._wires)].post(WEBHOOK, content=body, headers=headers)
        tally.acks_s.append(time.perf_counter() - began)
        tally.refused += answer.status_code != 200
        try:
            await asyncio.wait_for(answered.wait(), PATIENCE_S)
        except TimeoutError:
            return
        finally:
            del self._answered[who]

    async def paced(self, per_second: float, seconds: float) -> Tally:
        """Customers come by chance, so many a second on average, whether the last one was answered or not."""
        self.begin()
        async with asyncio.TaskGroup() as group:
            end = time.perf_counter() + seconds
            while time.perf_counter() < end:
                group.create_task(self.one())
                await asyncio.sleep(self._luck.expovariate(per_second))
        return self.tally

    async def crowd(self, size: int, seconds: float) -> tuple[Tally, float]:
        """`size` customers wait at any time. Replies per second, without the first fifth; the rest is waited for."""
        self.begin()
        began = time.perf_counter()
        end = began + seconds

        async def queue() -> None:
            while time.perf_counter() < end:
                await self.one()

        async with asyncio.TaskGroup() as group:
            for _ in range(size):
                group.create_task(queue())
        first = began + seconds / 5
        return self.tally, self.tally.replies_between(first, end) / (end - first)

    async def settle(self) -> None:
        """Wait until every status was brought."""
        while self._double.mail.pending or self._on_the_way:
            await asyncio.sleep(0.02)

    def _arrived(self, body: dict[str, object]) -> None:
        who = str(body.get("to", "")).lstrip("+")
        self.tally.seen.setdefault(who, []).append(time.perf_counter())
        if who in self._answered:
            self._answered[who].set()

    async def _bring_statuses(self) -> None:
        mail, lanes = self._double.mail, asyncio.Semaphore(STATUSES_AT_ONCE)

        async def bring(payload: object, wire: Wire) -> None:
            body, headers = mail.signed(payload)
            self.statuses += (await wire.post(WEBHOOK, content=body, headers=headers)).status_code == 200
            self._on_the_way -= 1
            lanes.release()

        async with asyncio.TaskGroup() as group:
            while True:
                letters = mail.due()
                taken = set(map(id, letters))
                mail.pending = [letter for letter in mail.pending if id(letter) not in taken]
                self._on_the_way += len(letters)
                for letter in letters:
                    await lanes.acquire()
                    group.create_task(bring(letter.payload, self._wires[0]))
                await asyncio.sleep(0.01)
