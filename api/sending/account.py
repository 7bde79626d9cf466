"""Keeps Meta's record of our numbers fresh, so that "is this really you?" is answered from it.

Knows no conversation.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from sahut.errors import SendError
from sahut.ports import Clock
from sahut.store import Store, account

log = structlog.get_logger(__name__)

REFRESH_S = 6 * 3600.0
AGAIN_S = 600.0
KEPT = ("display_phone_number", "verified_name", "name_status", "is_official_business_account")


class AccountChannel(Protocol):
    """Where the record comes from."""

    async def number_status(self, number: str) -> dict[str, Any]:
        """Meta's record of a number. Raises `SendError`'s children."""
        ...


@dataclass(frozen=True)
class AccountWatch:
    """Asks Meta who our numbers are, now and then."""

    store: Store
    channel: AccountChannel
    clock: Clock
    numbers: Callable[[], Awaitable[Sequence[str]]]

    async def run(self) -> None:
        """Ask again and again, sooner where Meta could not be asked."""
        while True:
            await self.clock.sleep(REFRESH_S if await self.refresh() else AGAIN_S)

    async def refresh(self) -> bool:
        """Ask once; whether every answer came. What was known before stays until it is too old."""
        return all([await self._ask(number) for number in await self.numbers()])

    async def _ask(self, number: str) -> bool:
        try:
            record = await self.channel.number_status(number)
        except SendError as error:
            log.warning("Meta could not be asked about a number", number=number, error=str(error))
            return False
        facts = {name: record[name] for name in KEPT if isinstance(record.get(name), str | bool)}
        async with self.store.transaction() as tx:
            await account.keep(tx, number, facts, now=self.clock.now())
        return True
