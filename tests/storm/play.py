"""Plays one schedule to its end: brings events and webhooks on, moves actors, kills processes, moves time."""

import random
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import httpx
from sqlalchemy import case, union_all
from sqlmodel import SQLModel, col, func, select
from structlog.testing import capture_logs

from api.app import create_app
from api.events import Events
from api.house import House
from api.metrics import Metrics
from api.sender import Sender
from api.simulator.faults import Down, Fault, LoseAnswer, LoseRequest, Refuse
from api.simulator.graph import NUMBER, SECRET, TOKEN, GraphDouble
from api.simulator.postoffice import Letter
from api.simulator.rules import Rules
from api.whatsapp.client import GraphClient
from api.worker import Pace, Worker
from knowledge.embed import LocalEmbedder
from sahut.models import UNSETTLED, Contact, ContactIdentity, Conversation, Handoff, HandoffState, Message
from sahut.settings import Settings
from sahut.store import keys
from sahut.turn import Guidance
from tests.storm.cast import GatedChannel, GatedStore, LossyEngine, ScriptedAssistant
from tests.storm.plot import Acts, Plot, Says, draw
from tests.storm.stage import START, Stage
from tools.tickets import create_ticket
from tools.toolbox import Toolbox

WORKERS = ("worker-1", "worker-2")
MOST_STEPS = 6_000
MOST_CRASHES = 3
# While somebody stands between a claim and its POST, time may only move by less than the margin of the window.
SMALL_JUMP_S = 5.0
STALL_S = 90.0
REFUSALS = (131056, 130429, 131016)


# The moments at which a row must be looked at: sends, turns (not before the lease ends), notices.
_DUE = union_all(
    select(func.min(Message.due_at)).where(col(Message.state).in_(UNSETTLED)),
    select(
        case(
            (col(Conversation.leased_until) > col(Conversation.wake_at), Conversation.leased_until),
            else_=Conversation.wake_at,
        )
    ).where(col(Conversation.undone_since).is_not(None)),
    select(func.min(Handoff.due_at)).where(
        Handoff.state == HandoffState.QUEUED, Handoff.lane == "support", col(Handoff.noticed_at).is_(None)
    ),
)


