"""The stage for plays with the assistant: the real graph, toolbox and SQLite; the rim is a shelf, a door, a model."""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Field

from agent.dialogue import next_turn
from agent.extractive import Extractive
from agent.language.detection import detect
from agent.screening.signals import Signal
from agent.turn import Deps, take_turn
from sahut.brief import Draft, Sentence
from sahut.forms import Filling
from sahut.found import Citation, Passage, SearchResult
from sahut.ids import ContactId, ConversationId, MessageId, TurnId, new_id
from sahut.models import Contact, Conversation
from sahut.ports import ChatModel, Embedder
from sahut.store import Store
from sahut.tool import ToolContext, tool
from sahut.toolcall import Confirmation, Promised
from sahut.turn import Guidance, Incoming, Line, Remembered, Reply, Screening, Turn, Verdict
from tools.handoff import hand_off
from tools.tickets import create_ticket
from tools.toolbox import Toolbox

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)

FINES = "The late fine on vehicle tax is 2% a month, for at most 24 months. Paying one day late costs one month's fine."
DENDA = "Denda keterlambatan pajak kendaraan adalah 2% per bulan, paling lama 24 bulan."
HOURS = "The office is open Monday to Thursday from 08:00 to 15:00. The office is closed on Sundays."


def passage(text: str, *, document: str, title: str, language: str = "en", score: float = 0.9, **more: Any) -> Passage:
    """A passage that begins at character 40 of its document, so that no test confuses the two offsets."""
    return Passage(
        chunk=document,
        document=document,
        title=title,
        version=f"hash-of-{document}",
        text=text,
        start=40,
        end=40 + len(text),
        score=score,
        language=language,
        **more,
    )


FINES_EN = passage(FINES, document="late-fines.md", title="Late fines")
FINES_ID = passage(DENDA, document="denda.md", title="Denda keterlambatan", language="id")
HOURS_EN = passage(HOURS, document="hours.md", title="Opening hours")


def cited(text: str, quote: str, source: Passage = FINES_EN) -> Sentence:
    """A sentence that stands on a quote of a passage."""
    start = source.start + source.text.index(quote)
    citation = Citation(
        document=source.document,
        version=source.version,
        start=start,
        end=start + len(quote),
        quote=quote,
        title=source.title,
    )
    return Sentence(text=text, citations=(citation,))


def says(*sentences: Sentence, **more: Any) -> Draft:
    """A draft that replies."""
    return Draft(decision="reply", sentences=sentences, model="scripted", **more)


def kinds(reply: Reply) -> list[str]:
    """The exchanges that a replay would find, in order."""
    return [exchange["kind"] for exchange in reply.exchanges]


@dataclass
class Shelf:
    """A retriever that has what it was given and remembers what it was asked."""

    passages: tuple[Passage, ...] = ()
    answerable: float = 0.9
    asked: list[str] = field(default_factory=list)
    unanswerable: tuple[str, ...] = ()
    fails: Exception | None = None
    features: dict[str, float] = field(default_factory=dict)

    async def search(self, question: str, *, top: int = 5, collections: Collection[str] | None = None) -> SearchResult:
        self.asked.append(question)
        if self.fails is not None:
            raise self.fails
        answerable = 0.05 if question in self.unanswerable else self.answerable
        return SearchResult(
            question=question, answerable=answerable, passages=self.passages[:top], features=self.features
        )


@dataclass
class Doorkeeper:
    """A screen that knows some messages by heart and lets every other one pass."""

    known: Mapping[str, Screening] = field(default_factory=dict)

    async def screen(
        self,
        text: str,
        *,
        hint: str | None = None,
        spam_threshold: float | None = None,
        around: tuple[Signal, ...] = (),
    ) -> Screening:
        found = self.known.get(text, Screening())
        return found.model_copy(update={"language": detect(text, hint=hint)})


