"""Who a message is from: contacts by the names that WhatsApp gives them, which may be absent, change and clash.

A phone number wins over a user id that disagrees, and a person is asked to look. Nobody's past is given to somebody
else by itself: two contacts with conversations of their own are never made one. Knows no conversation's state.
"""

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col, select

from sahut.authority import PROOF_LIFE
from sahut.events import AppContact, IdentityChange, Names
from sahut.models import Contact, ContactIdentity, Conversation, FormerIdentity, IdentityKind
from sahut.store import proofs
from sahut.store.database import Tx, insert_once, table_of
from sahut.store.whole import inherit

Name = tuple[str, str]

# Built once.
_CONTACT, _IDENTITY, _FORMER = table_of(Contact), table_of(ContactIdentity), table_of(FormerIdentity)
_GIVEN: sa.BindParameter[list[str]] = sa.bindparam("values", expanding=True)
# The kinds are for the index, which begins with them.
_LIVE = sa.select(_IDENTITY.c.kind, _IDENTITY.c.value, _IDENTITY.c.contact_id).where(
    _IDENTITY.c.kind.in_(list(IdentityKind)), _IDENTITY.c.value.in_(_GIVEN)
)
_PAST = (
    sa.select(_FORMER.c.kind, _FORMER.c.value, _FORMER.c.contact_id)
    .where(_FORMER.c.value.in_(_GIVEN), _FORMER.c.until >= sa.bindparam("at"))
    .order_by(_FORMER.c.until.desc())
)
_NAME_ONCE = (
    sa.update(_CONTACT)
    .where(_CONTACT.c.id == sa.bindparam("key"), _CONTACT.c.name == "")
    .values(name=sa.bindparam("told"))
)


def names_in(names: Names) -> list[Name]:
    """The names as (kind, value), the weakest first: the last one that is known decides."""
    given = (
        (IdentityKind.PARENT_BSUID, names.parent_user_id),
        (IdentityKind.BSUID, names.user_id),
        (IdentityKind.PHONE, names.phone),
    )
    return [(kind, value) for kind, value in given if value]


async def contact_of(tx: Tx, names: Names, *, name: str, at: datetime, now: datetime) -> str:
    """The contact who had these names `at` that time, made where there is none."""
    wanted = names_in(names)
    known = await _known(tx, wanted)
    found = [known[one] for one in wanted if one in known]
    contact_id = found[-1] if found else await _former(tx, wanted, at)
    if contact_id is not None and not found:
        # A message from before the change: it brings no names that are still good.
        return contact_id
    if contact_id is None:
        contact_id = await _new_contact(tx, name, wanted[-1], now)
        known[wanted[-1]] = contact_id
    if len(set(found)) > 1:
        await _clash(tx, set(found))
    missing = [one for one in wanted if one not in known]
    if missing:
        await _learn(tx, contact_id, missing, is_new=not found, at=at, now=now)
    return contact_id


async def change(tx: Tx, told: IdentityChange, *, now: datetime) -> str:
    """A person is called otherwise: their old names are theirs no more. The contact. Twice is as good as once.

    Who wrote under an old name after the change has it by now and is answered there: a change that is told too late
    takes it from nobody, and a person is asked to look.
    """
    old, new = names_in(told.old), names_in(told.new)
    before, after = await _find(tx, old, told.at), await _find(tx, new, told.at)
    if before is not None and await _heard_since(tx, before, [one for one in old if one not in new], told.at):
        told_again = after is not None and await _former(tx, old, told.at) == after
        if not told_again:
            await _note_change(tx, before, told.at)
        return after or before
    if before is not None and after is not None and before != after:
        before, after = await _one_of(tx, before, after)
    contact_id = before or after or await _new_contact(tx, told.name, new[-1], now)
    gone = [one for one in old if one not in new and any(one[0] == kind for kind, _ in new)]
    gone += [one for one in await _superseded(tx, contact_id, new, told.at) if one not in gone]
    await _retire(tx, contact_id, gone, until=told.at)
    if after is None or after == contact_id:
        await _learn(tx, contact_id, new, is_new=before is None, at=told.at, now=now)
    if gone:
        await _note_change(tx, contact_id, told.at)
    return contact_id


