"""Keeps the list of our accounts' templates fresh, so that a wrong one is refused before it is sent. Knows no page."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog

from sahut.errors import SendError
from sahut.ports import Clock
from sahut.store import Store, templates

log = structlog.get_logger(__name__)

REFRESH_S = 6 * 3600.0
AGAIN_S = 600.0


class TemplateChannel(Protocol):
    """Where the list comes from."""

    async def templates(self, account: str) -> list[dict[str, Any]]:
        """Every template of a WhatsApp business account. Raises `SendError`'s children."""
        ...


@dataclass(frozen=True)
class TemplateWatch:
    """Asks Meta for the templates, now and then. News of single ones comes by webhook in between."""

    store: Store
    channel: TemplateChannel
    clock: Clock
    accounts: Callable[[], Awaitable[Sequence[str]]]
    answered: set[str] = field(default_factory=set)

    async def run(self) -> None:
        """Ask again and again, sooner where Meta could not be asked."""
        while True:
            await self.clock.sleep(REFRESH_S if await self.refresh() else AGAIN_S)

    async def refresh(self) -> bool:
        """Ask once; whether an answer came. What was known before stays."""
        try:
            await self.sync()
        except SendError as error:
            log.warning("Meta could not be asked about the templates", error=str(error))
            return False
        return True

    async def sync(self) -> int:
        """Make Meta's lists ours; how many there are. Raises `SendError`'s children, once every account was asked."""
        count, trouble = 0, None
        for account in await self.accounts():
            try:
                count += await self.sync_one(account)
            except SendError as error:
                trouble = error
        if trouble is not None:
            raise trouble
        return count

    def has_asked(self, account: str) -> bool:
        """Whether Meta has answered this process about the account, with a list that may be empty."""
        return account in self.answered

    async def sync_one(self, account: str) -> int:
        """Make Meta's list of one account ours; how many there are. Raises `SendError`'s children."""
        found = await self.channel.templates(account)
        async with asyncio.timeout(60), self.store.transaction() as tx:
            count = await templates.keep(tx, account, found, now=self.clock.now())
        self.answered.add(account)
        return count
