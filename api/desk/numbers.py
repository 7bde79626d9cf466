"""Changing what is set for a number: checked here, sealed here, written by the store, in force at once.

REST and the console both come through here. Shows no secret to anybody.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError

from api.house import House
from api.switchboard import purpose_of
from api.whatsapp.clean import clean_text
from sahut.errors import Conflict
from sahut.hours import check_zone, parse_hours
from sahut.models import NumberSettings
from sahut.rules import Actor
from sahut.sealing import Seal
from sahut.store import Tx, number_settings

MOST_PERSONA = 4000
MOST_SECRET = 4096
MOST_COLLECTIONS = 50
# Meta brings a webhook that was not taken again for so long, signed as it was.
OLD_SECRET_HOLDS = timedelta(days=7)
_NUMBER = re.compile(r"[0-9]{5,32}", re.ASCII)


def _number(value: str) -> str:
    if not _NUMBER.fullmatch(value):
        raise ValueError("give Meta's id as it stands in the app dashboard: digits alone, not the phone number itself")
    return value


def _secret(value: SecretStr) -> SecretStr:
    """As it was copied, without blanks around it. The text of an error never holds it."""
    bare = value.get_secret_value().strip()
    if not bare:
        raise ValueError("it is empty; send null to take it away")
    if len(bare) > MOST_SECRET or not bare.isascii() or not bare.isprintable() or " " in bare:
        raise ValueError("it has characters that no token or secret has, or is too long; copy it again")
    return SecretStr(bare)


def _line(value: str) -> str:
    """Words for one line."""
    return " ".join(clean_text(value).split())


def _named(value: str) -> str:
    if not value:
        raise ValueError("it is empty; send null for what the settings say")
    return value


def _hours(value: str) -> str:
    parse_hours(value, "UTC")
    return value


def _zone(value: str) -> str:
    check_zone(value)
    return value


def _each_once(value: list[str]) -> list[str]:
    return sorted(set(value))


Number = Annotated[str, AfterValidator(_number)]
Secret = Annotated[SecretStr, AfterValidator(_secret)]
Line = Annotated[str, AfterValidator(_line), Field(max_length=100)]
Name = Annotated[Line, AfterValidator(_named)]


class NumberChanges(BaseModel):
    """What shall be set for a number. What is left out stays; null means: as the settings say.

    `access_token` and `app_secret` are never shown again. A new `app_secret` lets the one before it sign webhooks for
    seven more days; `old_app_secret` null ends that at once. `persona` is tone and standing guidance for the chat
    model. `collections` are answered from beside what is in `default`; an empty list: from that alone, null: from all.
    `business_hours` as in the settings, "" for always. With a `team` requests for a human are seen by its operators.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    account: Number | None = None
    access_token: Secret | None = None
    app_secret: Secret | None = None
    old_app_secret: None = None
    organisation: Name | None = None
    persona: Annotated[str, AfterValidator(clean_text), Field(max_length=MOST_PERSONA)] | None = None
    collections: Annotated[list[Name], AfterValidator(_each_once), Field(max_length=MOST_COLLECTIONS)] | None = None
    business_hours: Annotated[str, AfterValidator(_line), AfterValidator(_hours), Field(max_length=500)] | None = None
    timezone: Annotated[Line, AfterValidator(_zone)] | None = None
    team: Line | None = None


class NewNumber(NumberChanges):
    """One more number, by Meta's id for it."""

    number: Number


async def add(house: House, actor: Actor, given: NewNumber) -> None:
    """Serve one more number. Raises `Conflict`, and `ConfigurationError` where its secrets cannot be sealed."""
    async with house.store.transaction() as tx:
        await number_settings.add(tx, actor, given.number, now=house.clock.now())
        await _change(tx, house, actor, given.number, given)
    await house.switchboard.look(now=True)


async def change(house: House, actor: Actor, number: str, given: NumberChanges) -> None:
    """Set what is given. Raises `NotFound` for a number that is not ours, `ConfigurationError` as `add`."""
    (await house.switchboard.look()).check_ours(number)
    async with house.store.transaction() as tx:
        await _change(tx, house, actor, number, given)
    await house.switchboard.look(now=True)


async def remove(house: House, actor: Actor, number: str) -> None:
    """Serve a number no more. Raises `NotFound`, and `Conflict` for the settings' number or while messages wait."""
    board = await house.switchboard.look()
    board.check_ours(number)
    if number == board.default.number:
        raise Conflict(
            f"The number {number} is that of the settings: change SAHUT_WHATSAPP_PHONE_NUMBER_ID and restart instead."
        )
    async with house.store.transaction() as tx:
        await number_settings.remove(tx, actor, number, now=house.clock.now())
    await house.switchboard.look(now=True)


async def _change(tx: Tx, house: House, actor: Actor, number: str, given: NumberChanges) -> None:
    row = await number_settings.locked(tx, number, now=house.clock.now())
    columns = _columns(house, row, given)
    await number_settings.change(tx, actor, row, columns, now=house.clock.now())


def _columns(house: House, row: NumberSettings, given: NumberChanges) -> dict[str, Any]:
    """The columns of the row that change."""
    now, seal = house.clock.now(), house.settings.seal
    told = {name: getattr(given, name) for name in NumberChanges.model_fields if name in given.model_fields_set}
    columns = {name: value for name, value in told.items() if name not in ("account", "team") or value is not None}
    columns |= {name: "" for name in ("account", "team") if name in told and told[name] is None}
    for name in ("access_token", "app_secret"):
        if name in told:
            columns |= _sealed(seal, row, name, told[name]) | {f"{name}_at": now if told[name] else None}
    return columns | _secret_before(row, told, now)


def _secret_before(row: NumberSettings, told: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The secret that is replaced signs on for a while, unless it or the newest one is taken away."""
    if "app_secret" not in told and "old_app_secret" not in told:
        return {}
    signs_on = told.get("app_secret") is not None and row.app_secret is not None and "old_app_secret" not in told
    return {
        "old_app_secret": row.app_secret if signs_on else None,
        "old_app_secret_until": now + OLD_SECRET_HOLDS if signs_on else None,
    }


def _sealed(seal: Seal, row: NumberSettings, name: str, secret: SecretStr | None) -> dict[str, str | None]:
    if secret is None:
        return {name: None}
    return {name: seal.close(purpose_of(row.number, name), secret.get_secret_value())}


def first_words(error: ValidationError) -> str:
    """What is wrong with a form, in one sentence that holds nothing of what was typed."""
    first = error.errors(include_input=False)[0]
    where, what = first["loc"][0], first["msg"].removeprefix("Value error, ")
    return f"{str(where).replace('_', ' ').capitalize()}: {what}."
