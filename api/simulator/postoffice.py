"""Brings webhooks to the service as Meta does: signed, retried, without promises of order; knows no message."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import httpx
import structlog

from api.simulator.shapes import encode
from api.whatsapp.signature import HEADER, sign
from sahut.ports import Clock

# Meta: at once, then a few more times with growing gaps, for up to seven days.
RETRY_AFTER_S = (1, 5, 30, 300, 3600, 6 * 3600, 24 * 3600, 72 * 3600)
AT_ONCE = 8

log = structlog.get_logger(__name__)


@dataclass(eq=False)
class Letter:
    """A webhook that waits to be delivered, from `due_at` on."""

    payload: Any
    due_at: datetime
    attempts: int = 0


class PostOffice:
    """The queue of outgoing webhooks.

    By hand: `deliver()` brings what is due, in the order of `pending`, which a test may shuffle, double or delay.
    By itself: `start()` brings everything as it falls due, several at a time, so order is not kept. `pause()` holds
    everything back until `resume()`. `on_post` hears of every post and its answer.
    """

    def __init__(self, *, secret: str, clock: Clock, client: httpx.AsyncClient | None, url: str) -> None:
        self.pending: list[Letter] = []
        self.dropped: list[Letter] = []
        self.client = client
        self.on_post: Callable[[Any, int], None] | None = None
        self.paused = False
        self._url = url
        self._secret = secret
        self._clock = clock
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def signed(self, payload: Any) -> tuple[bytes, dict[str, str]]:
        """The raw body and the headers of a webhook."""
        body = encode(payload)
        return body, {"Content-Type": "application/json", HEADER: sign(body, self._secret)}

    async def post(self, payload: Any) -> int:
        """Post once; the HTTP status, 0 where there was no answer. Errors of a service in process come out."""
        if self.client is None:
            raise RuntimeError("the double has no client to post webhooks with; give it one: double.mail.client = ...")
        body, headers = self.signed(payload)
        try:
            response = await self.client.post(self._url, content=body, headers=headers)
            status = response.status_code
        except httpx.HTTPError:
            status = 0
        if self.on_post is not None:
            self.on_post(payload, status)
        return status

    def put(self, payload: Any, *, delay_s: float = 0) -> Letter:
        """Queue a webhook, due after `delay_s`."""
        letter = Letter(payload, self._clock.now() + timedelta(seconds=delay_s))
        self.pending.append(letter)
        self._news.set()
        return letter

    async def bring(self, letter: Letter) -> bool:
        """Try to deliver one letter now; whether it was taken. One that was not is queued again, a few times."""
        if letter in self.pending:
            self.pending.remove(letter)
        status = 0
        try:
            status = await self.post(letter.payload)
        finally:
            if status != httpx.codes.OK:
                self._again(letter)
        return status == httpx.codes.OK

    def _again(self, letter: Letter) -> None:
        letter.attempts += 1
        if letter.attempts > len(RETRY_AFTER_S):
            self.dropped.append(letter)
            return
        letter.due_at = self._clock.now() + timedelta(seconds=RETRY_AFTER_S[letter.attempts - 1])
        self.pending.append(letter)
        self._news.set()

    def hurry(self, within_s: float) -> None:
        """Let nothing wait longer than this for its next try: hours of Meta's patience become seconds."""
        latest = self._clock.now() + timedelta(seconds=within_s)
        for letter in self.pending:
            letter.due_at = min(letter.due_at, latest)
        self._news.set()

    def due(self) -> list[Letter]:
        """What is due by now, in the order of `pending`."""
        now = self._clock.now()
        return [letter for letter in self.pending if letter.due_at <= now]

    async def deliver(self, limit: int | None = None) -> int:
        """Bring what is due, one after the other, at most `limit`; how many were taken."""
        taken = 0
        for letter in self.due()[:limit]:
            taken += await self.bring(letter)
        return taken

    def start(self) -> None:
        """Deliver by itself from now on."""
        self._task = self._task or asyncio.create_task(self._run())

    def pause(self) -> None:
        """Deliver nothing by itself for now."""
        self.paused = True

    async def resume(self, *, newest_first: bool = False) -> None:
        """Bring what was held back, one after the other, the oldest or the newest first; then go on."""
        if newest_first:
            self.pending.reverse()
        await self.deliver()
        self.paused = False
        self._news.set()

    async def stop(self) -> None:
        """Deliver no more; what is pending stays pending."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _run(self) -> None:
        while True:
            self._news.clear()
            batch = [] if self.paused else self.due()[:AT_ONCE]
            if not batch:
                await self._next_due()
                continue
            outcomes = await asyncio.gather(*map(self.bring, batch), return_exceptions=True)
            for outcome in outcomes:
                if isinstance(outcome, Exception):
                    log.warning("webhook_failed", error=repr(outcome))

    async def _next_due(self) -> None:
        waits = [asyncio.create_task(self._news.wait(), name="news")]
        if self.pending and not self.paused:
            seconds = (min(letter.due_at for letter in self.pending) - self._clock.now()).total_seconds()
            waits.append(asyncio.create_task(_sleep(self._clock, seconds), name="due"))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()


async def _sleep(clock: Clock, seconds: float) -> Literal[True]:
    await clock.sleep(seconds)
    return True