async def name_once(tx: Tx, contact_id: str, name: str) -> None:
    """What a contact calls themselves, where nothing was known."""
    await tx.execute(_NAME_ONCE, {"key": contact_id, "told": name})


async def called_by_us(tx: Tx, told: AppContact) -> None:
    """What a colleague calls somebody names a contact that we have and know no name of.

    Whoever is in the address book and never wrote to us is none of ours.
    """
    known = await _known(tx, names_in(told.names))
    for contact_id in set(known.values()):
        if told.name and told.action != "remove":
            await name_once(tx, contact_id, told.name)


async def group(tx: Tx, group_id: str, *, now: datetime) -> str:
    """The contact that stands for a group."""
    wanted = (IdentityKind.GROUP, group_id)
    known = await _known(tx, [wanted])
    return known.get(wanted) or await _new_contact(tx, "", wanted, now)


async def are_sure(tx: Tx, contact_id: str, *, by: str, now: datetime) -> None:
    """Somebody has made sure who this is; for a while that proves it to tools too."""
    mine = col(Contact.id) == contact_id
    await tx.execute(sa.update(Contact).where(mine).values(number_changed_at=None, review=""))
    await proofs.prove(tx, contact_id, "operator", by=by, now=now, expires_at=now + PROOF_LIFE)


async def is_unsure(tx: Tx, contact_id: str) -> bool:
    """Whether it may be a stranger who has a contact's number by now."""
    return await tx.scalar(select(Contact.number_changed_at).where(Contact.id == contact_id)) is not None


async def prefer(tx: Tx, contact_id: str, *, stop: bool, at: datetime) -> None:
    """The contact wants no marketing, or wants it again. What they said last stands, whichever comes first."""
    column = Contact.marketing_stopped_at if stop else Contact.marketing_resumed_at
    older = sa.or_(col(column).is_(None), col(column) < at)
    values = {"marketing_stopped_at" if stop else "marketing_resumed_at": at}
    await tx.execute(sa.update(Contact).where(col(Contact.id) == contact_id, older).values(**values))


async def _known(tx: Tx, wanted: Iterable[Name]) -> dict[Name, str]:
    names = list(wanted)
    rows = await tx.execute(_LIVE, {"values": [value for _, value in names]})
    found = {(str(row.kind), str(row.value)): str(row.contact_id) for row in rows}
    return {one: found[one] for one in names if one in found}


async def _former(tx: Tx, wanted: Iterable[Name], at: datetime) -> str | None:
    names = list(wanted)
    rows = (await tx.execute(_PAST, {"values": [value for _, value in names], "at": at})).all()
    return next((str(row.contact_id) for row in rows if (row.kind, row.value) in names), None)


async def _find(tx: Tx, wanted: list[Name], at: datetime) -> str | None:
    """Whose these names are or, if nobody has them now, were at that time."""
    known = await _known(tx, wanted)
    live = [known[one] for one in wanted if one in known]
    return live[-1] if live else await _former(tx, wanted, at)


async def _learn(tx: Tx, contact_id: str, missing: list[Name], *, is_new: bool, at: datetime, now: datetime) -> None:
    """Names that a contact is called by too. A second user id beside a known number is another person, or may be."""
    for kind, value in missing:
        if not is_new and kind == IdentityKind.BSUID:
            await _replace_user_id(tx, contact_id, value, at=at)
        row = ContactIdentity(contact_id=contact_id, kind=kind, value=value, created_at=now)
        await insert_once(tx, row)


async def _heard_since(tx: Tx, contact_id: str, names: list[Name], at: datetime) -> bool:
    """Whether the last that the contact wrote to a number of ours came under one of these names, after that time."""
    query = select(Conversation.id).where(
        Conversation.contact_id == contact_id,
        col(Conversation.heard_as).in_([value for _, value in names]),
        col(Conversation.window_opened_at) > at,
    )
    return (await tx.execute(query.limit(1))).first() is not None


