"""Operators over REST: who may sign in at the console. Knows no session and no page."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api import passwords
from api.desk.numbers import Line
from api.rest.auth import Acting, Admin, Reader, TheHouse
from api.rest.pages import Cursor, Limit, Page, Words, page
from sahut.models import Operator, Role
from sahut.store import lists
from sahut.store import operators as queries
from sahut.store.audit import audit

router = APIRouter(prefix="/operators", tags=["operators"])


class OperatorView(BaseModel):
    """A human who answers for the organisation. With a `team` they see its numbers' requests, without one all."""

    id: str
    email: str
    name: str
    role: Role
    team: str
    created_at: datetime
    disabled_at: datetime | None


class NewOperator(BaseModel):
    """Who may sign in. Without a password one is made."""

    email: str = Field(min_length=3, max_length=254)
    name: Words = Field(default="", max_length=100)
    role: Role = Role.OPERATOR
    team: Line = ""
    password: str | None = Field(default=None, max_length=passwords.LONGEST)


class OperatorWithPassword(OperatorView):
    """A fresh operator; `password` is there where it was made here, shown this once."""

    password: str | None


@router.get("")
async def list_operators(house: TheHouse, key: Reader, limit: Limit = 50, cursor: Cursor = None) -> Page[OperatorView]:
    """All operators, disabled ones too."""
    async with house.store.reading() as tx:
        rows = await queries.listed(tx, after=cursor, limit=limit + 1)
    return page(rows, limit, _view, lambda row: row.id)


@router.post("", status_code=201)
async def add_operator(house: TheHouse, key: Admin, body: NewOperator) -> OperatorWithPassword:
    """Add an operator."""
    made = passwords.generated() if body.password is None else None
    kept = await house.passwords.hash(body.password or made or "")
    async with house.store.transaction() as tx:
        given = {"email": body.email, "name": body.name.strip(), "team": body.team, "password_hash": kept}
        row = await queries.add(tx, role=body.role, now=house.clock.now(), **given)
    return OperatorWithPassword(**_view(row).model_dump(), password=made)


class OperatorChange(BaseModel):
    """The team that an operator belongs to from now on; "": none, they see all requests."""

    team: Line


@router.patch("/{operator_id}")
async def change_operator(
    house: TheHouse, key: Admin, actor: Acting, operator_id: str, body: OperatorChange
) -> OperatorView:
    """Put an operator into a team, or out of one."""
    async with house.store.transaction() as tx:
        row = await lists.get(tx, Operator, operator_id)
        await queries.join(tx, operator_id, body.team)
        audit(tx, actor, "operator_team", None, house.clock.now(), operator=operator_id, team=body.team)
        await tx.refresh(row)
    return _view(row)


@router.post("/{operator_id}/disable")
async def disable_operator(house: TheHouse, key: Admin, operator_id: str) -> OperatorView:
    """Sign an operator out everywhere and let them in no more."""
    async with house.store.transaction() as tx:
        row = await lists.get(tx, Operator, operator_id)
        await queries.disable(tx, operator_id, now=house.clock.now())
        await tx.refresh(row)
    return _view(row)


@router.post("/{operator_id}/enable")
async def enable_operator(house: TheHouse, key: Admin, operator_id: str) -> OperatorView:
    """Let a disabled operator in again."""
    async with house.store.transaction() as tx:
        row = await lists.get(tx, Operator, operator_id)
        await queries.enable(tx, operator_id)
        await tx.refresh(row)
    return _view(row)


def _view(row: Operator) -> OperatorView:
    return OperatorView.model_validate(row, from_attributes=True)
