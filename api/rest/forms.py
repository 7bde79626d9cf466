"""Forms and submissions over REST: what customers may fill in, and what they sent."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, HTTPException
from pydantic import BaseModel

from api.rest.auth import Reader, TheHouse, Writer
from api.rest.pages import Cursor, Limit, Page, page
from api.whatsapp.clean import clean_json
from sahut.formfile import read_form
from sahut.forms import Form
from sahut.models import FormEdition, FormRow, Submission
from sahut.store import forms, lists

router = APIRouter(tags=["forms"])

Definition = Annotated[
    dict[str, Any],
    Body(description="The form, with the keys of a form file.", json_schema_extra=Form.model_json_schema()),
]


class FormView(BaseModel):
    """A form on offer; `edition` counts its changes from 1, `source` is the folder or the key it came from."""

    id: str
    name: str
    edition: int
    source: str
    definition: Form
    created_at: datetime
    updated_at: datetime


class SubmissionView(BaseModel):
    """A form as a customer sent it; `flagged`: the screen doubted a message that an answer came in."""

    id: str
    reference: str
    form: str
    edition: int
    conversation_id: str
    contact_id: str
    ticket_id: str | None
    answers: dict[str, Any]
    flagged: bool
    language: str
    created_at: datetime


@router.get("/forms")
async def list_forms(house: TheHouse, key: Reader, limit: Limit = 50, cursor: Cursor = None) -> Page[FormView]:
    """What customers may fill in."""
    async with house.store.reading() as tx:
        rows = await forms.listed(tx, after=cursor, limit=limit + 1)
    return page(rows, limit, lambda row: _form(*row), lambda row: row[0].id)


@router.get("/forms/{name}")
async def get_form(house: TheHouse, key: Reader, name: str) -> FormView:
    """One form."""
    async with house.store.reading() as tx:
        return _form(*await forms.present(tx, name))


@router.put("/forms/{name}")
async def put_form(house: TheHouse, key: Writer, name: str, body: Definition) -> FormView:
    """Offer a form, or a new edition of it; who is in the middle of the old one finishes that."""
    form = read_form(clean_json(body), where=f"forms/{name}", name=name)
    if form.name != name:
        raise HTTPException(422, f"The form is named {form.name!r}, the address says {name!r}: make them the same.")
    async with house.store.transaction() as tx:
        await forms.publish(tx, form, source=f"key {key.name}", now=house.clock.now())
        return _form(*await forms.present(tx, name))


@router.delete("/forms/{name}", status_code=204)
async def delete_form(house: TheHouse, key: Writer, name: str) -> None:
    """Offer a form no more; what was sent stays."""
    async with house.store.transaction() as tx:
        await forms.withdraw(tx, name, now=house.clock.now())


@router.get("/submissions")
async def list_submissions(
    house: TheHouse,
    key: Reader,
    form: str | None = None,
    conversation: str | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[SubmissionView]:
    """What was sent, oldest first."""
    async with house.store.reading() as tx:
        rows = await forms.submissions(tx, form=form, conversation=conversation, after=cursor, limit=limit + 1)
        numbers = await forms.numbers(tx, {row.edition_id for row in rows})
    return page(rows, limit, lambda row: _submission(row, numbers), lambda row: row.id)


@router.get("/submissions/{submission_id}")
async def get_submission(house: TheHouse, key: Reader, submission_id: str) -> SubmissionView:
    """One submission."""
    async with house.store.reading() as tx:
        row = await lists.get(tx, Submission, submission_id)
        return _submission(row, await forms.numbers(tx, {row.edition_id}))


def _form(row: FormRow, edition: FormEdition) -> FormView:
    return FormView(
        id=row.id,
        name=row.name,
        edition=edition.number,
        source=row.source,
        definition=Form.model_validate(edition.definition),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _submission(row: Submission, numbers: dict[str, int]) -> SubmissionView:
    return SubmissionView(**row.model_dump(exclude={"filling_id", "edition_id"}), edition=numbers[row.edition_id])
