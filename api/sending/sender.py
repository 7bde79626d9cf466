"""The sender: posts queued messages in order and writes down what became of each. The one way out of the house.

`sending` is committed before the POST. It must not know how a message came to be.
"""

import asyncio
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog

from api.metrics import Metrics
from api.whatsapp.outgoing import addressed
from api.whatsapp.policy import Policy, policy_for
from sahut.errors import SahutError, SendNotMade, SendRefused, SendUnknown
from sahut.ids import ConversationId
from sahut.pacing import LATE, Rate
from sahut.ports import Channel, Clock
from sahut.shelf import Shelf
from sahut.store import Store, Tx, media, numbers, outbox, outcomes
from sahut.store.sending import Attempt, Rest, Sending, Step, Upload

log = structlog.get_logger(__name__)

# The client's own timeouts are for each of its steps; this bounds the whole POST.
POST_LIMIT_S = 25.0
UPLOAD_LIMIT_S = 120.0
NOT_MADE_BACK_OFF_S = 2.0
NOT_MADE_DOUBLINGS = 8
NUMBER_RESTS = 0.1
# After so many missed moments a message has the longest grace.
GRACES = 4
# A process that was held up for longer than this never posts: with it and the POST's own limit the claim's lease would
# be over, and somebody else may have begun.
HELD_UP = timedelta(seconds=3)
# What may leave so soon is waited for; the sweep looks as far ahead, so that nothing leaves later than it may.
PATIENCE = timedelta(seconds=1)
NOTHING = timedelta(0)


class FileGone(SahutError):  # noqa: N818 - named as its siblings
    """The bytes of a file are neither on the shelf nor where they were learned."""


