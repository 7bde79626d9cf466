"""The worker: woken per conversation, it takes the turn, records the reply and hands it to the sender.

One at a time per conversation, a burst as one turn. It must not know WhatsApp's JSON, HTTP, or how an answer is found.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count

import structlog

from agent.language.phrases import say
from api.background.closings import Closer
from api.background.windows import Warner
from api.metrics import Metrics
from api.sending.sender import PATIENCE, Sender
from api.sending.ticks import Ticks
from api.whatsapp import outgoing
from api.whatsapp.replies import shaped
from sahut.engine import Engine
from sahut.errors import StoreUnavailable
from sahut.ids import ConversationId
from sahut.models import Author, Purpose
from sahut.ports import Clock
from sahut.store import Store, forms, handoffs, inbox, operators, outbox, outcomes, rows, spending, turns
from sahut.store.sending import Step
from sahut.turn import Reply, Turn

log = structlog.get_logger(__name__)

Answer = Callable[[Turn, Callable[[], None]], Awaitable[Reply]]
Wake = tuple[str, str]
SWEEP_EVERY_S = 1.0
SWEEP_LIMIT = 200
STOP_S = 5.0
FORGET_EVERY_SWEEPS = 600
TURNS_KEPT = timedelta(days=90)
STRAYS_KEPT = timedelta(days=7)  # Meta brings a webhook again for as long
RETRY_AFTER = timedelta(seconds=2)
# Who waits for the end of a burst looks so often: a question may have ended it, and its wake-up was taken for ours.
NAP = timedelta(seconds=0.5)


@dataclass(frozen=True)
class Pace:
    """How the worker spends time. `lease` outlives `limit`, so that only a dead or stalled worker loses it."""

    turn_timeout: timedelta = timedelta(seconds=30)
    slots: int = 8

    @property
    def limit(self) -> timedelta:
        """When a turn is given up: the assistant keeps its own time, so this is for one that hangs."""
        return self.turn_timeout + timedelta(seconds=5)

    @property
    def lease(self) -> timedelta:
        """How long a conversation waits for a worker that died over it."""
        return self.turn_timeout + timedelta(seconds=10)


class Worker:
    """Attends to conversations. Several may run, in one process or many: the rows keep them apart."""

    def __init__(
        self,
        *,
        store: Store,
        engine: Engine,
        answer: Answer,
        sender: Sender,
        clock: Clock,
        metrics: Metrics,
        guidance: turns.Guide,
        pace: Pace,
        name: str,
        closer: Closer | None = None,
        warner: Warner | None = None,
        beside: Mapping[str, Callable[[], Awaitable[None]]] | None = None,
    ) -> None:
        """`guidance` tells what holds for each number now. Without a `closer` no session gets a closing message,
        without a `warner` no operator hears that a window ends.

        `beside` are other loops of this process, by name: they are kept up as the worker's own are.
        """
        self._store = store
        self._engine = engine
        self._answer = answer
        self._sender = sender
        self._clock = clock
        self._metrics = metrics
        self._guidance = guidance
        self._pace = pace
        self._name = name
        self._closer = closer
        self._warner = warner
        self.beside = dict(beside or {})
        self._slots = asyncio.Semaphore(pace.slots)
        self._at_hand: Counter[Wake] = Counter()
        self._swept: set[asyncio.Task[None]] = set()
        self._ticks = Ticks(sender.channel)

    async def run(self) -> None:
        """Serve wake-ups and sweep, until cancelled; nothing of it goes on afterwards."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep_up("engine", self._serve_wakes))
                group.create_task(self._keep_up("sweep", self._sweep_forever))
                for place, work in self.beside.items():
                    group.create_task(self._keep_up(place, work))
        finally:
            await _end({*self._swept, *self._ticks.tasks})
            await self._let_go()

    async def _let_go(self) -> None:
        """Leave no lease behind: turns that were cut off go on elsewhere, or here after the start, at once."""
        try:
            async with self._store.transaction() as tx:
                await turns.free_leases(tx, worker=self._name)
        except StoreUnavailable as error:
            log.warning("leases are left to run out", error=str(error))

    async def attend(self, key: str) -> None:
        """Take turns in one conversation until nothing waits there; what each one queued is sent before the next."""
        with self._attending("turn", key):
            waits = True
            while waits:
                step = await self._one_turn(ConversationId(key))
                if isinstance(step, turns.NotYet):
                    await self._clock.sleep(min(NAP, step.until - self._clock.now()).total_seconds())
                elif step is None:
                    await self.deliver(key)
                    waits = False
                else:
                    with self._attending("send", key):
                        waits = await self._sender.go_on(step)

    async def deliver(self, key: str) -> None:
        """Send what is queued in one conversation."""
        with self._attending("send", key):
            await self._sender.deliver(ConversationId(key))

    @contextmanager
    def _attending(self, topic: str, key: str) -> Iterator[None]:
        self._at_hand[topic, key] += 1
        try:
            with structlog.contextvars.bound_contextvars(conversation=key):
                yield
        finally:
            self._at_hand[topic, key] -= 1
            if not self._at_hand[topic, key]:
                del self._at_hand[topic, key]

    async def look(self) -> list[Wake]:
        """What a crash or a lost wake-up left behind: undone turns, open sends. Notices and closings are queued."""
        now = self._clock.now()
        async with self._store.reading() as tx:
            undone = await turns.undone(tx, now=now, limit=SWEEP_LIMIT)
            unsent = await outbox.due(tx, now=now, ahead=PATIENCE, limit=SWEEP_LIMIT, rate=self._sender.rate)
            late = await handoffs.due(tx, now=now, limit=SWEEP_LIMIT)
        for handoff in late:
            conversation_id = ConversationId(handoff.conversation_id)
            await self._notice(handoff.id, conversation_id, handoff.language)
            unsent.append(conversation_id)
        if self._closer is not None:
            unsent += await self._closer.look()
        if self._warner is not None:
            await self._warner.look()
        return [("turn", str(key)) for key in undone] + [("send", str(key)) for key in unsent]

    async def forget(self) -> None:
        """Keep the records of turns for replay within their time, and strays as long as Meta may still explain them."""
        now = self._clock.now()
        async with self._store.transaction() as tx:
            await turns.forget(tx, before=now - TURNS_KEPT)
            await spending.forget(tx, before=(now - TURNS_KEPT).date())
            await forms.forget(tx, before=now - TURNS_KEPT)
            await outcomes.forget_strays(tx, before=now - STRAYS_KEPT)
            await inbox.trim_raw(tx)
            await operators.forget(tx, now=now)

    async def _serve_wakes(self) -> None:
        await self._engine.run({"turn": self.attend, "send": self.deliver})

    async def _sweep_forever(self) -> None:
        for beat in count():
            for wake in await self.look():
                self._spawn(wake)
            if beat % FORGET_EVERY_SWEEPS == 0:
                await self.forget()
            await self._clock.sleep(SWEEP_EVERY_S)

    async def _keep_up(self, place: str, work: Callable[[], Awaitable[None]]) -> None:
        """Begin again whatever ends with an error: a worker that is up must never stand still."""
        while True:
            try:
                await work()
            except StoreUnavailable as error:
                log.error("the database cannot be used, trying again", place=place, error=str(error))
            except Exception:
                self._metrics.failures.labels(place).inc()
                log.exception("a part of the worker failed, it begins again", place=place)
            await self._clock.sleep(SWEEP_EVERY_S)

    def _spawn(self, wake: Wake) -> None:
        """Attend beside the engine, whose de-duplication may still hold the key of a dead job.

        What is at hand already needs nobody else, and a turn that would only wait for a free slot is left to whoever
        has one.
        """
        if wake in self._at_hand or (wake[0] == "turn" and self._slots.locked()):
            return
        task = asyncio.create_task(self._watched(wake))
        self._swept.add(task)
        task.add_done_callback(self._swept.discard)

    async def _watched(self, wake: Wake) -> None:
        topic, key = wake
        try:
            await (self.attend(key) if topic == "turn" else self.deliver(key))
        except StoreUnavailable as error:
            log.error("the database went away, the next sweep goes on", error=str(error))
        except Exception:
            self._metrics.failures.labels("sweep").inc()
            log.exception("attending failed, the next sweep tries again")

    async def _one_turn(self, conversation_id: ConversationId) -> Step | turns.NotYet | None:
        """Take one turn; what may be sent after it. `None` where there was none to take."""
        async with self._slots:
            guidance = await self._guidance()
            async with self._store.transaction() as tx:
                claim = await turns.claim(
                    tx,
                    conversation_id,
                    worker=self._name,
                    now=self._clock.now(),
                    lease=self._pace.lease,
                    guidance=guidance,
                )
            return await self._take(claim) if isinstance(claim, turns.Claim) else claim

    async def _take(self, claim: turns.Claim) -> Step:
        """Answer a turn, record the reply, and begin to send it in the same commit."""
        reply = await self._reply(claim)
        async with self._store.transaction() as tx:
            if reply is None:
                await turns.release(tx, claim, wake_at=self._clock.now() + RETRY_AFTER)
                return await self._sender.next_step(tx, claim.conversation_id)
            reply, body = shaped(reply)
            outcome = await turns.record(tx, claim, reply, body=body, now=self._clock.now())
            step = await self._sender.next_step(tx, claim.conversation_id)
        self._metrics.turns.labels(reply.decision, outcome).inc()
        log.info(
            "turn taken",
            decision=reply.decision,
            reason=reply.reason,
            outcome=outcome,
            confidence=round(reply.confidence, 3),
            language=reply.language,
            trouble=reply.trouble,
        )
        return step

    async def _reply(self, claim: turns.Claim) -> Reply | None:
        """The assistant's reply; `None` where the turn failed and waits for its next try."""
        if claim.exhausted:
            return _poisoned(claim.turn)
        try:
            wamid = claim.turn.burst[-1].wamid
            with self._metrics.turn_seconds.time(), self._ticks.answering(claim.number, wamid) as coming:
                answering = self._answer(claim.turn, coming)
                return await asyncio.wait_for(answering, self._pace.limit.total_seconds())
        except Exception:
            self._metrics.failures.labels("turn").inc()
            log.exception("turn failed, it will be tried again")
            return None

    async def _notice(self, handoff_id: str, conversation_id: ConversationId, language: str) -> None:
        """Tell a customer, once, that the wait for a human goes on."""
        now = self._clock.now()
        text = say("notice", language)
        async with self._store.transaction() as tx:
            # Conversations are locked before their handoffs, as where an operator claims one.
            conversation = await rows.lock_conversation(tx, conversation_id)
            if conversation is not None and await handoffs.note_notice(tx, handoff_id, now=now):
                tx.add(
                    outbox.draft(
                        conversation,
                        text=text,
                        body=outgoing.text(text),
                        author=Author.ASSISTANT,
                        purpose=Purpose.NOTICE,
                        now=now,
                    )
                )


async def _end(tasks: set[asyncio.Task[None]]) -> None:
    """Let what is under way come to its end for a moment, then stop it: its lease or its status settles it."""
    if tasks:
        _, late = await asyncio.wait(tasks, timeout=STOP_S)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


def _poisoned(turn: Turn) -> Reply:
    """A turn that died again and again goes to a human, never to nowhere."""
    language = turn.language or turn.guidance.languages[0]
    return Reply(
        decision="hand_off",
        reason="model_failed",
        language=language,
        text=say("acknowledgement", language),
        summary="The assistant failed on this message again and again.",
    )
