"""What the pages of one house's console share: the house, its live news, and which page belongs to whose session.

Knows no page's inside.
"""

import asyncio
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from api.console.board import Board
from api.house import House
from sahut.errors import StoreUnavailable
from sahut.models import Operator, Role
from sahut.store import numbers

log = structlog.get_logger(__name__)

BASE = "/console"
LOOK_EVERY_S = 5.0


class Place:
    """The console of one house."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.board = Board(house)
        self.alert = ""
        self._pages: dict[str, str] = {}

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Spread live news for the length of the block."""
        await self.look_for_alert()
        looking = asyncio.create_task(self._keep_looking())
        try:
            async with self.board.spreading():
                yield
        finally:
            looking.cancel()

    async def look_for_alert(self) -> None:
        """Learn again which numbers are paused; `alert` is the sentence over every page, empty while all is well."""
        try:
            async with self.house.store.reading() as tx:
                paused = await numbers.paused(tx)
        except StoreUnavailable as error:
            log.warning("the console could not look at the numbers", error=str(error))
            return
        alert = " ".join(f"Nothing is sent from {row.number}: {row.paused_why}." for row in paused)
        if alert != self.alert:
            self.alert = alert
            self.board.stir()

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            await self.look_for_alert()

    def page_opened(self, client_id: str, token: str) -> None:
        """A page was drawn in a session; its socket may come from the same session only."""
        self._pages[client_id] = token

    def page_closed(self, client_id: str) -> None:
        """The page is gone."""
        self._pages.pop(client_id, None)

    def is_page_of(self, client_id: str, token: str) -> bool:
        """Whether a page may be spoken to in this session. An unknown page may: it is told to load again."""
        owner = self._pages.get(client_id)
        return owner is None or hmac.compare_digest(owner.encode(), token.encode())

    def pages_for(self, operator: Operator) -> list[dict[str, str]]:
        """The pages that an operator's role opens; each page checks it again."""
        pages = [
            {"key": "desk", "path": "/", "label": "Desk"},
            {"key": "sending", "path": "/sending", "label": "Sending"},
        ]
        if operator.role in (Role.SUPERVISOR, Role.ADMIN):
            pages.append({"key": "documents", "path": "/documents", "label": "Documents"})
            pages.append({"key": "gaps", "path": "/gaps", "label": "Gaps"})
            pages.append({"key": "recalls", "path": "/recalls", "label": "Recalls"})
            pages.append({"key": "people", "path": "/people", "label": "People"})
        return pages

    def form_token(self, basis: str) -> str:
        """What a form of a session (or of a browser that has none yet) must bring along."""
        key = self.house.settings.secret_key.get_secret_value().encode()
        return hmac.new(key, f"form:{basis}".encode(errors="replace"), "sha256").hexdigest()

    def is_form_of(self, basis: str, given: str) -> bool:
        """Whether a form comes from a page of ours in this session."""
        return bool(basis) and hmac.compare_digest(self.form_token(basis).encode(), given.encode(errors="replace"))
