"""The rows of the queue as one page shows them: which lane, how many, and what changed since. Knows no page."""

from typing import Any

from api.console import views
from api.console.place import Place
from sahut.store import desk

Json = dict[str, Any]
Changed = set[str | None]
PAGE = 50
# Beyond it one searches.
MOST = 500
SEARCH_MOST = 100
_WAITING: dict[str, desk.Lane] = {"support": "support", "spam": "spam"}


class Rows:
    """What one operator sees of the queue.

    What all operators see is read from the board; of their own they have what is unread and what they hold, and that
    is read again only for conversations that changed.
    """

    def __init__(self, place: Place, me: str, team: str) -> None:
        self._place, self._me, self._team = place, me, team
        self._lane, self._limit, self._sought = "support", PAGE, ""
        self._shown: dict[str, Json] = {}
        self._order: list[str] = []
        self._tabs: list[Json] = []
        self._unread: dict[str, int] = {}
        self._mine: list[desk.Row] = []
        self._asked: set[str] = set()
        self._warned: set[str] = set()
        self._more = False
        self.unread = 0

    async def first(self) -> Json:
        """The whole of it, for a new page."""
        await self._read_mine()
        rows = await self._read({None})
        self._tabs = await self._count()
        await self._arrivals({})
        self._keep(rows)
        return {"lanes": self._tabs, "lane": self._lane, "rows": rows, "more": self._more}

    async def choose(self, lane: str) -> Json:
        """Another lane."""
        self._lane, self._limit, self._sought = lane if lane in (*_WAITING, "mine", "all") else "support", PAGE, ""
        return await self._anew()

    async def search(self, text: str) -> Json:
        """Everybody whose name, number or ticket matches."""
        self._lane, self._limit, self._sought = "all", PAGE, text.strip()[:SEARCH_MOST]
        return await self._anew()

    async def more(self) -> Json:
        """Another page of rows under those that are there."""
        self._limit = min(self._limit + PAGE, MOST)
        return await self._anew()

    async def refresh(self, changed: Changed) -> tuple[Json | None, Json | None]:
        """What changed since the last look: for the queue, and for the bar."""
        before = {row.conversation_id: row.unread for row in self._mine}
        if await self._concerns_me(changed):
            await self._read_mine()
        rows, was = await self._read(changed), self.unread
        tabs, order = await self._count(), [row["id"] for row in rows]
        news: Json = {}
        if fresh := [row for row in rows if self._shown.get(row["id"]) != row]:
            news["rows"] = fresh
        if order != self._order:
            news |= {"order": order, "more": self._more}
        if tabs != self._tabs:
            news["lanes"] = self._tabs = tabs
        self._keep(rows)
        arrivals = await self._arrivals(before)
        bar = {"unread": self.unread, "arrivals": arrivals} if arrivals or self.unread != was else None
        return news or None, bar

    async def _anew(self) -> Json:
        rows = await self._read({None})
        self._keep(rows)
        told = {"lane": self._lane, "sought": self._sought, "more": self._more}
        return {**told, "rows": rows, "order": self._order}

    def _keep(self, rows: list[Json]) -> None:
        self._shown = {row["id"]: row for row in rows}
        self._order = list(self._shown)

    async def _read(self, changed: Changed) -> list[Json]:
        if self._lane in _WAITING:
            items = await self._place.board.waiting(_WAITING[self._lane], self._limit, self._team)
            self._more = len(items) == self._limit < MOST
            await self._look_for_unread([item.conversation_id for item in items], changed)
            return [views.waiting_row(item, self._unread.get(item.conversation_id, 0), self._me) for item in items]
        found = await self._inbox()
        self._more = len(found) == self._limit < MOST
        await self._look_for_unread([row.conversation_id for row in found if views.is_to_be_read(row)], changed)
        return [views.inbox_row(row, self._unread.get(row.conversation_id, 0), self._me) for row in found]

    async def _inbox(self) -> list[desk.Row]:
        if self._lane == "all" and not self._sought:
            return await self._place.board.everybody(self._limit)
        if self._lane == "mine" and self._limit == PAGE:
            return self._mine
        async with self._place.house.store.reading() as tx:
            mine = self._lane == "mine"
            return await desk.inbox(tx, self._me, mine=mine, search=self._sought, limit=self._limit)

    async def _look_for_unread(self, wanted: list[str], changed: Changed) -> None:
        """How many messages are unread, of those rows that are new here or changed."""
        again = [key for key in wanted if None in changed or key in changed or key not in self._unread]
        self._unread = {key: self._unread.get(key, 0) for key in wanted}
        if again:
            async with self._place.house.store.reading() as tx:
                found = await desk.unread(tx, self._me, again)
            self._unread |= {key: found.get(key, 0) for key in again}

    async def _concerns_me(self, changed: Changed) -> bool:
        """Whether what I hold may have changed: something that I held, or that I hold now."""
        if None in changed or any(row.conversation_id in changed for row in self._mine):
            return True
        holders = await self._place.board.holders(frozenset(key for key in changed if key is not None))
        return self._me in holders.values()

    async def _read_mine(self) -> None:
        async with self._place.house.store.reading() as tx:
            self._mine = await desk.inbox(tx, self._me, mine=True, limit=PAGE)

    async def _count(self) -> list[Json]:
        """The tabs, and what calls for attention."""
        shared = await self._place.board.counts(self._team)
        self.unread = shared.support + sum(1 for row in self._mine if row.unread)
        return views.lanes(shared, len(self._mine))

    async def _arrivals(self, before: dict[str, int]) -> list[Json]:
        """What has just come: requests for a person, messages to me, and windows that are about to end."""
        waiting = await self._place.board.waiting("support", PAGE, self._team)
        known, self._asked = self._asked, {item.handoff_id for item in waiting}
        asked = [
            _arrival(item.conversation_id, item.contact, views.REASONS.get(item.reason, ""))
            for item in waiting
            if item.handoff_id not in known and item.held_by is None
        ]
        wrote = [
            _arrival(row.conversation_id, row.contact, "wrote to you")
            for row in self._mine
            if row.unread > before.get(row.conversation_id, row.unread)
        ]
        return asked + wrote + self._warnings(waiting)

    def _warnings(self, waiting: list[desk.Waiting]) -> list[Json]:
        """The windows that end soon, of what nobody has claimed and of what I hold, each told once."""
        shown: list[desk.Waiting | desk.Row] = [*(item for item in waiting if item.held_by is None), *self._mine]
        ending = {item.conversation_id: item for item in shown if item.is_warned}
        known, self._warned = self._warned, set(ending)
        text = "waits for an answer, and their window ends soon"
        return [_arrival(key, item.contact, text) for key, item in ending.items() if key not in known]


def _arrival(conversation_id: str, contact: desk.Person, text: str) -> Json:
    return {"id": conversation_id, "title": views.name_of(contact), "text": text}
