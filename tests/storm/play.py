"""Plays one schedule to its end: brings events and webhooks on, moves actors, kills processes, moves time."""

import random
import tempfile
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from sqlmodel import SQLModel, col, select
from structlog.testing import capture_logs

from api.app import create_app
from api.sending.standing import resume
from api.simulator.faults import Down, Fault, LoseAnswer, LoseRequest, Refuse
from api.simulator.graph import TOKEN, GraphDouble
from api.simulator.news import Took
from api.simulator.postoffice import Letter
from api.simulator.rules import Rules
from api.simulator.shapes import Json, messages_in, statuses_in
from api.whatsapp.policy import POLICIES
from sahut.models import (
    Contact,
    ContactIdentity,
    Conversation,
    Handoff,
    HandoffState,
)
from sahut.store import files, forms, inbox, keys, numbers
from tests.storm.cast import (
    FORM,
    OGG,
    PNG,
    GatedChannel,
    GatedGraph,
    GatedStore,
    LossyEngine,
    ScriptedAssistant,
)
from tests.storm.due import due_closing, due_rows, due_warnings
from tests.storm.house import house_of, warner_of
from tests.storm.people import Person
from tests.storm.plot import HEIR, Acts, Echoes, Passes, Plot, Renames, Says, StandsBy, draw
from tests.storm.stage import START, Stage
from tests.storm.watch import Watch
from tools.tickets import create_ticket
from tools.toolbox import Toolbox

