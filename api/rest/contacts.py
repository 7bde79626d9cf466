"""Contacts over REST: who somebody is on WhatsApp, and that a person has made sure of it. Knows no rule."""

from datetime import datetime, timedelta
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.desk.conversations import Desk
from api.desk.erasing import erase_contact
from api.house import House
from api.rest.auth import Acting, Admin, Reader, TheHouse
from api.rest.conversations import ContactView, contact_view
from api.rest.pages import Page
from sahut.authority import LONGEST_PROOF_LIFE, PROOF_LIFE
from sahut.ids import ContactId
from sahut.models import Contact, Role
from sahut.rules import Actor
from sahut.store import identities, lists, memory, people, proofs
from sahut.store.audit import audit

router = APIRouter(prefix="/contacts", tags=["contacts"])
_HOUR = timedelta(hours=1)


class NewProof(BaseModel):
    """How well your own system has made sure who a contact is, and for how many hours that holds."""

    level: Literal["form", "code", "operator"]
    hours: float = Field(default=PROOF_LIFE / _HOUR, gt=0, le=LONGEST_PROOF_LIFE / _HOUR)


class Merge(BaseModel):
    """Another contact who is the same person."""

    contact: str = Field(max_length=64)


class ProofView(BaseModel):
    """That a contact is who they say they are, as far as tools are concerned."""

    level: str
    proved_by: str
    created_at: datetime
    expires_at: datetime


class FactView(BaseModel):
    """Something that a contact said of themselves, and the message that says it. It proves nothing."""

    id: str
    kind: str
    value: str
    message_id: str
    conversation_id: str
    created_at: datetime


@router.get("/{contact_id}")
async def get_contact(house: TheHouse, key: Reader, contact_id: str) -> ContactView:
    """One contact."""
    return await _load(house, contact_id)


@router.post("/{contact_id}/opt-out")
async def opt_out(house: TheHouse, actor: Acting, contact_id: str) -> ContactView:
    """They want to hear nothing by themselves any more, as by the word STOP; what they ask is answered still."""
    async with house.store.transaction() as tx:
        await lists.get(tx, Contact, contact_id)
        now = house.clock.now()
        if await people.opt_out(tx, ContactId(contact_id), now=now):
            audit(tx, actor, "opt_out", None, now, contact=contact_id)
    return await _load(house, contact_id)


@router.post("/{contact_id}/opt-in")
async def opt_in(house: TheHouse, actor: Acting, contact_id: str) -> ContactView:
    """They have said that they want to hear from the organisation again. The key's owner answers for that."""
    async with house.store.transaction() as tx:
        await lists.get(tx, Contact, contact_id)
        if await people.opt_in(tx, ContactId(contact_id)):
            audit(tx, actor, "opt_in", None, house.clock.now(), contact=contact_id)
    return await _load(house, contact_id)


@router.get("/{contact_id}/facts")
async def list_facts(house: TheHouse, key: Reader, contact_id: str) -> Page[FactView]:
    """What a contact said of themselves, the oldest first."""
    async with house.store.reading() as tx:
        await lists.get(tx, Contact, contact_id)
        rows = await memory.facts_of(tx, contact_id)
    return Page(items=[FactView.model_validate(row, from_attributes=True) for row in rows], next_cursor=None)


@router.delete("/{contact_id}/facts/{fact_id}", status_code=204)
async def forget_fact(house: TheHouse, actor: Acting, contact_id: str, fact_id: str) -> None:
    """Erase one fact; the message that said it stays."""
    async with house.store.transaction() as tx:
        await memory.forget(tx, contact_id, fact_id, actor=actor, now=house.clock.now())


@router.post("/{contact_id}/verified", status_code=204)
async def verified(house: TheHouse, actor: Acting, contact_id: str) -> None:
    """Somebody has made sure that a contact whose number changed, or whose names clash, is who they say they are."""
    async with house.store.transaction() as tx:
        await lists.get(tx, Contact, contact_id)
        now = house.clock.now()
        await identities.are_sure(tx, contact_id, by=actor.name, now=now)
        audit(tx, actor, "verified", None, now, contact=contact_id)


@router.post("/{contact_id}/erase")
async def erase(house: TheHouse, key: Admin, contact_id: str) -> dict[str, dict[str, int]]:
    """Erase a person with all that they wrote and all that was written to them; what is gone, by table.

    It cannot be undone. 409 while a message to them is on its way.
    """
    actor = Actor(id=key.id, name=key.name, role=Role.ADMIN)
    erased = await erase_contact(house.store, house.settings, contact_id, actor=actor, now=house.clock.now())
    return {"erased": erased}


@router.post("/{contact_id}/merge")
async def merge(house: TheHouse, actor: Acting, contact_id: str, body: Merge) -> ContactView:
    """Another contact turned out to be this person: their names, threads and tickets become this contact's.

    409 while a message is answered or on its way in one of their threads, or two operators hold them. It cannot be
    taken back.
    """
    await Desk(house).merge(actor, contact_id, body.contact)
    return await _load(house, contact_id)


@router.post("/{contact_id}/proofs", status_code=201)
async def prove(house: TheHouse, actor: Acting, contact_id: str, body: NewProof) -> ProofView:
    """Your system has made sure who a contact is (by a one-time code, say): tools that ask for that may be used."""
    now = house.clock.now()
    async with house.store.transaction() as tx:
        await lists.get(tx, Contact, contact_id)
        until = now + timedelta(hours=body.hours)
        proof = await proofs.prove(tx, contact_id, body.level, by=actor.name, now=now, expires_at=until)
        audit(tx, actor, "proof", None, now, contact=contact_id, level=body.level)
    return ProofView.model_validate(proof, from_attributes=True)


async def _load(house: House, contact_id: str) -> ContactView:
    async with house.store.reading() as tx:
        contact = await lists.get(tx, Contact, contact_id)
        names = await lists.identities(tx, [contact_id])
    return contact_view(contact, names.get(contact_id, {}))
