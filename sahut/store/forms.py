"""Forms in the tables: publishing an edition, the one that a customer is filling, and what was sent, once.

Knows no customer's words: what an answer means was decided before. Only a turn's recording moves a filling.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Literal

import sqlalchemy as sa
from sqlmodel import col, select

from sahut.authority import PROOF_LIFE
from sahut.errors import NotFound
from sahut.forms import REFERENCE_PREFIX, Edition, Filling, Form, described
from sahut.ids import new_id
from sahut.models import Conversation, FillingRow, FillingState, FormEdition, FormRow, Submission, Ticket
from sahut.references import reference
from sahut.store import hooks, proofs
from sahut.store.database import Tx, insert, insert_once, table_of
from sahut.store.tickets import contact_of, open_ticket

FILLING_LIFE = timedelta(days=7)
# What of a filling has a column or lies in the edition.
_APART = {"id", "reference", "edition", "form", "state"}

Published = Literal["added", "changed", "unchanged"]

# Built once, and read as plain rows: these two stand on the way of every turn.
_FORM, _EDITION, _FILLING = table_of(FormRow), table_of(FormEdition), table_of(FillingRow)
_SHOWN = (_FILLING.c.id, _FILLING.c.reference, _FILLING.c.edition_id, _FILLING.c.progress, _FILLING.c.created_at)
_OPEN = sa.select(*_SHOWN).where(
    _FILLING.c.conversation_id == sa.bindparam("conversation"),
    _FILLING.c.state == FillingState.OPEN,
    _FILLING.c.expires_at > sa.bindparam("now"),
)
_OFFERED = sa.select(_FORM.c.edition_id).where(_FORM.c.removed_at.is_(None)).order_by(_FORM.c.name)
_DEFINITION = sa.select(_EDITION.c.definition).where(_EDITION.c.id == sa.bindparam("edition"))
# An edition never changes, so it is read once; more of them than this are read again.
_EDITIONS_KEPT = 500
_read: dict[str, Edition] = {}


async def publish(tx: Tx, form: Form, *, source: str, now: datetime) -> Published:
    """Make `form` what new customers get under its name; who is in the middle of an older edition goes on with it."""
    row = await _row(tx, form.name, lock=True)
    if row is None:
        fresh = FormRow(name=form.name, edition_id="", source=source, created_at=now, updated_at=now)
        if await insert_once(tx, fresh):
            await _new_edition(tx, fresh.id, form, number=1, source=source, now=now)
            return "added"
        row = await _row(tx, form.name, lock=True)
        assert row is not None  # noqa: S101  # somebody else has just inserted it
    last = await tx.get(FormEdition, row.edition_id)
    if last is not None and row.removed_at is None and last.definition == form.model_dump(mode="json"):
        return "unchanged"
    number = 1 + (await tx.execute(sa.select(sa.func.max(FormEdition.number)).filter_by(form_id=row.id))).scalar_one()
    await _new_edition(tx, row.id, form, number=number, source=source, now=now)
    return "changed"


async def withdraw(tx: Tx, name: str, *, now: datetime) -> None:
    """Offer a form no more; who is in the middle of it may finish. Raises `NotFound`."""
    row = await _row(tx, name, lock=True)
    if row is None or row.removed_at is not None:
        raise NotFound(f"There is no form {name}.")
    await tx.execute(sa.update(FormRow).where(col(FormRow.id) == row.id).values(removed_at=now, updated_at=now))


async def follow(tx: Tx, forms: Sequence[Form], *, source: str, now: datetime) -> None:
    """Offer these and, of what came from the same source before, nothing else."""
    for form in forms:
        await publish(tx, form, source=source, now=now)
    for name in await from_source(tx, source) - {form.name for form in forms}:
        await withdraw(tx, name, now=now)


async def offered(tx: Tx) -> tuple[Edition, ...]:
    """Every form that a customer may begin, by name."""
    keys = (await tx.execute(_OFFERED)).scalars().all()
    return tuple([await _edition(tx, key) for key in keys])


async def present(tx: Tx, name: str) -> tuple[FormRow, FormEdition]:
    """A form that is offered, with its edition. Raises `NotFound`."""
    row = await _row(tx, name)
    if row is None or row.removed_at is not None:
        raise NotFound(f"There is no form {name}.")
    edition = await tx.get(FormEdition, row.edition_id)
    assert edition is not None  # noqa: S101  # written together
    return row, edition


async def listed(tx: Tx, *, after: str | None, limit: int) -> Sequence[tuple[FormRow, FormEdition]]:
    """Forms that are offered, in the order in which they came."""
    query = select(FormRow, FormEdition).join(FormEdition, col(FormEdition.id) == col(FormRow.edition_id))
    query = query.where(col(FormRow.removed_at).is_(None))
    if after is not None:
        query = query.where(FormRow.id > after)
    rows = await tx.execute(query.order_by(col(FormRow.id)).limit(limit))
    return [(row, edition) for row, edition in rows.all()]


async def from_source(tx: Tx, source: str) -> set[str]:
    """The names of the forms on offer that came from there."""
    query = select(FormRow.name).where(FormRow.source == source, col(FormRow.removed_at).is_(None))
    return set((await tx.execute(query)).scalars())


async def open_filling(tx: Tx, conversation_id: str, *, now: datetime, since: datetime | None = None) -> Filling | None:
    """The form that the conversation is in the middle of, with the edition that it began with.

    One that was begun before `since` may hold the answers of somebody else.
    """
    row = (await tx.execute(_OPEN, {"conversation": conversation_id, "now": now})).one_or_none()
    if row is None or (since is not None and row.created_at < since):
        return None
    edition = await _edition(tx, row.edition_id)
    return Filling(id=row.id, reference=row.reference, edition=edition.id, form=edition.form, **row.progress)


async def move(tx: Tx, conversation: Conversation, filling: Filling, *, language: str, now: datetime) -> None:
    """Write a filling's new progress; one that ends as submitted leaves its submission, and its ticket, once.

    Called in the transaction that records a turn, under the conversation's lock.
    """
    values: dict[str, Any] = {
        "state": filling.state,
        "progress": filling.model_dump(mode="json", exclude=_APART),
        "updated_at": now,
        "expires_at": now + FILLING_LIFE,
    }
    mine = sa.update(FillingRow).where(col(FillingRow.id) == filling.id, col(FillingRow.state) == FillingState.OPEN)
    moved = (await tx.execute(mine.values(values).returning(col(FillingRow.id)))).scalar_one_or_none()
    if moved is None and not await _begin(tx, conversation.id, filling, values, now):
        return
    if filling.state == "submitted":
        await _submit(tx, conversation, filling, language=language, now=now)


async def close_open(tx: Tx, conversation_id: str, *, now: datetime) -> None:
    """End what is being filled: the matter is closed, or another form begins."""
    mine = sa.update(FillingRow).where(
        col(FillingRow.conversation_id) == conversation_id, col(FillingRow.state) == FillingState.OPEN
    )
    await tx.execute(mine.where(col(FillingRow.expires_at) <= now).values(state=FillingState.EXPIRED))
    await tx.execute(mine.values(state=FillingState.CANCELLED, updated_at=now))


async def forget(tx: Tx, *, before: datetime) -> None:
    """Let go of answers that were never sent and that nobody has touched since then."""
    unsent = col(FillingRow.state) != FillingState.SUBMITTED
    await tx.execute(sa.delete(FillingRow).where(unsent, col(FillingRow.expires_at) < before))


async def submissions(
    tx: Tx, *, form: str | None, conversation: str | None, after: str | None, limit: int
) -> Sequence[Submission]:
    """What was sent, oldest first."""
    query = select(Submission)
    if form is not None:
        query = query.where(Submission.form == form)
    if conversation is not None:
        query = query.where(Submission.conversation_id == conversation)
    if after is not None:
        query = query.where(Submission.id > after)
    return (await tx.execute(query.order_by(col(Submission.id)).limit(limit))).scalars().all()


async def numbers(tx: Tx, edition_ids: set[str]) -> dict[str, int]:
    """Edition id -> which edition of its form it is, from 1."""
    query = select(FormEdition.id, FormEdition.number).where(col(FormEdition.id).in_(edition_ids))
    return {row.id: row.number for row in (await tx.execute(query)).all()}


async def _edition(tx: Tx, key: str) -> Edition:
    known = _read.get(key)
    if known is None:
        definition = (await tx.execute(_DEFINITION, {"edition": key})).scalar_one()
        known = Edition(id=key, form=Form.model_validate(definition))
        if len(_read) >= _EDITIONS_KEPT:
            _read.clear()
        _read[key] = known
    return known


async def _row(tx: Tx, name: str, *, lock: bool = False) -> FormRow | None:
    query = select(FormRow).where(FormRow.name == name).execution_options(populate_existing=True)
    return (await tx.execute(query.with_for_update() if lock else query)).scalar_one_or_none()


async def _new_edition(tx: Tx, form_id: str, form: Form, *, number: int, source: str, now: datetime) -> None:
    edition = FormEdition(
        id=new_id(), form_id=form_id, number=number, definition=form.model_dump(mode="json"), created_at=now
    )
    await insert(tx, edition)
    await tx.execute(
        sa.update(FormRow)
        .where(col(FormRow.id) == form_id)
        .values(edition_id=edition.id, source=source, removed_at=None, updated_at=now)
    )


async def _begin(tx: Tx, conversation_id: str, filling: Filling, values: dict[str, Any], now: datetime) -> bool:
    """A new filling, under the first reference that is free; false where it is there and has ended."""
    if await tx.get(FillingRow, filling.id) is not None:
        return False
    await close_open(tx, conversation_id, now=now)
    fixed: dict[str, Any] = {
        "id": filling.id,
        "conversation_id": conversation_id,
        "edition_id": filling.edition,
        "created_at": now,
    }
    for attempt in count():
        wanted = reference(filling.id, attempt, prefix=REFERENCE_PREFIX)
        if await insert_once(tx, FillingRow(**fixed, **values, reference=wanted)):
            break
    return True


async def _submit(tx: Tx, conversation: Conversation, filling: Filling, *, language: str, now: datetime) -> None:
    ticket = await _ticket(tx, conversation, filling, language, now) if filling.form.ticket else None
    submission = Submission(
        reference=filling.reference,
        filling_id=filling.id,
        form=filling.form.name,
        edition_id=filling.edition,
        conversation_id=conversation.id,
        contact_id=conversation.contact_id,
        ticket_id=ticket.id if ticket else None,
        answers={field.name: filling.answers.get(field.name) for field in filling.form.fields},
        flagged=filling.flagged,
        language=language,
        created_at=now,
    )
    await insert(tx, submission)
    if filling.form.identifies and not filling.flagged:
        by, until = f"form {filling.form.name}", now + PROOF_LIFE
        await proofs.prove(tx, conversation.contact_id, "form", by=by, now=now, expires_at=until)
    await hooks.note(tx, "submission.created", {"submission": await _told(tx, submission)}, now=now)


async def _told(tx: Tx, submission: Submission) -> dict[str, Any]:
    """A submission as outgoing webhooks tell of it."""
    number = (await numbers(tx, {submission.edition_id}))[submission.edition_id]
    told = submission.model_dump(mode="json", exclude={"filling_id", "edition_id", "contact_id"})
    return {**told, "edition": number, "contact": await contact_of(tx, submission.contact_id)}


async def _ticket(tx: Tx, conversation: Conversation, filling: Filling, language: str, now: datetime) -> Ticket | None:
    """The form's ticket, under the form's own reference: the customer has one number to remember."""
    assert filling.form.ticket is not None  # noqa: S101
    ticket = Ticket(
        reference=filling.reference,
        call_key=filling.id,
        conversation_id=conversation.id,
        contact_id=conversation.contact_id,
        topic=filling.form.ticket.topic,
        description=described(filling, "en"),
        language=language,
        created_at=now,
    )
    return await open_ticket(tx, ticket)
