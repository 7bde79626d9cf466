"""bench_faults: a hundred conversations through kill -9, duplicates, reordering and Graph errors, on both databases.

What became of every message is read from the database and from the double afterwards, when nothing moves any more.
"""

import asyncio
import random
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from sqlmodel import col, select

from api.simulator.faults import Down, Fault, LoseAnswer, LoseRequest, Refuse
from api.simulator.postoffice import Letter
from sahut.models import UNSETTLED, Conversation, Message, Status, TurnRecord
from sahut.store import Store
from tests.bench.load import questions, varied
from tests.bench.processes import (
    Chroma,
    Folder,
    Postgres,
    ServedDouble,
    Service,
    environment,
    learn,
    served_double,
)
from tests.bench.tables import console, show

MESSAGES = 2
KILLS = 3
DEADLINE_S = 240.0
FAULT_SHARE = 0.1
FAULTS: tuple[Callable[[], Fault], ...] = (LoseAnswer, LoseRequest, Down, lambda: Refuse(131016))
# Shorter than the defaults, so that a run takes minutes; yet long enough for a status that Meta has to bring again
# after 1, 5 and 30 s: an unknown send that no status settles in time is sent once more, by contract.
TIMES = {"SAHUT_UNKNOWN_SEND_S": "45", "SAHUT_TURN_TIMEOUT_S": "5"}
COLUMNS = [
    "",
    "conversations",
    "messages",
    "webhooks",
    "faults",
    "kills",
    "replies",
    "lost",
    "twice",
    "out of order",
    "s",
]


@dataclass
class Books:
    """What was done to the service, and what the ends of it say."""

    wamids: list[str] = field(default_factory=list)
    webhooks: int = 0
    faults: int = 0
    kills: int = 0
    replies: int = 0
    lost: int = 0
    twice: int = 0
    disordered: int = 0

    def lose(self, what: str) -> None:
        """Count a loss and say what it is."""
        self.lost += 1
        console.print(f"[red]Lost: {what}[/red]", soft_wrap=True)

    @property
    def is_sound(self) -> bool:
        return self.kills == KILLS and not (self.lost or self.twice or self.disordered)


async def bench(*, conversations: int) -> bool:
    """Play it on SQLite and on PostgreSQL with two workers; whether nothing was lost, doubled or out of order."""
    rows, sound = [], True
    with Postgres() as postgres:
        for label, url in (("SQLite", ""), ("PostgreSQL, 2 workers", postgres.fresh())):
            began = time.perf_counter()
            with Folder() as home:
                books = await _played(conversations, url, home)
            sound = sound and books.is_sound
            counts = (len(books.wamids), books.webhooks, books.faults, books.kills, books.replies)
            wrong = (books.lost, books.twice, books.disordered)
            took = f"{time.perf_counter() - began:.0f}"
            rows.append([label, str(conversations), *map(str, counts), *map(str, wrong), took])
    show("bench_faults: lost, answered twice and out of order must be 0", COLUMNS, rows)
    return sound


async def _played(conversations: int, url: str, home: Any) -> Books:
    luck, books = random.Random(11), Books()
    async with served_double(seed=11) as double, _processes(double, url, home) as services:
        store = Store(url or f"sqlite:///{home / 'sahut.db'}")
        try:
            _spoil(double, luck, books)
            double.posts_to(services[0].address)
            # The play is started beside the killer, so that every process dies with work in its hands.
            await asyncio.gather(
                *(_customer(double, number, luck, books) for number in range(conversations)),
                _killer(double, services, conversations, luck, books),
                _mixer(double, luck, books),
            )
            await _rest(store, double, books)
            await _audit(store, double, books)
        finally:
            await store.close()
    return books


@asynccontextmanager
async def _processes(double: ServedDouble, url: str, home: Any) -> AsyncIterator[list[Service]]:
    """The service as one process on SQLite, else web, two workers and a Chroma server; the web door first."""
    env = environment(home, double.address, SAHUT_DATABASE_URL=url, **TIMES)
    chroma = Chroma(home) if url else None
    services: list[Service] = []
    try:
        if chroma is not None:
            await asyncio.to_thread(chroma.__enter__)
            env["SAHUT_CHROMA_URL"] = chroma.address
        await asyncio.to_thread(learn, env)
        services.append(Service(env, roles="web" if url else "web,worker", name="web"))
        services += [Service(env, verb="work", name=f"work-{number}") for number in (1, 2) if url]
        for service in services:
            service.start()
        for service in services:
            await asyncio.to_thread(service.ready)
        yield services
    finally:
        for service in services:
            service.stop()
        if chroma is not None:
            chroma.stop()


