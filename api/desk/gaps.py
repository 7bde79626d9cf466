"""Gaps: what customers asked in vain, drafted into articles and published, for REST and the pages alike.

Publishing is learning a document, by the way of every upload; then the same questions are asked again. It knows
neither HTTP nor pages.
"""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import structlog

from agent.dialogue import turn_from_text
from api.desk import uploads
from api.house import House
from api.whatsapp.clean import clean_text
from knowledge import gaps as gathering
from sahut.brief import Brief
from sahut.errors import ConfigurationError, Conflict, LoadError, ModelFailed
from sahut.found import NOTES, Passage
from sahut.models import FileState, Gap, GapQuestion, GapState
from sahut.rules import Actor
from sahut.store import gaps
from sahut.store import uploads as upload_rows
from sahut.store.audit import audit
from sahut.store.gaps import Answer, Counted

log = structlog.get_logger(__name__)

MOST_TITLE = 300
MOST_ARTICLE = 20_000
# So many questions of a gap are shown, and asked again once it is published.
MOST_SHOWN = 50
MOST_ASKED = 20
_DRAFTED_FROM = 12
_SLUG = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class Whole:
    """A gap with its newest questions, what operators answered, and the article as it stands."""

    counted: Counted
    questions: Sequence[GapQuestion]
    answers: Sequence[Answer]
    title: str
    text: str

    @property
    def gap(self) -> Gap:
        return self.counted.gap