WORKERS = ("worker-1", "worker-2")
MOST_STEPS = 6_000
MOST_CRASHES = 3
# While somebody stands between a claim and its POST, time may only move by less than the margin of the window.
SMALL_JUMP_S = 5.0
STALL_S = 90.0
# One code for each policy: soon, this pair, the number, bulk, never, the window, and three faults of the account.
REFUSALS = (131016, 131056, 130429, 131048, 131026, 131047, 190, 131042, 131005)
# The whole table, one code of each range, and one that nobody knows.
ANY_CODE = (*POLICIES, 200, 133016, 139004, 139100, 147001, 999_999)
GONE = 131026
RESUMED = 0.3


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
        self.double.watchers.append(self._fail_later)
        self.graph = GatedGraph(
            url="http://graph.test", version="v26.0", token=TOKEN, transport=self.double.transport()
        )
        self.graph.stage, self.graph.trouble = self.stage, plot.media
        self.channel = GatedChannel(self.stage, self.graph)
        self.engine = LossyEngine(self.stage)
        self.said: dict[str, Says] = {}
        self.people: dict[int, Person] = {}
        self.watch = store.watch = Watch()
        self.assistant = ScriptedAssistant(self.stage, store, Toolbox([create_ticket]), self.said)
        self._folder = tempfile.TemporaryDirectory()
        self.house = house_of(
            plot,
            store=store,
            engine=self.engine,
            channel=self.channel,
            graph=self.graph,
            stage=self.stage,
            assistant=self.assistant,
            home=Path(self._folder.name),
        )
        self.warner = warner_of(self.house)
        app = create_app(self.house, roles=("web",))
        self.web = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://sahut.test")
        self.double.mail.client = self.web
        self.events = list(plot.events)
        self.acts: list[tuple[int, str, str]] = []
        self.stored: dict[str, int] = {}  # wamid -> the step of the commit that stored it
        self.crashes = 0
        self._names = count(1)
        self._key = ""

    # --- the director

    async def run(self) -> None:
        """Play until nothing is left to do. Raises `AssertionError` where it does not come to rest."""
        async with self.store.transaction() as tx:
            _, self._key = await keys.create(tx, "ani", ["write"], now=START)
            await forms.publish(tx, FORM, source="the storm", now=START)
            (self.assistant.edition,) = await forms.offered(tx)
        with self._folder, capture_logs():
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
        if await self._resume():
            return True
        if not moments:
            return False
        gap = (min(moments) - self.stage.now()).total_seconds()
        if gap > 0:
            self.stage.advance(gap)
        else:
            await self._sweep()
        return True

    async def _resume(self) -> bool:
        """Sooner or later an admin resumes a number that is paused, after a while of watching it wait."""
        async with GatedStore.reading(self.store) as tx:
            paused = await numbers.paused(tx)
        if not paused or self.luck.random() > RESUMED:
            return False
        number = paused[0].number
        self._enter("resume", lambda: resume(self.store, self.stage, number), "web")
        return True

    async def _due_rows(self) -> list[datetime]:
        async with self.store.reading() as tx:
            margin = timedelta(seconds=self.house.settings.window_margin_s)
            return await due_rows(tx, now=self.stage.now(), margin=margin)

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
            elif isinstance(event, Echoes):
                self._enter("phone", lambda echo=event: self._echo(echo), "web")
            elif isinstance(event, Says):
                self._post(event)
            else:
                self._tell(event)

    def _person(self, index: int) -> Person:
        if index not in self.people:
            self.people[index] = Person.of(index, self.double, with_user_id=index in self.plot.named)
        return self.people[index]

    def _tell(self, event: Renames | StandsBy | Passes) -> None:
        """What Meta tells beside messages; late, and perhaps twice."""
        at, person = self.stage.now(), self._person(event.customer)
        if isinstance(event, Renames):
            letters = person.rename(event, _planned(event))
        else:
            letters = [person.stands_by(event, at) if isinstance(event, StandsBy) else person.passes(event, at)]
        for letter in letters:
            for _ in range(event.copies):
                self.double.mail.put(letter, delay_s=event.late_s)

    def _written(self, event: Says) -> Json:
        """What the customer sends, now or as late as it was written."""
        customer = self._person(event.customer).customer
        # A number is nobody's for a while before it is somebody else's, however the director dawdles.
        at = _planned(event) if event.customer >= HEIR else self.stage.now() - timedelta(seconds=event.late_s)
        words = f"{event.token} {event.words}"
        if event.kind == "text":
            message = customer.text(words, at=at)
        elif event.kind == "audio":
            file = self.double.file("audio/ogg", OGG + words.encode(), voice=True)
            message = customer.message("audio", file, at=at)
        else:
            # What is broken says that it is a picture.
            content = PNG if event.kind == "image" else b"<html></html>"
            file = self.double.file("image/png", content, caption=words)
            message = customer.message("image", file, at=at)
        self.said[message["id"]] = event
        return message

    def _post(self, event: Says) -> None:
        messages = [self._written(event)]
        following = self.events[0] if self.events else None
        if event.batched and isinstance(following, Says) and following.customer == event.customer:
            self.events.pop(0)
            messages.append(self._written(following))
            self.luck.shuffle(messages)
        payload = self._person(event.customer).letter(*messages)
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
            actor = self.stage.current()
            for message in messages_in(letter.payload):
                self.stored.setdefault(str(message["id"]), actor.committed if actor else 0)

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

        async with GatedStore.reading(self.store) as tx:
            closes = await due_closing(tx, now=self.stage.now(), margin=self.house.margin)
        await self._fetch()
        await self._warn()
        self._enter("sweep", sweep, "sweeper")
        await self.stage.settle()
        while any(actor.process == "sweeper" for actor in self.stage.actors):
            await self.stage.move(next(actor for actor in self.stage.actors if actor.process == "sweeper"))
        if closes:
            # Who writes a moment later comes between the look and the closing message that it leads to.
            self.stage.advance(self.luck.uniform(0, SMALL_JUMP_S))
        for topic, key in found:
            self._attend(topic, key)

    async def _fetch(self) -> None:
        """Where a file is due, a fetcher takes it; two may, when the first is slow."""
        async with GatedStore.reading(self.store) as tx:
            due = await files.due(tx, now=self.stage.now())
        fetcher = self.house.fetcher
        if due is None or fetcher is None:
            return

        async def fetch() -> None:
            while (file := await fetcher.take()) is not None:
                await fetcher.fetch(file)

        self._enter("fetch", fetch, self.luck.choice(WORKERS))

    async def _warn(self) -> None:
        """Where a window ends, each process tells of it."""
        async with GatedStore.reading(self.store) as tx:
            is_due = await due_warnings(tx, now=self.stage.now(), margin=self.house.margin)
        if is_due:
            for process in WORKERS:
                self._enter("warn", self.warner.look, process)
            # So that what comes a moment later comes between their looks.
            self.stage.advance(self.luck.uniform(0, SMALL_JUMP_S))

    async def _conversation(self, index: int) -> Conversation | None:
        """The newest conversation with a customer, by any of their names."""
        query = (
            select(Conversation)
            .join(Contact)
            .join(ContactIdentity)
            .where(col(ContactIdentity.value).in_(self._person(index).all_names))
            .order_by(col(Conversation.id).desc())
        )
        async with GatedStore.reading(self.store) as tx:
            return (await tx.execute(query)).scalars().first()

    async def _act(self, act: Acts) -> None:
        """An operator's call over REST; a takeover is remembered by the step of its commit."""
        conversation = await self._conversation(act.customer)
        async with GatedStore.reading(self.store) as tx:
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
        actor = self.stage.current()
        assert actor is not None
        began = actor.committed
        try:
            answer = await self.web.post(f"/api/v1/{path}", json=body, headers=headers)
            self.stage.note(f"{act.action} {conversation.id[-4:]} -> {answer.status_code}")
        finally:
            # Whoever is killed between the commit and the answer has acted all the same.
            if actor.committed != began:
                self.acts.append((actor.committed, act.action, conversation.id))

    async def _echo(self, echo: Echoes) -> None:
        """A colleague's word from the phone app: from its commit on they hold the conversation, as by a takeover."""
        written = self.stage.now() - timedelta(seconds=echo.late_s)
        payload = self._person(echo.customer).echo(echo, written)
        for _ in range(echo.copies):
            if await self.double.mail.post(payload) != 200:
                continue
            actor = self.stage.current()
            assert actor is not None
            held = await self._conversation(echo.customer)
            if held is not None and held.held_by == inbox.APP.id:
                self.acts.append((actor.committed, "takeover", held.id))

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

    def _fail_later(self, news: Any) -> None:
        """Sometimes Meta takes a message, says so, and finds out later that it cannot be delivered."""
        if not isinstance(news, Took) or self.luck.random() >= self.plot.late_failures:
            return
        mail, failed = (
            self.double.mail,
            self.double.status_payload(news.sent, "failed", code=self.luck.choice(ANY_CODE)),
        )
        told = [(letter, [one["status"] for one in statuses_in(letter.payload)]) for letter in mail.pending]
        mail.pending = [
            letter for letter, words in told if words != ["delivered"] or not _about(letter, news.sent.wamid)
        ]
        mail.put(failed, delay_s=self.luck.choice((0, 2, 60)))

    def _fault(self, body: Any) -> Fault | None:
        to = str(body.get("to") or body.get("recipient")).removeprefix("+")
        if not any(to in person.names or to == person.customer.phone for person in self.people.values()):
            return Refuse(GONE)
        if self.luck.random() < self.plot.lost:
            return self.luck.choice((LoseAnswer(), LoseRequest()))
        if self.luck.random() < self.plot.refused:
            return Refuse(self.luck.choice(ANY_CODE if self.plot.any_code else REFUSALS))
        return Down() if self.luck.random() < self.plot.down else None


def _planned(event: Says | Renames) -> datetime:
    """When it happened, which may be before the director came to it."""
    return START + timedelta(seconds=event.at)


def _about(letter: Letter, wamid: str) -> bool:
    return any(item["id"] == wamid for item in statuses_in(letter.payload))


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
