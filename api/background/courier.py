"""The courier: posts what the store has to tell to other systems, signed, until they take it.

It must not know what an event says. Every outcome is a row, so a crash only makes a post come twice, under one id.
"""

import asyncio
import random
from functools import partial
from itertools import count

import httpx
import structlog

from api.metrics import Metrics
from sahut import hooks
from sahut.outside import Answered, Outside, Refused
from sahut.ports import Clock
from sahut.store import Store
from sahut.store import hooks as queries

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 1.0
FORGET_EVERY_LOOKS = 3600
# One receiver at a time keeps a slow one from delaying the others; this many are served at once.
MOST_AT_ONCE = 16
_TAKEN = range(200, 300)
_GONE = 410


class Courier:
    """Delivers outgoing webhooks. Several may run, in one process or many: the rows keep them apart."""

    def __init__(self, *, store: Store, outside: Outside, clock: Clock, metrics: Metrics) -> None:
        self._store = store
        self._outside = outside
        self._clock = clock
        self._metrics = metrics
        self._rounds: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Look for what is due and deliver it, until cancelled; raises what the database raises."""
        try:
            for look in count():
                await self.look()
                if look % FORGET_EVERY_LOOKS == 0:
                    await self._forget()
                await self._clock.sleep(LOOK_EVERY_S)
        finally:
            await self.stop()

    async def look(self) -> None:
        """Begin a round to every receiver that something is due for, and that none is under way to."""
        now = self._clock.now()
        async with self._store.reading() as tx:
            waiting = await queries.due(tx, now=now)
            self._metrics.hooks_disabled.set(await queries.count_disabled(tx))
        for endpoint_id in waiting:
            if endpoint_id not in self._rounds and len(self._rounds) < MOST_AT_ONCE:
                task = asyncio.create_task(self._watched(endpoint_id))
                self._rounds[endpoint_id] = task
                task.add_done_callback(partial(self._over, endpoint_id))

    def _over(self, endpoint_id: str, _: asyncio.Task[None]) -> None:
        del self._rounds[endpoint_id]

    async def settle(self) -> None:
        """Wait for the rounds that are under way."""
        while self._rounds:
            await asyncio.gather(*self._rounds.values())

    async def _watched(self, endpoint_id: str) -> None:
        try:
            while await self._deliver_next(endpoint_id):
                pass
        except Exception:
            self._metrics.failures.labels("courier").inc()
            log.exception("a round of webhooks failed, the next look begins again", endpoint=endpoint_id)

    async def _deliver_next(self, endpoint_id: str) -> bool:
        """Make one post; whether it was taken and there may be more. After a failure the receiver gets a rest."""
        async with self._store.transaction() as tx:
            post = await queries.claim(tx, endpoint_id, now=self._clock.now())
        if post is None:
            return False
        answer = await self._post(post)
        if isinstance(answer, Answered) and answer.status in _TAKEN:
            async with self._store.transaction() as tx:
                await queries.delivered(tx, post, status=answer.status, now=self._clock.now())
            self._metrics.hooks.labels("delivered").inc()
            return True
        await self._failed(post, answer)
        return False

    async def _post(self, post: queries.Post) -> Answered | str:
        """The receiver's answer, or why there is none; never a word of what it said."""
        headers = hooks.signed_headers(event_id=post.event_id, body=post.body, secret=post.secret, at=self._clock.now())
        try:
            return await self._outside.post(post.url, body=post.body, headers=headers)
        except Refused as error:
            return str(error)
        except TimeoutError:
            return "it did not answer in time"
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            return f"it could not be reached ({type(error).__name__})"

    async def _failed(self, post: queries.Post, answer: Answered | str) -> None:
        status = answer.status if isinstance(answer, Answered) else None
        asked = answer.retry_after if isinstance(answer, Answered) else None
        why = answer if isinstance(answer, str) else _why(answer.status)
        wait = hooks.wait_after(post.attempt, luck=random.random(), asked=asked)  # noqa: S311
        async with self._store.transaction() as tx:
            state = await queries.failed(
                tx, post, why=why, status=status, wait=wait, gone=status == _GONE, now=self._clock.now()
            )
        self._metrics.hooks.labels("given_up" if state == "dead" else "failed").inc()
        log.warning("a webhook was not taken", endpoint=post.endpoint_id, delivery=post.delivery_id, why=why)

    async def _forget(self) -> None:
        async with self._store.transaction() as tx:
            await queries.forget(tx, before=self._clock.now() - queries.KEPT)

    async def stop(self) -> None:
        """Break off what is under way; it comes again when its lease is over."""
        rounds = list(self._rounds.values())
        for task in rounds:
            task.cancel()
        await asyncio.gather(*rounds, return_exceptions=True)


def _why(status: int) -> str:
    if 300 <= status < 400:
        return f"it answered {status}: redirects are not followed, give its final address"
    return f"it answered {status}"
