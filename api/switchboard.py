"""The switchboard: with which token, secret and guidance each of our numbers works, as the table says it by now.

It looks at the table at most every `LOOK_EVERY`, with one small statement while nothing changed, so that no message
costs a look of its own and a change reaches every process within moments. Knows no webhook and no message.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from sahut.errors import ConfigurationError
from sahut.models import NumberSettings
from sahut.ours import AppSecret, OurNumber, OurNumbers
from sahut.ports import Clock
from sahut.sealing import Seal
from sahut.settings import Settings
from sahut.store import Store, number_settings
from sahut.turn import Guidance

log = structlog.get_logger(__name__)

LOOK_EVERY = timedelta(seconds=2)
SECRETS = ("access_token", "app_secret", "old_app_secret")


class Switchboard:
    """What holds for our numbers now. One for a process; `known` is what the last look found."""

    def __init__(self, store: Store, settings: Settings, clock: Clock, guidance: Guidance) -> None:
        """`guidance` is that of the settings."""
        self._store, self._clock, self._seal = store, clock, settings.seal
        self._default = OurNumber(
            number=settings.whatsapp_phone_number_id,
            account=settings.whatsapp_business_account_id,
            token=settings.whatsapp_access_token.get_secret_value(),
            secrets=tuple(AppSecret(value) for value in settings.app_secrets),
            guidance=guidance,
        )
        self.known = OurNumbers(self._default)
        self._revisions: Mapping[str, int] = {}
        self._looked_at: datetime | None = None

    async def look(self, *, now: bool = False) -> OurNumbers:
        """What holds by now; with `now` even if it just looked. Raises `StoreUnavailable`."""
        moment = self._clock.now()
        fresh = self._looked_at is not None and timedelta(0) <= moment - self._looked_at < LOOK_EVERY
        if now or not fresh:
            self._looked_at = moment
            try:
                await self._read()
            except BaseException:
                self._looked_at = None
                raise
        return self.known

    async def guidance(self) -> Callable[[str], Guidance]:
        """What shapes the answers of each number. Raises `StoreUnavailable`."""
        return (await self.look()).guidance

    async def numbers(self) -> list[str]:
        """The ids of all our numbers. Raises `StoreUnavailable`."""
        return [one.number for one in (await self.look()).all()]

    async def accounts(self) -> list[str]:
        """The WhatsApp business accounts behind them. Raises `StoreUnavailable`."""
        return (await self.look()).accounts()

    async def token(self, owner: str) -> str:
        """The token for a number or an account. Raises `SendNotMade` where it cannot be read."""
        return (await self.look()).token(owner)

    async def reseal(self) -> int:
        """Seal anew what an older key sealed, so that the key can go; how many secrets that were."""
        done = 0
        async with self._store.transaction() as tx:
            for row in await number_settings.listed(tx):
                old = {
                    name: value
                    for name in SECRETS
                    if (value := getattr(row, name)) is not None and not self._seal.is_newest(value)
                }
                again = {name: sealed for name, value in old.items() if (sealed := self._again(row, name, value))}
                await number_settings.reseal(tx, row, again)
                done += len(again)
        return done

    def _again(self, row: NumberSettings, name: str, sealed: str) -> str | None:
        """The same secret under the newest key; `None` where no key opens it."""
        purpose = purpose_of(row.number, name)
        try:
            return self._seal.close(purpose, self._seal.open(purpose, sealed))
        except ConfigurationError:
            return None

    async def _read(self) -> None:
        async with self._store.reading() as tx:
            revisions = await number_settings.revisions(tx)
            if revisions == self._revisions:
                return
            rows = await number_settings.listed(tx)
        self.known = OurNumbers(
            self._default, {row.number: number_from(row, self._default, self._seal) for row in rows}
        )
        self._revisions = revisions
        for one in self.known.all():
            for name, trouble in one.troubles.items():
                log.error("a secret of a number cannot be read", number=one.number, secret=name, why=trouble)


def purpose_of(number: str, name: str) -> str:
    """What a number's secret is sealed for. The app secret keeps its seal when it becomes the old one."""
    return f"number:{number}:{name.removeprefix('old_')}"


def number_from(row: NumberSettings, default: OurNumber, seal: Seal) -> OurNumber:
    """A row over what holds where it says nothing. A secret that cannot be read is never replaced by another one."""
    opened: dict[str, str] = {}
    troubles: dict[str, str] = {}
    for name in SECRETS:
        sealed = getattr(row, name)
        if sealed is not None:
            try:
                opened[name] = seal.open(purpose_of(row.number, name), sealed)
            except ConfigurationError as error:
                troubles[name] = str(error)
    secrets = [AppSecret(opened["app_secret"])] if "app_secret" in opened else []
    if "old_app_secret" in opened and row.old_app_secret_until is not None:
        secrets.append(AppSecret(opened["old_app_secret"], row.old_app_secret_until))
    return replace(
        default,
        number=row.number,
        account=row.account or default.account,
        token=opened.get("access_token", "" if "access_token" in troubles else default.token),
        secrets=tuple(secrets) if row.app_secret is not None else default.secrets,
        guidance=_guidance(row, default.guidance),
        team=row.team,
        troubles=troubles,
    )


def _guidance(row: NumberSettings, default: Guidance) -> Guidance:
    shaping = {name: getattr(row, name) for name in number_settings.SHAPING if getattr(row, name) is not None}
    if "collections" in shaping:
        shaping["collections"] = tuple(shaping["collections"])
    if row.edition:
        shaping["edition"] = f"{row.number}/{row.edition}"
    return default.model_copy(update=shaping)