SPAM = Screening(verdict=Verdict(label="spam", score=0.97, reasons=("prize",)))
UNSURE = Screening(verdict=Verdict(label="unsure", score=0.6))
ATTACK = Screening(injection=0.95)
WISH = Screening(wants_human=0.95)


@tool(effect="read")
async def find_order(context: ToolContext, order: Annotated[str, Field(pattern=r"^\d+$")]) -> str:
    """Looks up an order by its number."""
    return f"Order {order} leaves on 24 November."


@tool(effect="write", questions={"en": "Cancel order {order}?"})
async def cancel_order(context: ToolContext, order: str) -> str:
    """Cancels an order."""
    raise RuntimeError("the warehouse does not answer")


@tool(effect="write", confirms="nobody")
async def note_interest(context: ToolContext, product: str) -> str:
    """Notes that the customer is interested in a product."""
    return f"Noted: {product}."


TOOLS = (hand_off, create_ticket, find_order, cancel_order, note_interest)


@dataclass
class Play:
    """A customer and the assistant. `says` is one burst; the conversation goes on from play to play."""

    deps: Deps
    conversation: Conversation
    language: str | None = None
    history: tuple[Line, ...] = ()
    confirmation: Confirmation | None = None
    filling: Filling | None = None
    promises: tuple[Promised, ...] = ()
    known: tuple[Remembered, ...] = ()
    name: str = ""
    persona: str = ""
    last: Turn | None = None

    async def says(self, *texts: str) -> Reply:
        """The customer writes, all of it at once."""
        return await self.sends(*(Incoming(id=MessageId(new_id()), text=text) for text in texts))

    async def sends(self, *messages: Incoming) -> Reply:
        """The customer sends messages of any kind."""
        self.last = Turn(
            id=TurnId(new_id()),
            conversation_id=ConversationId(self.conversation.id),
            contact_id=ContactId(self.conversation.contact_id),
            contact_name=self.name,
            language=self.language,
            history=self.history,
            burst=messages,
            confirmation=self.confirmation,
            filling=self.filling,
            promises=self.promises,
            known=self.known,
            now=NOW,
            guidance=Guidance(organisation="the office", persona=self.persona),
        )
        return self._goes_on(self.last, await take_turn(self.last, self.deps))

    async def again(self, *more: str) -> Reply:
        """The last turn is taken once more, as after a crash; with `more`, newer messages have come meanwhile."""
        assert self.last is not None
        newer = tuple(Incoming(id=MessageId(new_id()), text=text) for text in more)
        turn = self.last.model_copy(update={"burst": (*self.last.burst, *newer)})
        return self._goes_on(turn, await take_turn(turn, self.deps))

    def _goes_on(self, turn: Turn, reply: Reply) -> Reply:
        after = next_turn(turn, reply, "-")
        self.history, self.confirmation, self.filling = after.history, reply.confirmation, after.filling
        self.language = reply.language
        return reply


@asynccontextmanager
async def play(
    url: str,
    embedder: Embedder,
    *,
    model: ChatModel | None = None,
    shelf: Shelf | None = None,
    door: Mapping[str, Screening] | None = None,
    **more: Any,
) -> AsyncIterator[Play]:
    """A stage over the database at `url`."""
    store = Store(url)
    try:
        contact = Contact(name="Tirta", created_at=NOW)
        conversation = Conversation(number="1", contact_id=contact.id, created_at=NOW, updated_at=NOW)
        async with store.transaction() as tx:
            tx.add(contact)
            await tx.flush()
            tx.add(conversation)
        extractive = Extractive(embedder)
        parts: dict[str, Any] = {
            "model": model or extractive,
            "fallback": extractive,
            "retriever": shelf or Shelf(),
            "screen": Doorkeeper(door or {}),
            "toolbox": Toolbox(TOOLS),
            "embedder": embedder,
            "store": store,
        }
        yield Play(Deps(**{**parts, **more}), conversation)
    finally:
        await store.close()
