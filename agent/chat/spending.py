"""Limits on what the chat models may take in a day, for everybody together and for one contact. Knows no model."""

from dataclasses import dataclass
from typing import Literal

from sahut.errors import ModelFailed, Trouble
from sahut.ports import Clock
from sahut.settings import Settings
from sahut.store import Store, spending
from sahut.store.spending import Spent
from sahut.turn import Usage

Whose = Literal["day", "contact"]


class SpendLimitReached(ModelFailed):
    """A limit is reached, so that the fallback answers."""

    def __init__(self, whose: Whose) -> None:
        trouble: Trouble = "over_day" if whose == "day" else "over_contact"
        super().__init__(f"The limit on what the chat model may take for one {whose} is reached.", trouble=trouble)


@dataclass(frozen=True)
class Limits:
    """Tokens (in and out together) and US dollars of one day of UTC's; `None`: no limit."""

    usd_per_day: float | None = None
    tokens_per_day: int | None = None
    usd_per_contact: float | None = None
    tokens_per_contact: int | None = None

    def reached(self, everybody: Spent, contact: Spent) -> Whose | None:
        """Whose limit is reached, if one is."""
        if _reached(everybody, self.tokens_per_day, self.usd_per_day):
            return "day"
        return "contact" if _reached(contact, self.tokens_per_contact, self.usd_per_contact) else None


@dataclass(frozen=True)
class Purse:
    """What was taken so far is read from the database before each question, so that it holds for every worker.

    Calls that are under way at the same moment are not yet in it: a limit may be passed by as many answers.
    """

    store: Store
    clock: Clock
    limits: Limits

    async def check(self, contact_id: str) -> None:
        """Raises `SpendLimitReached`."""
        async with self.store.reading() as tx:
            everybody, contact = await spending.spent(tx, self.clock.now().date(), contact_id)
        whose = self.limits.reached(everybody, contact)
        if whose:
            raise SpendLimitReached(whose)

    async def pay(self, contact_id: str, usage: Usage) -> None:
        """Write down what one call took."""
        async with self.store.transaction() as tx:
            await spending.add(tx, self.clock.now().date(), contact_id, usage)


def limits_of(settings: Settings) -> Limits:
    """The limits as set."""
    return Limits(
        usd_per_day=settings.spend_limit_usd_per_day,
        tokens_per_day=settings.spend_limit_tokens_per_day,
        usd_per_contact=settings.spend_limit_usd_per_contact,
        tokens_per_contact=settings.spend_limit_tokens_per_contact,
    )


def _reached(spent: Spent, tokens: int | None, usd: float | None) -> bool:
    return (tokens is not None and spent.tokens >= tokens) or (usd is not None and spent.cost_usd >= usd)
