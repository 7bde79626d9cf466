"""Our own numbers as they are set at one moment: whose token, whose app secret, which guidance. Pure values.

What is not set for a number is that of the installation's settings. Nothing here knows a table or a key.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sahut.errors import NotFound, SendNotMade
from sahut.hours import Hours, parse_hours
from sahut.turn import Guidance


@dataclass(frozen=True)
class AppSecret:
    """The secret of an app that signs webhooks; one that was replaced is taken `until` then."""

    value: str = field(repr=False)
    until: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """Whether it may still sign."""
        return self.until is None or now < self.until


@dataclass(frozen=True)
class OurNumber:
    """One number. `troubles` say which of its secrets could not be read, by the column that holds it."""

    number: str
    account: str
    token: str = field(repr=False)
    secrets: tuple[AppSecret, ...]
    guidance: Guidance
    team: str = ""
    troubles: Mapping[str, str] = field(default_factory=dict)

    @property
    def hours(self) -> Hours:
        """When the people behind this number are there."""
        return parse_hours(self.guidance.business_hours, self.guidance.timezone)

    def is_served_by(self, signed_by: frozenset[str], now: datetime) -> bool:
        """Whether one of the secrets that sign a webhook is of the app that this number belongs to."""
        return any(secret.value in signed_by for secret in self.secrets if secret.holds(now))


@dataclass(frozen=True)
class OurNumbers:
    """All of them. `default` holds for whatever is not among them; its number may be empty."""

    default: OurNumber
    set_apart: Mapping[str, OurNumber] = field(default_factory=dict)

    def of(self, number: str) -> OurNumber:
        """What holds for a number, ours or not (any more)."""
        return self.set_apart.get(number, self.default)

    def all(self) -> list[OurNumber]:
        """Every number that is ours, the one of the settings first."""
        first = [self.of(self.default.number)] if self.default.number else []
        return [*first, *(one for number, one in self.set_apart.items() if number != self.default.number)]

    def guidance(self, number: str) -> Guidance:
        """What shapes the answers of a number."""
        return self.of(number).guidance

    def is_ours(self, number: str) -> bool:
        """Whether a number is one of them."""
        return number in self.set_apart or (number != "" and number == self.default.number)

    def check_ours(self, number: str) -> None:
        """Raises `NotFound` for a number that is not ours."""
        if not self.is_ours(number):
            raise NotFound(f"There is no number {number}.")

    def accounts(self) -> list[str]:
        """The WhatsApp business accounts behind them."""
        found = [self.default.account, *(one.account for one in self.set_apart.values())]
        return list(dict.fromkeys(account for account in found if account))

    def token(self, owner: str) -> str:
        """The token for a number or an account, by Meta's id. Raises `SendNotMade` where it is kept and not readable.

        Never another one in its place: a message must not leave in another app's name.
        """
        of_account = (one for one in self.all() if one.account == owner)
        one = self.set_apart.get(owner) or next(of_account, self.default)
        trouble = one.troubles.get("access_token")
        if trouble:
            raise SendNotMade(f"the access token of the number {one.number} cannot be read. {trouble}")
        return one.token

    def secrets(self, now: datetime) -> list[str]:
        """Every secret that may sign a webhook, each once."""
        return list(dict.fromkeys(s.value for one in self._parties() for s in one.secrets if s.holds(now)))

    def serves(self, number: str, signed_by: frozenset[str], now: datetime) -> bool:
        """Whether a number is ours and may be spoken for by whoever holds these secrets."""
        return self.is_ours(number) and self.of(number).is_served_by(signed_by, now)

    def serves_account(self, account: str, signed_by: frozenset[str], now: datetime) -> bool:
        """The same for news of an account. Of an account that is none of ours anybody may tell who may sign at all."""
        behind = [one for one in self._parties() if one.account == account]
        return not behind or any(one.is_served_by(signed_by, now) for one in behind)

    def _parties(self) -> Iterable[OurNumber]:
        return [self.default, *self.set_apart.values()]