async def _superseded(tx: Tx, contact_id: str, new: list[Name], at: datetime) -> list[Name]:
    """What the contact was called by before the change, in place of its new names: a person has one of each kind."""
    query = select(ContactIdentity.kind, ContactIdentity.value).where(
        ContactIdentity.contact_id == contact_id,
        col(ContactIdentity.kind).in_([kind for kind, _ in new]),
        col(ContactIdentity.value).not_in([value for _, value in new]),
        col(ContactIdentity.created_at) <= at,
    )
    return [(str(row.kind), str(row.value)) for row in await tx.execute(query)]


async def _replace_user_id(tx: Tx, contact_id: str, value: str, *, at: datetime) -> None:
    mine = select(ContactIdentity.value).where(
        ContactIdentity.contact_id == contact_id,
        ContactIdentity.kind == IdentityKind.BSUID,
        ContactIdentity.value != value,
    )
    before = (await tx.execute(mine)).scalars().all()
    if before:
        await _retire(tx, contact_id, [(IdentityKind.BSUID, one) for one in before], until=at)
        await _note_change(tx, contact_id, at)


async def _retire(tx: Tx, contact_id: str, gone: list[Name], *, until: datetime) -> None:
    for kind, value in gone:
        row = FormerIdentity(contact_id=contact_id, kind=kind, value=value, until=until)
        await insert_once(tx, row)
        theirs = sa.and_(col(ContactIdentity.contact_id) == contact_id, col(ContactIdentity.kind) == kind)
        await tx.execute(sa.delete(ContactIdentity).where(theirs, col(ContactIdentity.value) == value))


async def _note_change(tx: Tx, contact_id: str, at: datetime) -> None:
    older = sa.or_(col(Contact.number_changed_at).is_(None), col(Contact.number_changed_at) < at)
    await tx.execute(sa.update(Contact).where(col(Contact.id) == contact_id, older).values(number_changed_at=at))
    await proofs.forget(tx, contact_id)


async def _clash(tx: Tx, contact_ids: set[str]) -> None:
    """Two contacts may be one person, or one number two persons: a human must look. Said once."""
    for contact_id in contact_ids:
        others = ", ".join(sorted(contact_ids - {contact_id}))
        unseen = sa.and_(col(Contact.id) == contact_id, col(Contact.review) == "")
        words = f"WhatsApp gave this person names of another contact: {others}."
        await tx.execute(sa.update(Contact).where(unseen).values(review=words))


async def _one_of(tx: Tx, before: str, after: str) -> tuple[str, str]:
    """Two contacts that Meta says are one person: made one where one of them has no past, else left apart and told."""
    for empty, kept in ((after, before), (before, after)):
        talked = select(Conversation.id).where(Conversation.contact_id == empty).limit(1)
        if (await tx.execute(talked)).scalar_one_or_none() is None:
            for table in (ContactIdentity, FormerIdentity):
                move = sa.update(table_of(table)).where(table_of(table).c.contact_id == empty)
                await tx.execute(move.values(contact_id=kept))
            await proofs.forget(tx, empty)
            await inherit(tx, await tx.get_one(Contact, kept), await tx.get_one(Contact, empty))
            await tx.execute(sa.delete(Contact).where(col(Contact.id) == empty))
            return kept, kept
    await _clash(tx, {before, after})
    return before, after


async def _new_contact(tx: Tx, name: str, identity: Name, now: datetime) -> str:
    contact = Contact(name=name, created_at=now)
    await insert_once(tx, contact)
    kind, value = identity
    mine = ContactIdentity(contact_id=contact.id, kind=kind, value=value, created_at=now)
    if await insert_once(tx, mine):
        return contact.id
    # Another webhook made this contact between our look and our insert: theirs stands.
    await tx.execute(sa.delete(Contact).where(col(Contact.id) == contact.id))
    query = select(ContactIdentity.contact_id).where(ContactIdentity.kind == kind, ContactIdentity.value == value)
    return (await tx.execute(query)).scalar_one()