def _spoil(double: ServedDouble, luck: random.Random, books: Books) -> None:
    """Let some sends fail, each message at most once: a second loss rightly goes to a human."""
    spoilt: set[str] = set()

    def fault(body: dict[str, Any]) -> Fault | None:
        callback = str(body.get("biz_opaque_callback_data"))
        if callback in spoilt or luck.random() > FAULT_SHARE:
            return None
        spoilt.add(callback)
        books.faults += 1
        return luck.choice(FAULTS)()

    double.fault_for = fault


async def _customer(double: ServedDouble, number: int, luck: random.Random, books: Books) -> None:
    """Write a few times; every webhook comes twice or more often, some at once, the later ones perhaps first."""
    customer = double.customer(f"+62812{number:07d}", "Faults")
    await asyncio.sleep(luck.uniform(0, 20))
    for _ in range(MESSAGES):
        message = customer.text(varied(luck.choice(questions()), luck))
        books.wamids.append(str(message["id"]))
        for _ in range(luck.choice((2, 2, 3))):
            books.webhooks += 1
            double.mail.put(double.payload_of(message), delay_s=luck.choice((0, 0, 0.3, 2)))
        await asyncio.sleep(luck.uniform(0, 3))


async def _killer(
    double: ServedDouble, services: list[Service], conversations: int, luck: random.Random, books: Books
) -> None:
    """`kill -9` one of the processes as the replies come in, and start it again."""
    for share in range(1, KILLS + 1):
        while len(double.sent) < conversations * share / (KILLS + 1):
            await asyncio.sleep(0.05)
        victim = services[(share - 1) % len(services)]
        await asyncio.sleep(luck.uniform(0, 0.2))
        victim.kill()
        books.kills += 1
        victim.start()
        await asyncio.to_thread(victim.ready)


async def _mixer(double: ServedDouble, luck: random.Random, books: Books) -> None:
    """Shuffle what waits to be brought, and double one in five of it, for as long as customers write."""
    seen: list[Letter] = []
    for _ in range(60):
        mail = double.mail
        fresh = [letter for letter in mail.pending if letter not in seen]
        copies = [replace(letter) for letter in fresh if luck.random() < 0.2]
        seen += [*fresh, *copies]
        books.webhooks += len(copies)
        mail.pending.extend(copies)
        luck.shuffle(mail.pending)
        await asyncio.sleep(0.5)


async def _rest(store: Store, double: ServedDouble, books: Books) -> None:
    """Wait until nothing is on its way, or time is up: what is missing then is lost."""
    end = time.perf_counter() + DEADLINE_S
    while double.mail.pending or not await _is_quiet(store, books):
        if time.perf_counter() > end:
            late = sum(letter.due_at > double.clock.now() for letter in double.mail.pending)
            console.print(f"[red]Not at rest in time: {len(double.mail.pending)} webhooks, {late} for later.[/red]")
            return
        double.mail.hurry(5)
        await asyncio.sleep(1)


async def _is_quiet(store: Store, books: Books) -> bool:
    async with store.reading() as tx:
        done = select(Message.wamid).where(Message.author == "contact", col(Message.done_at).is_not(None))
        known = set((await tx.execute(done)).scalars())
        open_sends = (await tx.execute(select(Message.id).where(col(Message.state).in_(UNSETTLED)))).first()
    return open_sends is None and known >= set(books.wamids)


async def _audit(store: Store, double: ServedDouble, books: Books) -> None:
    """Every customer's message in exactly one recorded turn, every reply at the double once and in order."""
    async with store.reading() as tx:
        conversations = {row.id: row for row in (await tx.execute(select(Conversation))).scalars()}
        messages = list((await tx.execute(select(Message).order_by(col(Message.id)))).scalars())
        turns = list((await tx.execute(select(TurnRecord).where(TurnRecord.outcome == "recorded"))).scalars())
    answered = Counter(item["id"] for turn in turns for item in turn.turn["burst"])
    taken = Counter(str(sent.callback) for sent in double.sent)
    stored = {message.wamid for message in messages if message.author == "contact"}
    for wamid in sorted(set(books.wamids) - stored):
        books.lose(f"{wamid} was never stored")
    replies: dict[str, list[str]] = defaultdict(list)
    for message in messages:
        if message.author == "contact":
            # A conversation that waits for a human is answered by nobody else.
            handed_off = conversations[message.conversation_id].status != Status.OPEN
            if not answered[message.id] and not handed_off:
                books.lose(f"{message.wamid} was answered by no turn")
            books.twice += answered[message.id] > 1
        else:
            if not taken[str(message.callback_id)]:
                books.lose(f"a {message.purpose} never left: {message.state}, {message.losses} losses, {message.error}")
            books.twice += taken[str(message.callback_id)] > 1
            replies[message.conversation_id].append(str(message.callback_id))
    order = {str(sent.callback): at for at, sent in enumerate(double.sent)}
    books.replies = sum(map(len, replies.values()))
    for callbacks in replies.values():
        places = [order[callback] for callback in callbacks if callback in order]
        books.disordered += places != sorted(places)
