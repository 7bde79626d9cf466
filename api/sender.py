"""The sender: posts queued messages in order and writes down what became of each. The one way out of the house.

`sending` is committed before the POST. It must not know how a message came to be.
"""

import asyncio
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from api.metrics import Metrics
from api.whatsapp.outgoing import addressed
from api.whatsapp.policy import policy_for
from sahut.errors import SendNotMade, SendRefused, SendUnknown
from sahut.ids import ConversationId
from sahut.ports import Channel, Clock
from sahut.store import Store, Tx, outbox, outcomes
from sahut.store.sending import Rest, Sending

log = structlog.get_logger(__name__)

# The client's own timeouts are for each of its steps; this bounds the whole POST.
POST_LIMIT_S = 25.0
NOT_MADE_BACK_OFF_S = 2.0
NOT_MADE_DOUBLINGS = 8


@dataclass(frozen=True)
class Sender:
    """Delivers a conversation's outbox. `margin` and `unknown_wait` come from the settings.

    `listening_since` is when this house began to hear statuses.
    """

    store: Store
    channel: Channel
    clock: Clock
    metrics: Metrics
    margin: timedelta
    unknown_wait: timedelta
    listening_since: datetime

    async def deliver(self, conversation_id: ConversationId) -> bool:
        """Send every message of the conversation that may leave now, one after the other.

        Whether a customer's message waits there for an answer, as the last look at the conversation saw it.
        """
        async with self.store.transaction() as tx:
            step = await self.next_step(tx, conversation_id)
        return await self.go_on(step)

    async def next_step(self, tx: Tx, conversation_id: ConversationId) -> Sending | Rest:
        """What may leave now, marked so in `tx`, which may just have queued it: `go_on` with it after the commit."""
        return await outbox.claim(
            tx,
            conversation_id,
            now=self.clock.now(),
            margin=self.margin,
            unknown_wait=self.unknown_wait,
            listening_since=self.listening_since,
        )

    async def go_on(self, step: Sending | Rest) -> bool:
        """As `deliver`, from a step on."""
        while isinstance(step, Sending):
            step = await self._post(step)
        return step.undone

    async def _post(self, sending: Sending) -> Sending | Rest:
        """Post one message and write down what became of it; the next one."""
        try:
            async with asyncio.timeout(POST_LIMIT_S):
                wamid = await self.channel.send(sending.number, _addressed(sending))
        except TimeoutError:
            await self._lost(sending, f"no answer from the Graph API within {POST_LIMIT_S:.0f} s")
        except SendUnknown as error:
            await self._lost(sending, str(error))
        except SendNotMade as error:
            tries = min(sending.tries_under(None), NOT_MADE_DOUBLINGS)
            await self._later(sending, timedelta(seconds=NOT_MADE_BACK_OFF_S * 2 ** (tries - 1)), str(error), None)
        except SendRefused as error:
            await self._refused(sending, error)
        else:
            self.metrics.sends.labels("sent").inc()
            async with self.store.transaction() as tx:
                await outcomes.sent(tx, sending, wamid, now=self.clock.now())
                return await self.next_step(tx, sending.conversation_id)
        async with self.store.transaction() as tx:
            return await self.next_step(tx, sending.conversation_id)

    async def _lost(self, sending: Sending, why: str) -> None:
        async with self.store.transaction() as tx:
            await outcomes.lost(tx, sending, why=why, unknown_wait=self.unknown_wait)
        self.metrics.sends.labels("unknown").inc()
        log.warning("the answer to a send was lost, waiting for its status", message=sending.id, error=why)

    async def _refused(self, sending: Sending, error: SendRefused) -> None:
        policy = policy_for(error.code)
        if policy.alert:
            self.metrics.alerts.labels(str(error.code)).inc()
            log.error("the account needs attention", code=error.code, meaning=policy.meaning)
        wait = policy.wait_s(sending.tries_under(error.code))
        if wait is not None:
            await self._later(sending, timedelta(seconds=wait), error.message, error.code)
            return
        async with self.store.transaction() as tx:
            await outcomes.refused(
                tx,
                sending,
                why=error.message,
                code=error.code,
                window_closed=policy.closes_window,
                now=self.clock.now(),
            )
        self.metrics.sends.labels("failed").inc()
        log.error("Meta refused a message", message=sending.id, code=error.code, error=error.message)

    async def _later(self, sending: Sending, wait: timedelta, why: str, code: int | None) -> None:
        # A little jitter keeps many conversations from coming back at the same moment.
        at = self.clock.now() + wait * random.uniform(1.0, 1.1)  # noqa: S311
        async with self.store.transaction() as tx:
            await outcomes.put_off(tx, sending, at=at, why=why, code=code)
        self.metrics.sends.labels("later").inc()
        log.warning("a send is put off", message=sending.id, code=code, wait_s=wait.total_seconds(), error=why)


def _addressed(sending: Sending) -> dict[str, Any]:
    return addressed(
        sending.body,
        callback_id=sending.callback_id,
        phone=sending.phone,
        user_id=sending.user_id,
        quote=sending.quote if "context" not in sending.body else None,
    )