class Play:
    """One schedule over one house. After `run`, everything that the checks need is still here."""

    def __init__(self, plot: Plot, store: GatedStore) -> None:
        self.plot, self.store = plot, store
        self.luck = random.Random(plot.seed * 7919 + 1)
        self.stage = store.stage = Stage(self.luck)
        self.double = GraphDouble(
            clock=self.stage,
            rules=Rules(window="late", pair_rate=False, messages_per_s=0, statuses=("sent", "delivered")),
            seed=plot.seed,
        )
        self.double.fault_for = self._fault
        transport = self.double.transport()
        client = GraphClient(url="http://graph.test", version="v26.0", token=TOKEN, transport=transport)
        self.channel = GatedChannel(self.stage, client)
        self.engine = LossyEngine(self.stage)
        self.assistant = ScriptedAssistant(self.stage, store, Toolbox([create_ticket]))
        self.house = self._house()
        app = create_app(self.house, roles=("web",))
        self.web = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://sahut.test")
        self.double.mail.client = self.web
        self.events = list(plot.events)
        self.acts: list[tuple[int, str, str]] = []
        self.crashes = 0
        self._names = count(1)
        self._key = ""

    def _house(self) -> House:
        settings = Settings(
            _env_file=None,
            whatsapp_phone_number_id=NUMBER,
            whatsapp_app_secret=SECRET,
            burst_wait_ms=self.plot.burst_wait_ms,
        )
        metrics = Metrics()
        sender = Sender(
            store=self.store,
            channel=self.channel,
            clock=self.stage,
            metrics=metrics,
            margin=timedelta(seconds=settings.window_margin_s),
            unknown_wait=timedelta(seconds=settings.unknown_send_s),
            listening_since=self.stage.now(),
        )
        worker = Worker(
            store=self.store,
            engine=self.engine,
            answer=self.assistant.answer,
            sender=sender,
            clock=self.stage,
            metrics=metrics,
            guidance=Guidance(),
            pace=Pace(turn_timeout=timedelta(seconds=30), slots=100),
            name="worker",
        )
        return House(
            settings=settings,
            store=self.store,
            engine=self.engine,
            channel=self.channel,
            clock=self.stage,
            embedder=LocalEmbedder(),
            worker=worker,
            events=Events(self.store, self.stage),
            metrics=metrics,
        )

    # --- the director

    async def run(self) -> None:
        """Play until nothing is left to do. Raises `AssertionError` where it does not come to rest."""
        async with self.store.transaction() as tx:
            _, self._key = await keys.create(tx, "ani", ["write"], now=START)
        with capture_logs():
            while await self._go_on():
                assert self.stage.steps < MOST_STEPS, "the house does not come to rest"
        await self.web.aclose()

    async def _go_on(self) -> bool:
        self._bring_events()
        self._bring_letters()
        await self.stage.settle()
        waiting = self.stage.waiting()
        if waiting:
            await self._move(waiting)
            return True
        if self.engine.wakes:
            self._serve_wakes()
            return True
        return await self._let_time_pass()

    async def _move(self, waiting: list[Any]) -> None:
        if self.luck.random() < self.plot.crash and self.crashes < MOST_CRASHES:
            self.crashes += 1
            await self.stage.kill(self.luck.choice(("web", *WORKERS)))
            return
        if self.luck.random() < 0.05:
            self._jump()
        actor = self.luck.choice(waiting)
        try:
            await self.stage.move(actor)
        except Exception as error:
            # The engine and the sweep log what a job raises and go on; so does the director.
            self.stage.note(f"{actor.name} raised {error!r}")

    def _jump(self) -> None:
        """Time passes while actors wait. A long stall only where no POST is under way: it loses leases."""
        sending = any(actor.where in ("post", "answer") for actor in self.stage.actors)
        news = self.double.mail.pending or any(actor.name.startswith("letter") for actor in self.stage.actors)
        stall = not sending and not news and self.luck.random() < 0.2
        self.stage.advance(STALL_S if stall else self.luck.uniform(0, SMALL_JUMP_S))

    async def _let_time_pass(self) -> bool:
        """Jump to the next moment at which something is due; false at the end of the play."""
        moments = [letter.due_at for letter in self.double.mail.pending]
        moments += [START + timedelta(seconds=event.at) for event in self.events[:1]]
        wakes = self.stage.next_wake()
        moments += [wakes] if wakes else []
        moments += await self._due_rows()
        if not moments:
            return False
        gap = (min(moments) - self.stage.now()).total_seconds()
        if gap > 0:
            self.stage.advance(gap)
        else:
            await self._sweep()
        return True

    async def _due_rows(self) -> list[datetime]:
        """When the rows themselves ask to be looked at."""
        async with self.store.reading() as tx:
            found = (await tx.execute(_DUE)).scalars().all()
        return [moment for moment in found if moment is not None]

    # --- what comes on

    def _enter(
        self,
        name: str,
        work: Callable[[], Coroutine[Any, Any, None]],
        process: str,
        on_end: Callable[[bool], None] | None = None,
    ) -> None:
        self.stage.enter(f"{name}-{next(self._names)}", work, process=process, on_end=on_end)

    def _bring_events(self) -> None:
        now = self.stage.now()
        while self.events and START + timedelta(seconds=self.events[0].at) <= now:
            event = self.events.pop(0)
            if isinstance(event, Acts):
                self._enter(event.action, lambda act=event: self._act(act), "web")
            else:
                self._post(event)

    def _post(self, event: Says) -> None:
        customer = self.double.customer(f"62812000000{event.customer:02}", f"Customer {event.customer}")
        written = self.stage.now() - timedelta(seconds=event.late_s)
        messages = [customer.text(f"{event.token} {event.words}", at=written)]
        following = self.events[0] if self.events else None
        if event.batched and isinstance(following, Says) and following.customer == event.customer:
            self.events.pop(0)
            written = self.stage.now() - timedelta(seconds=following.late_s)
            messages.append(customer.text(f"{following.token} {following.words}", at=written))
            self.luck.shuffle(messages)
        payload = self.double.payload_of(*messages)
        for _ in range(event.copies):
            self.double.mail.put(payload, delay_s=self.luck.choice((0, 0, 1)))

    def _bring_letters(self) -> None:
        for letter in self.double.mail.due():
            self.double.mail.pending.remove(letter)
            self._bring(letter)
            if self.luck.random() < 0.1:
                self._bring(Letter(letter.payload, letter.due_at))

    def _bring(self, letter: Letter) -> None:
        async def bring() -> None:
            await self.double.mail.bring(letter)

        def on_end(ended_well: bool) -> None:
            # The door died before it was knocked at: Meta keeps the letter.
            if not ended_well and letter not in self.double.mail.pending:
                self.double.mail.pending.append(letter)

        self._enter("letter", bring, "web", on_end)

    def _serve_wakes(self) -> None:
        for topic, key in self.engine.wakes:
            if self.luck.random() >= self.plot.lost_wake:
                self._attend(topic, key)
        self.engine.wakes.clear()

    def _attend(self, topic: str, key: str) -> None:
        worker = self.house.worker
        work = worker.attend if topic == "turn" else worker.deliver
        self._enter(topic, lambda: work(key), self.luck.choice(WORKERS))

    async def _sweep(self) -> None:
        """Let the real sweep look, and attend to what it found."""
        found: list[tuple[str, str]] = []

        async def sweep() -> None:
            found.extend(await self.house.worker.look())

        self._enter("sweep", sweep, "sweeper")
        await self.stage.settle()
        while any(actor.process == "sweeper" for actor in self.stage.actors):
            await self.stage.move(next(actor for actor in self.stage.actors if actor.process == "sweeper"))
        for topic, key in found:
            self._attend(topic, key)

    async def _act(self, act: Acts) -> None:
        """An operator's call over REST; a takeover is remembered by the step of its commit."""
        async with GatedStore.reading(self.store) as tx:
            query = (
                select(Conversation)
                .join(Contact)
                .join(ContactIdentity)
                .where(ContactIdentity.value == f"62812000000{act.customer:02}")
            )
            conversation = (await tx.execute(query)).scalar_one_or_none()
            handoffs = (await tx.execute(select(Handoff).where(Handoff.state == HandoffState.QUEUED))).scalars()
            handoff = next((row for row in handoffs if conversation and row.conversation_id == conversation.id), None)
        if conversation is None or (act.action == "claim" and handoff is None):
            return
        path = f"conversations/{conversation.id}/{act.action}"
        body: dict[str, Any] | None = None
        if act.action == "write":
            path, body = (
                f"conversations/{conversation.id}/messages",
                {"type": "text", "text": {"body": "operator"}},
            )
        elif handoff is not None and act.action == "claim":
            path = f"handoffs/{handoff.id}/claim"
        headers = {"Authorization": f"Bearer {self._key}"}
        answer = await self.web.post(f"/api/v1/{path}", json=body, headers=headers)
        actor = self.stage.current()
        assert actor is not None
        self.stage.note(f"{act.action} {conversation.id[-4:]} -> {answer.status_code}")
        if answer.is_success:
            self.acts.append((actor.committed, act.action, conversation.id))

    @property
    def held(self) -> list[tuple[str, int, int | None]]:
        """When operators held a conversation: (conversation, step of the takeover's commit, of the return's)."""
        spans: list[tuple[str, int, int | None]] = []
        for step, action, conversation_id in sorted(self.acts):
            if action in ("return", "resolve"):
                spans = [
                    (key, start, step if key == conversation_id and end is None else end) for key, start, end in spans
                ]
            else:
                spans.append((conversation_id, step, None))
        return spans

    def _fault(self, _: Any) -> Fault | None:
        if self.luck.random() < self.plot.lost:
            return self.luck.choice((LoseAnswer(), LoseRequest()))
        if self.luck.random() < self.plot.refused:
            return Refuse(self.luck.choice(REFUSALS))
        return Down() if self.luck.random() < self.plot.down else None


async def empty(store: GatedStore) -> None:
    """Leave no row of the play before."""
    async with store.transaction() as tx:
        for table in reversed(SQLModel.metadata.sorted_tables):
            await tx.execute(table.delete())


async def play(seed: int, store: GatedStore) -> Play:
    """Play the schedule of a seed on an empty database."""
    store.stage = Stage(random.Random(seed))
    await empty(store)
    result = Play(draw(seed), store)
    await result.run()
    return result
