"""The conversation that one page shows: its lines so far, and what changed since. Knows no page."""

from typing import Any

from api.console import lines as drawn
from api.console import views
from api.house import House
from sahut import rules
from sahut.models import ConfirmationRow
from sahut.rules import Actor
from sahut.store import Tx, desk, grants, operators, templates
from sahut.templates import APPROVED

Json = dict[str, Any]
# Lines on a page; older ones are asked for.
LINES = 60
# People among whom one is chosen; whoever is not there is searched for more closely.
OTHERS = 20


class Talk:
    """One operator's view of one conversation at a time."""

    def __init__(self, house: House, me: Actor) -> None:
        self._house, self._me = house, me
        self.id: str | None = None
        self.aside: Json | None = None
        self._lines: dict[str, Json] = {}
        self._head: Json = {}
        self._before: str | None = None
        self._newest: str | None = None
        self._seen: str | None = None

    async def open(self, conversation_id: str) -> Json:
        """The whole of it. Raises `NotFound`; then none is open."""
        self.id, self.aside, self._seen = None, None, None
        ours = await self._house.switchboard.look()
        async with self._house.store.reading() as tx:
            found = await desk.thread(tx, conversation_id, limit=LINES)
            waiting = await self._waiting(tx, conversation_id)
            past = await desk.past(tx, conversation_id)
            people = await operators.listed(tx)
            offered = await templates.listed(tx, status=APPROVED, account=ours.of(found.conversation.number).account)
        self.id, self._before = conversation_id, found.before
        self._lines = {}
        lines, self._head = self._take(found.lines), self._headed(found, waiting)
        self.aside = self._beside(found, past)
        return {
            "id": conversation_id,
            **self._head,
            "lines": lines,
            "older": found.before is not None,
            "colleagues": views.colleagues(people, self._me.id),
            "templates": drawn.offered(offered, found.conversation.language or ""),
        }

    def leave(self) -> None:
        """None is open any more."""
        self.id, self.aside = None, None

    async def refresh(self) -> tuple[Json | None, Json | None]:
        """What changed since the last look: in the conversation, and beside it. Raises `NotFound`."""
        if self.id is None:
            return None, None
        async with self._house.store.reading() as tx:
            found = await desk.thread(tx, self.id, limit=LINES)
            head = self._headed(found, await self._waiting(tx, self.id))
            beside = head != self._head or not self._same_beside(found)
            past = await desk.past(tx, self.id) if beside else None
        lines = self._take(found.lines)
        news: Json = {"id": self.id, "lines": lines}
        if head != self._head:
            news["head"], self._head = head, head
        if past is not None:
            self.aside = self._beside(found, past)
        return (news if len(news) > 2 or lines else None), (None if past is None else self.aside)

    async def older(self, conversation_id: str) -> Json | None:
        """The page of lines before those that are shown."""
        if conversation_id != self.id or self._before is None:
            return None
        async with self._house.store.reading() as tx:
            found = await desk.thread(tx, conversation_id, before=self._before, limit=LINES)
        self._before = found.before
        return {"id": self.id, "lines": self._take(found.lines), "older": found.before is not None}

    async def passage(self, citation_id: str) -> Json:
        """The document around a citation. Raises `NotFound`."""
        async with self._house.store.reading() as tx:
            return views.passage(await desk.passage(tx, citation_id))

    async def others(self, text: str) -> list[Json]:
        """The contacts that are found by these words and are not the one whose conversation is open."""
        if self.id is None or not text.strip():
            return []
        async with self._house.store.reading() as tx:
            mine = (await desk.thread(tx, self.id, limit=1)).contact
            found = await desk.inbox(tx, self._me.id, search=text.strip(), limit=OTHERS)
        return views.people(found, besides=mine.id)

    async def mark_seen(self, conversation_id: str) -> bool:
        """The operator looks at it; whether that was news."""
        newest = self._newest
        if conversation_id != self.id or newest is None or newest == self._seen:
            return False
        async with self._house.store.transaction() as tx:
            await desk.mark_seen(tx, self._me.id, conversation_id, newest)
        self._seen = newest
        return True

    def _beside(self, found: desk.Thread, past: desk.Past) -> Json:
        return views.aside(found, past.handoffs, past.audit, merges=rules.may_merge(self._me))

    async def _waiting(self, tx: Tx, conversation_id: str) -> ConfirmationRow | None:
        return await grants.pending(tx, conversation_id, now=self._house.clock.now())

    def _headed(self, found: desk.Thread, waiting: ConfirmationRow | None) -> Json:
        head = views.head(found, self._me, self._house.settings.window_margin_s)
        return {**head, "grant": None if waiting is None else views.grant(waiting, found.conversation)}

    def _take(self, lines: list[desk.Line]) -> list[Json]:
        """Remember lines; those that are new or changed."""
        shown = {item.id: drawn.line(item, self._me) for item in lines}
        fresh = [line for key, line in shown.items() if self._lines.get(key) != line]
        self._lines |= shown
        self._newest = max((key for key, line in self._lines.items() if line["author"] != "note"), default=None)
        return fresh

    def _same_beside(self, found: desk.Thread) -> bool:
        """Whether what stands beside the lines is as it was shown."""
        shown = self.aside or {}
        tickets = [(item["id"], item["status"]) for item in shown.get("tickets", [])]
        promised = [(item["id"], item["state"]) for item in shown.get("promises", [])]
        known = [item["id"] for item in shown.get("facts", [])]
        return (
            tickets == [(ticket.id, ticket.status) for ticket in found.tickets]
            and promised == [(promise.id, promise.state) for promise in found.promises]
            and known == [fact.id for fact in found.facts]
        )
