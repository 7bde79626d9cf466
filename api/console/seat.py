"""A seat at the desk: one open page of one operator. Draws it, follows the news, and passes on what the operator does.

Only what changed is sent to the browser. It decides nothing: acts go to `api.desk.conversations`, which asks the rules.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import structlog
from nicegui import Client
from nicegui.element import Element
from nicegui.events import GenericEventArguments

from api import auth
from api.console import views
from api.console.acts import Acts, words_of
from api.console.parts import Bar, Queue, Side, Thread
from api.console.place import Place
from api.console.rows import SEARCH_MOST, Rows
from api.console.talk import Talk
from sahut.errors import NotFound, SahutError, StoreUnavailable
from sahut.models import Operator
from sahut.store import operators

log = structlog.get_logger(__name__)

# News of one moment are shown together; between two looks the database rests.
GATHER_S = 0.05
REST_S = 0.2
# Without any news: the order of the queue depends on the clock too.
STALE_S = 30.0
# What is pushed to a page without being asked for needs a session that was looked at within so long.
SESSION_S = 15.0

Given = dict[str, Any]


class Seat:
    """One open page."""

    def __init__(self, place: Place, operator: Operator, token: str, client: Client) -> None:
        self._place, self._token, self._client = place, token, client
        self._operator, self._me = operator, operators.actor_of(operator)
        self._rows = Rows(place, operator.id, operator.team)
        self._talk = Talk(place.house, self._me)
        self._acts = Acts(place.house, self._me)
        self._order, self._lock = asyncio.Lock(), asyncio.Lock()
        self._news = asyncio.Event()
        self._changed: set[str | None] = set()
        self._task: asyncio.Task[None] | None = None
        self._session_seen = time.monotonic()
        self._alert = place.alert

    async def draw(self, conversation_id: str | None) -> None:
        """Build the page. Raises `NotFound` where there is no such conversation."""
        self._place.board.join(self)
        self._client.on_delete(self.leave)
        self._place.page_opened(self._client.id, self._token)
        rows = await self._rows.first()
        talk = None if conversation_id is None else await self._talk.open(conversation_id)
        with Element("div").classes("desk"):
            self._bar = Bar(**self._about_me(), unread=self._rows.unread)
            self._queue = Queue(view={**rows, "open": conversation_id})
            self._thread = Thread(
                view=talk, now=views.ms(self._place.house.clock.now()), me=self._me.id, base=views.BASE
            )
            self._side = Side(view=None if talk is None else self._talk.aside)
        self._listen()
        self._task = asyncio.create_task(self._follow())

    def leave(self) -> None:
        """The page is gone."""
        self._place.board.leave(self)
        self._place.page_closed(self._client.id)
        if self._task is not None:
            self._task.cancel()

    def hear(self, conversation_id: str | None) -> None:
        """A conversation changed; without an id, look at everything again."""
        self._changed.add(conversation_id)
        self._news.set()

    def _about_me(self) -> Given:
        token = self._place.form_token(self._token)
        return {
            "pages": self._place.pages_for(self._operator),
            "page": "desk",
            "name": self._me.name,
            "role": self._me.role,
            "token": token,
            "base": views.BASE,
            "alert": self._alert,
        }

    # --- what the operator does

    def _listen(self) -> None:
        for part, name, work in (
            (self._queue, "lane", self._choose_lane),
            (self._queue, "search", self._search),
            (self._queue, "more", self._more_rows),
            (self._queue, "open", self._open),
            (self._thread, "open", self._open),
            (self._thread, "older", self._older),
            (self._thread, "passage", self._passage),
            (self._thread, "seen", self._seen),
            (self._thread, "act", self._act),
            (self._side, "find", self._find),
        ):
            part.on(name, self._guarded(work))

    def _guarded(self, work: Callable[[Given], Awaitable[None]]) -> Callable[[GenericEventArguments], Awaitable[None]]:
        """Every event needs the session, and may hold anything. One is done before the next: their order is meant."""

        async def heard(event: GenericEventArguments) -> None:
            try:
                async with self._order:
                    if await self._has_session():
                        await work(event.args if isinstance(event.args, dict) else {})
            except SahutError as error:
                self._thread.tell("told", {"error": words_of(error)})

        return heard

    async def _has_session(self) -> bool:
        """Whether the session lasts; if not, the page says so and hears no more."""
        found = await auth.operator_of(self._place.house, self._token)
        self._session_seen = time.monotonic()
        if found is not None and found.id == self._operator.id:
            return True
        self._place.board.leave(self)
        self._bar.tell("expired")
        return False

    async def _choose_lane(self, given: Given) -> None:
        async with self._lock:
            self._queue.tell("patch", await self._rows.choose(_text(given, "lane")))

    async def _search(self, given: Given) -> None:
        async with self._lock:
            self._queue.tell("patch", await self._rows.search(_text(given, "text")))

    async def _more_rows(self, _: Given) -> None:
        async with self._lock:
            self._queue.tell("patch", await self._rows.more())

    async def _open(self, given: Given) -> None:
        async with self._lock:
            try:
                shown = await self._talk.open(_text(given, "id"))
            except NotFound:
                shown = None
            self._thread.tell("show", {"view": shown, "id": _text(given, "id")})
            self._side.tell("show", {"view": self._talk.aside})

    async def _older(self, given: Given) -> None:
        async with self._lock:
            if (news := await self._talk.older(_text(given, "id"))) is not None:
                self._thread.tell("patch", news)

    async def _passage(self, given: Given) -> None:
        self._thread.tell("passage", await self._talk.passage(_text(given, "citation")))

    async def _find(self, given: Given) -> None:
        text = _text(given, "text")[:SEARCH_MOST]
        self._side.tell("found", {"text": text, "people": await self._talk.others(text)})

    async def _seen(self, given: Given) -> None:
        if await self._talk.mark_seen(_text(given, "id")):
            self.hear(self._talk.id)

    async def _act(self, given: Given) -> None:
        answer = await self._acts.do(
            _text(given, "name"), _text(given, "id"), text=_text(given, "text"), to=_text(given, "to")
        )
        # First what it looks like now, then that it is done: the next key may rely on both.
        async with self._lock:
            await self._refresh_talk()
        self._thread.tell("done", {"ticket": given.get("ticket"), **answer})
        self.hear(_text(given, "id"))

    # --- what happens elsewhere

    async def _follow(self) -> None:
        """Bring the page up to date after each change, until the page is gone."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), STALE_S)
            await asyncio.sleep(GATHER_S)
            changed, self._changed = self._changed, set()
            self._news.clear()
            try:
                await self._catch_up(changed)
            except StoreUnavailable as error:
                log.error("a console could not be brought up to date, trying again", error=str(error))
                self.hear(None)
                await asyncio.sleep(1)
            except Exception:
                log.exception("a console could not be brought up to date")
            await asyncio.sleep(REST_S)

    async def _catch_up(self, changed: set[str | None]) -> None:
        if time.monotonic() - self._session_seen > SESSION_S and not await self._has_session():
            return
        async with self._lock:
            if self._talk.id is not None and (None in changed or self._talk.id in changed):
                await self._refresh_talk()
            news, bar = await self._rows.refresh(changed)
            if news:
                self._queue.tell("patch", news)
            if bar:
                self._bar.tell("news", bar)
        if self._alert != self._place.alert:
            self._alert = self._place.alert
            self._bar.tell("alerted", {"alert": self._alert})

    async def _refresh_talk(self) -> None:
        try:
            news, aside = await self._talk.refresh()
        except NotFound:
            # It became a part of another one, or its contact was erased.
            self._thread.tell("show", {"view": None, "id": self._talk.id})
            self._side.tell("show", {"view": None})
            self._talk.leave()
            return
        if news is not None:
            self._thread.tell("patch", news)
        if aside is not None:
            self._side.tell("show", {"view": aside})


def _text(given: Given, name: str) -> str:
    """A text of an event; whatever else a browser sends counts as empty."""
    value = given.get(name)
    return value.replace("\0", "") if isinstance(value, str) else ""