@dataclass(frozen=True)
class Sender:
    """Delivers a conversation's outbox. `margin`, `unknown_wait` and `rate` come from the settings.

    `listening_since` is when this house began to hear statuses.
    """

    store: Store
    channel: Channel
    clock: Clock
    metrics: Metrics
    margin: timedelta
    unknown_wait: timedelta
    listening_since: datetime
    shelf: Shelf
    rate: Rate = field(default_factory=Rate)

    async def deliver(self, conversation_id: ConversationId) -> bool:
        """Send every message of the conversation that may leave now, one after the other.

        Whether a customer's message waits there for an answer, as the last look at the conversation saw it.
        """
        async with self.store.transaction() as tx:
            step = await self.next_step(tx, conversation_id)
        return await self.go_on(step)

    async def next_step(self, tx: Tx, conversation_id: ConversationId) -> Step:
        """What may leave now, marked so in `tx`, which may just have queued it: `go_on` with it after the commit."""
        return await outbox.claim(
            tx,
            conversation_id,
            now=self.clock.now(),
            margin=self.margin,
            unknown_wait=self.unknown_wait,
            listening_since=self.listening_since,
            rate=self.rate,
        )

    async def go_on(self, step: Step) -> bool:
        """As `deliver`, from a step on."""
        while True:
            while not isinstance(step, Rest):
                step = await (self._post(step) if isinstance(step, Sending) else self._upload(step))
            left = None if step.until is None else step.until - self.clock.now()
            if left is None or left > PATIENCE:
                return step.undone
            await self.clock.sleep(left.total_seconds())
            async with self.store.transaction() as tx:
                step = await self.next_step(tx, step.conversation_id)

    async def _upload(self, upload: Upload) -> Step:
        """Give Meta the file of a message; the next step, which is that message's POST.

        No answer is no harm here: the file is uploaded once more.
        """
        file = await asyncio.to_thread(self.shelf.find, upload.hash, root=upload.root, path=upload.path)
        try:
            if file is None:
                raise FileGone("its file is not in SAHUT_HOME/media: learn it again")
            async with asyncio.timeout(UPLOAD_LIMIT_S):
                media_id = await self.channel.upload(upload.number, file, upload.media_type)
        except (TimeoutError, SendUnknown, SendNotMade) as error:
            await self._not_made(upload, f"the file could not be uploaded: {error}")
        except FileGone as error:
            await self._give_up(upload, str(error), None)
        except SendRefused as error:
            await self._refused(upload, error)
        else:
            async with self.store.transaction() as tx:
                await outbox.uploaded(tx, upload, media_id, now=self.clock.now())
        async with self.store.transaction() as tx:
            return await self.next_step(tx, upload.conversation_id)

    async def _post(self, sending: Sending) -> Step:
        """Post one message, when it may leave, and write down what became of it; the next one."""
        while (left := sending.at - self.clock.now()) > NOTHING:
            await self.clock.sleep(left.total_seconds())
        if -left > _grace(sending):
            return await self._missed(sending)
        try:
            async with asyncio.timeout(POST_LIMIT_S):
                wamid = await self.channel.send(sending.number, _addressed(sending))
        except TimeoutError:
            await self._lost(sending, f"no answer from the Graph API within {POST_LIMIT_S:.0f} s")
        except SendUnknown as error:
            await self._lost(sending, str(error))
        except SendNotMade as error:
            await self._not_made(sending, str(error))
        except SendRefused as error:
            await self._refused(sending, error)
        else:
            self.metrics.sends.labels("sent").inc()
            async with self.store.transaction() as tx:
                await outcomes.sent(tx, sending, wamid, now=self.clock.now())
                return await self.next_step(tx, sending.conversation_id)
        async with self.store.transaction() as tx:
            return await self.next_step(tx, sending.conversation_id)

    async def _missed(self, sending: Sending) -> Step:
        """This process was held up, and the message's moment is over: it takes its place in the queue again.

        Whatever left late would come too close to those that other processes send on time.
        """
        async with self.store.transaction() as tx:
            await outcomes.missed(tx, sending, now=self.clock.now())
            return await self.next_step(tx, sending.conversation_id)

    async def _lost(self, sending: Sending, why: str) -> None:
        async with self.store.transaction() as tx:
            await outcomes.lost(tx, sending, why=why, unknown_wait=self.unknown_wait)
        self.metrics.sends.labels("unknown").inc()
        log.warning("the answer to a send was lost, waiting for its status", message=sending.id, error=why)

    async def _refused(self, sending: Attempt, error: SendRefused) -> None:
        policy = policy_for(error.code)
        if policy.alert:
            self.metrics.alerts.labels(str(error.code)).inc()
            log.error("the account needs attention", code=error.code, meaning=policy.meaning)
        if policy.pauses:
            await self._pause(sending, policy, error)
            return
        wait = policy.wait_s(sending.tries_under(error.code))
        if wait is None and await self._is_stale(sending, error.code):
            wait = 0.0
        if wait is not None:
            await self._later(sending, timedelta(seconds=wait), error.message, error.code)
        else:
            await self._give_up(sending, error.message, error.code)

    async def _pause(self, sending: Attempt, policy: Policy, error: SendRefused) -> None:
        """Every other message would be refused too: this one goes back to its place, and the number rests."""
        now = self.clock.now()
        async with self.store.transaction() as tx:
            await outcomes.put_off(tx, sending, at=now, why=error.message, code=error.code)
            why = f"{policy.meaning}: {error.message}"
            paused = await numbers.pause(
                tx, sending.number, code=error.code, why=why, by="Meta", now=now, posted_at=sending.since
            )
        self.metrics.sends.labels("later").inc()
        if paused:
            log.error("a number is paused: nothing is sent from it", number=sending.number, code=error.code, why=why)

    async def _is_stale(self, sending: Attempt, code: int) -> bool:
        """Whether Meta may have let go of a file's upload: it is forgotten, and the file uploaded again, once."""
        if not isinstance(sending, Sending) or sending.file is None or code not in media.GONE:
            return False
        async with self.store.transaction() as tx:
            await media.forget_upload(tx, sending.number, sending.file)
        return sending.tries_under(code) == 1

    async def _give_up(self, sending: Attempt, why: str, code: int | None) -> None:
        async with self.store.transaction() as tx:
            await outcomes.refused(
                tx,
                sending,
                why=why,
                code=code,
                window_closed=code is not None and policy_for(code).closes_window,
                now=self.clock.now(),
            )
        self.metrics.sends.labels("failed").inc()
        log.error("a message is given up", message=sending.id, code=code, error=why)

    async def _not_made(self, sending: Attempt, why: str) -> None:
        tries = min(sending.tries_under(None), NOT_MADE_DOUBLINGS)
        await self._later(sending, timedelta(seconds=NOT_MADE_BACK_OFF_S * 2 ** (tries - 1)), why, None)

    async def _later(self, sending: Attempt, wait: timedelta, why: str, code: int | None) -> None:
        # A little jitter keeps many conversations from coming back at the same moment.
        at = self.clock.now() + wait * random.uniform(1.0, 1.1)  # noqa: S311
        async with self.store.transaction() as tx:
            await outcomes.put_off(tx, sending, at=at, why=why, code=code)
            await self._rest(tx, sending.number, code, at)
        self.metrics.sends.labels("later").inc()
        log.warning("a send is put off", message=sending.id, code=code, wait_s=wait.total_seconds(), error=why)

    async def _rest(self, tx: Tx, number: str, code: int | None, until: datetime) -> None:
        """What Meta says of the number and not of one message holds for all that leave from it."""
        if code is None:
            return
        action = policy_for(code).action
        if action == "number":
            # It was too fast by a message or two: the others need not wait as long as the one that was refused.
            now = self.clock.now()
            await numbers.slow(tx, number, until=now + (until - now) * NUMBER_RESTS)
        elif action == "bulk":
            await numbers.hold_bulk(tx, number, until=until, now=self.clock.now())


def _grace(sending: Sending) -> timedelta:
    """How late a message may leave. One that had not to wait for its moment has nothing before it to come close to; one
    that missed others is let go later, so that a process which is always late still sends.
    """
    if sending.at <= sending.since:
        return HELD_UP
    return min(HELD_UP, LATE * 4.0 ** min(sending.attempt - 1, GRACES))


def _addressed(sending: Sending) -> dict[str, Any]:
    return addressed(
        sending.body,
        callback_id=sending.callback_id,
        phone=sending.phone,
        user_id=sending.user_id,
        group=sending.group,
        quote=sending.quote if "context" not in sending.body else None,
    )
