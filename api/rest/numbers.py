"""Our numbers over REST: whether they send, why not, and what is set for each. No secret ever leaves by this door."""

from datetime import datetime
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.desk import numbers as ours
from api.house import House
from api.rest.auth import Acting, Admin, Reader, TheHouse
from api.rest.pages import CountCursor, Limit, Page, Words, page
from api.sending.standing import numbers_of, resume
from sahut.models import NumberEdition, NumberSettings, PhoneNumber
from sahut.store import number_settings, numbers

router = APIRouter(prefix="/numbers", tags=["numbers"])


class SecretView(BaseModel):
    """Whether a secret of the number's own is kept, since when, and until when it is taken. Never what it is.

    `from`: where the one in force comes from, `number` or `settings`; null: there is none.
    """

    is_set: bool = False
    source: Literal["number", "settings"] | None = Field(default=None, serialization_alias="from")
    since: datetime | None = None
    until: datetime | None = None


class ShapingView(BaseModel):
    """What shapes answers. `collections` null: all documents; else what is in `default` beside them."""

    organisation: str | None
    persona: str | None
    collections: list[str] | None
    business_hours: str | None
    timezone: str | None


class NumberView(BaseModel):
    """One of our numbers, by Meta's id for it; `waiting` counts the messages that want to leave.

    `paused`: nothing is sent. `paused_code` is Meta's error code, null where a person did it. Until `bulk_after` only
    what somebody waits for is sent. `own` is what is set for this number, null where the settings hold; `in_force` is
    both together, and `edition` counts the changes of it. `troubles` say which secret cannot be read.
    """

    number: str
    state: Literal["sending", "paused"]
    paused_at: datetime | None
    paused_code: int | None
    paused_why: str
    paused_by: str
    bulk_after: datetime | None
    waiting: int
    account: str
    team: str
    access_token: SecretView
    app_secret: SecretView
    old_app_secret: SecretView
    own: ShapingView
    in_force: ShapingView
    edition: int
    troubles: dict[str, str]


class EditionView(BaseModel):
    """What shaped answers from `created_at` to the next edition; `name` is what receipts call it."""

    name: str
    edition: int
    own: ShapingView
    changed: list[str]
    changed_by: str
    created_at: datetime


class Pause(BaseModel):
    """Why a number is stopped, for colleagues."""

    why: Words = Field(min_length=1, max_length=500)


@router.get("")
async def list_numbers(house: TheHouse, key: Reader) -> Page[NumberView]:
    """All of them."""
    return Page(items=await _views(house), next_cursor=None)


@router.get("/{number}")
async def get_number(house: TheHouse, key: Reader, number: str) -> NumberView:
    """One number."""
    return await _view(house, number)


@router.post("", status_code=201)
async def add_number(house: TheHouse, key: Admin, actor: Acting, body: ours.NewNumber) -> NumberView:
    """Serve one more number. What is not given is as the settings say."""
    await ours.add(house, actor, body)
    return await _view(house, body.number)


@router.patch("/{number}")
async def change_number(
    house: TheHouse, key: Admin, actor: Acting, number: str, body: ours.NumberChanges
) -> NumberView:
    """Change what is given; in force at once here, and within moments in every other process."""
    await ours.change(house, actor, number, body)
    return await _view(house, number)


@router.delete("/{number}", status_code=204)
async def remove_number(house: TheHouse, key: Admin, actor: Acting, number: str) -> None:
    """Serve it no more: its token and secrets are forgotten, its conversations and editions stay readable.

    409 for the number of the settings, and while messages wait to be sent from it or customers for an answer.
    """
    await ours.remove(house, actor, number)


@router.get("/{number}/editions")
async def list_editions(
    house: TheHouse, key: Reader, number: str, limit: Limit = 50, cursor: CountCursor = None
) -> Page[EditionView]:
    """What shaped this number's answers, newest first, and who changed it; also of one that was removed."""
    async with house.store.reading() as tx:
        before = None if cursor is None else int(cursor)
        rows = await number_settings.editions(tx, number, before=before, limit=limit + 1)
    return page(rows, limit, _edition, lambda row: str(row.edition))


@router.post("/{number}/pause")
async def pause_number(house: TheHouse, key: Admin, actor: Acting, number: str, body: Pause) -> NumberView:
    """Send nothing from it until it is resumed; what is to be sent waits."""
    await numbers_of(house)
    async with house.store.transaction() as tx:
        await numbers.pause_by(tx, actor, number, why=body.why, now=house.clock.now())
    return await _view(house, number)


@router.post("/{number}/resume")
async def resume_number(house: TheHouse, key: Admin, actor: Acting, number: str) -> NumberView:
    """Send again, what waits first. If Meta still faults the account, the number is paused again."""
    await resume(house.store, house.clock, number, actor=actor)
    return await _view(house, number)


async def _view(house: House, number: str) -> NumberView:
    found = [view for view in await _views(house) if view.number == number]
    if not found:
        async with house.store.reading() as tx:
            await numbers.get(tx, number)
    return found[0]


async def _views(house: House) -> list[NumberView]:
    known = await numbers_of(house)
    await house.switchboard.look()
    async with house.store.reading() as tx:
        kept = {row.number: row for row in await number_settings.listed(tx)}
    return [_shown(house, row, waiting, kept.get(row.number)) for row, waiting in known]


def _shown(house: House, row: PhoneNumber, waiting: int, kept: NumberSettings | None) -> NumberView:
    now, one = house.clock.now(), house.switchboard.known.of(row.number)
    kept = kept or NumberSettings(number=row.number, created_at=now, updated_at=now)
    until = kept.old_app_secret_until if kept.old_app_secret_until and kept.old_app_secret_until > now else None
    facts = row.model_dump(include={name for name in NumberView.model_fields if name in PhoneNumber.model_fields})
    return NumberView(
        **facts,
        state="sending" if row.paused_at is None else "paused",
        waiting=waiting,
        account=one.account,
        team=one.team,
        access_token=_secret(house, "access_token", kept.access_token, kept.access_token_at),
        app_secret=_secret(house, "app_secret", kept.app_secret, kept.app_secret_at),
        old_app_secret=SecretView(is_set=until is not None, until=until, source="number" if until else None),
        own=ShapingView.model_validate(kept, from_attributes=True),
        in_force=_shaping(one.guidance.model_dump(mode="json")),
        edition=kept.edition,
        troubles=dict(one.troubles),
    )


def _secret(house: House, name: str, own: str | None, since: datetime | None) -> SecretView:
    """The number's own secret, or that it is the settings' one."""
    if own is not None:
        return SecretView(is_set=True, since=since, source="number")
    given = getattr(house.settings, f"whatsapp_{name}").get_secret_value()
    return SecretView(source="settings" if given else None)


def _edition(row: NumberEdition) -> EditionView:
    shown = row.model_dump(include={"edition", "changed", "changed_by", "created_at"})
    return EditionView(**shown, name=f"{row.number}/{row.edition}", own=_shaping(row.guidance))


def _shaping(facts: dict[str, Any]) -> ShapingView:
    return ShapingView(**{name: facts.get(name) for name in ShapingView.model_fields})