class Gaps:
    """A house's gaps. Methods raise `NotFound` where there is no such gap."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def gather(self) -> None:
        """Sort in what was asked meanwhile. Without the embedder it waits for the next time."""
        with suppress(ModelFailed):
            await gathering.gather(self._house.store, self._house.embedder, self._house.clock)

    async def listed(self, *, state: str | None, after: str | None, limit: int) -> list[Counted]:
        """Gaps, oldest first."""
        await self.gather()
        async with self._house.store.reading() as tx:
            return await gaps.listed(tx, state=state, after=after, limit=limit)

    async def most_asked(self, state: GapState, *, limit: int) -> list[Counted]:
        """Gaps, the most asked first."""
        await self.gather()
        async with self._house.store.reading() as tx:
            return await gaps.most_asked(tx, state=state, limit=limit)

    async def get(self, gap_id: str) -> Whole:
        """One gap; its article is what somebody wrote, else the operators' own words."""
        async with self._house.store.reading() as tx:
            counted = await gaps.get(tx, gap_id)
            asked = await gaps.questions(tx, gap_id, limit=MOST_SHOWN)
            answers = await gaps.answers(tx, asked)
        gap = counted.gap
        title = gap.draft_title or gap.title
        text = gap.draft_text or gathering.article([(a.text, a.contact_name) for a in answers])
        return Whole(counted, asked, answers, title[:MOST_TITLE], text[:MOST_ARTICLE])

    async def draft(self, actor: Actor, gap_id: str) -> Whole:
        """Draft the article anew: by the chat model where one is set, and from the operators' words all the same.

        Raises `Conflict` where no operator has answered: there is nothing to draft from.
        """
        whole = await self.get(gap_id)
        if not whole.answers:
            raise Conflict("No operator has answered this yet, so there is nothing to draft from: write it yourself.")
        text = gathering.article([(a.text, a.contact_name) for a in whole.answers])
        return await self.save(actor, gap_id, whole.title, await self._by_model(whole) or text)

    async def save(self, actor: Actor, gap_id: str, title: str, text: str) -> Whole:
        """Keep an article for later. Raises `ConfigurationError` where it is too long."""
        title, text = _bounded(title, text)
        now = self._house.clock.now()
        async with self._house.store.transaction() as tx:
            await gaps.get(tx, gap_id)
            await gaps.change(tx, gap_id, draft_title=title, draft_text=text, updated_at=now)
            audit(tx, actor, "gap_save", None, now, gap=gap_id)
        return await self.get(gap_id)

    async def publish(
        self, actor: Actor, gap_id: str, title: str = "", text: str = "", *, collection: str = ""
    ) -> Whole:
        """Learn the article as a document, then ask the same questions again. Empty words mean the draft's.

        Published again, it becomes a new version of the same document. Raises `ConfigurationError` for an article
        that is empty or too long, `LoadError` where it could not be learned.
        """
        whole = await self.get(gap_id)
        title, text = _bounded(title or whole.title, text or whole.text)
        if not title or not text:
            raise ConfigurationError("The article needs a title and a text: nobody has answered this question yet.")
        gap, now = whole.gap, self._house.clock.now()
        path = gap.path or f"{NOTES}{_slug(title)}-{gap.id[-8:]}.md"
        collection = collection or gap.collection
        await self._learn(path, gathering.as_markdown(title, text), collection, actor.name)
        async with self._house.store.transaction() as tx:
            await gaps.change(
                tx,
                gap_id,
                state=GapState.PUBLISHED,
                draft_title=title,
                draft_text=text,
                path=path,
                collection=collection,
                closed_by=actor.name,
                closed_at=now,
                updated_at=now,
            )
            audit(tx, actor, "gap_publish", None, now, gap=gap_id, document=path)
        await self._ask_again(whole.questions[:MOST_ASKED], now)
        return await self.get(gap_id)

    async def dismiss(self, actor: Actor, gap_id: str) -> Whole:
        """Nothing is to be written about this, also when it is asked again."""
        now = self._house.clock.now()
        async with self._house.store.transaction() as tx:
            await gaps.get(tx, gap_id)
            await gaps.change(tx, gap_id, state=GapState.DISMISSED, closed_by=actor.name, closed_at=now, updated_at=now)
            audit(tx, actor, "gap_dismiss", None, now, gap=gap_id)
        return await self.get(gap_id)

    async def _learn(self, path: str, text: str, collection: str, by: str) -> None:
        """By the way of every upload. Raises `LoadError` with its reason."""

        async def bytes_of() -> AsyncIterator[bytes]:
            yield text.encode()

        incoming = [uploads.Incoming(path, bytes_of())]
        upload_id = await uploads.receive(self._house, incoming, collection=collection, by=by)
        async for _ in uploads.learn(self._house, upload_id):
            pass
        async with self._house.store.reading() as tx:
            (file,) = await upload_rows.files(tx, upload_id)
        if file.state == FileState.FAILED:
            raise LoadError(f"{file.path}: {file.reason}")

    async def _ask_again(self, asked: Sequence[GapQuestion], now: datetime) -> None:
        if self._house.ask is None:
            return
        for question in asked:
            reply = await self._house.ask(question.text, question.language)
            cited = list(dict.fromkeys(citation.document for citation in reply.citations))
            answered = reply.decision == "reply" and bool(cited)
            async with self._house.store.transaction() as tx:
                await gaps.settle(
                    tx,
                    question.id,
                    answer=reply.text if answered else "",
                    cited=cited if answered else [],
                    answered_at=now if answered else None,
                )

    async def _by_model(self, whole: Whole) -> str:
        """The model's words for what operators answered; empty without a model, or where it thinks of nothing."""
        model = self._house.model
        if model is None or model.name == "extractive":
            return ""
        try:
            draft = await model.think(_brief(whole, self._house.clock.now()))
        except ModelFailed as error:
            log.info("an article could not be drafted by the model", error=str(error))
            return ""
        return " ".join(sentence.text for sentence in draft.sentences) if draft.decision == "reply" else ""


def _brief(whole: Whole, now: datetime) -> Brief:
    """The gap as a model is asked about it: operators' words stand in the place of documents. It is offered no tool."""
    language = whole.gap.language
    passages = tuple(
        Passage(
            chunk=f"{answer.question_id}-{number}",
            document=f"{NOTES}answers",
            title=whole.title,
            version="",
            text=answer.text,
            start=0,
            end=len(answer.text),
            score=1.0,
            language=language,
        )
        for number, answer in enumerate(whole.answers[:_DRAFTED_FROM])
    )
    turn = turn_from_text(whole.gap.title, now=now, language=language)
    return Brief(turn=turn, question=whole.gap.title, language=language, passages=passages, answerable=1.0)


def _bounded(title: str, text: str) -> tuple[str, str]:
    title, text = " ".join(clean_text(title).split()), clean_text(text).strip()
    if len(title) > MOST_TITLE or len(text) > MOST_ARTICLE:
        raise ConfigurationError(
            f"An article has a title of at most {MOST_TITLE} and a text of at most {MOST_ARTICLE} characters."
        )
    return title, text


def _slug(title: str) -> str:
    return _SLUG.sub("-", title.lower()).strip("-")[:60] or "article"
