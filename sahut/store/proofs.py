"""How sure it is who a contact is: WhatsApp's word for it, and what was proved since. Knows no tool.

A doubt (a changed number, clashing names) outweighs every proof until somebody has made sure.
"""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col

from sahut.authority import LEVELS, Identity
from sahut.models import Contact, IdentityProof
from sahut.store.database import Tx, table_of

# Built once: every turn asks.
_CONTACT, _PROOF = table_of(Contact), table_of(IdentityProof)
_HOLDS = sa.and_(_PROOF.c.contact_id == _CONTACT.c.id, _PROOF.c.expires_at > sa.bindparam("now"))
_LEVELS = (
    sa.select(_CONTACT.c.number_changed_at, _CONTACT.c.review, _PROOF.c.level)
    .select_from(_CONTACT.outerjoin(_PROOF, _HOLDS))
    .where(_CONTACT.c.id == sa.bindparam("contact"))
)


async def level_of(tx: Tx, contact_id: str, *, now: datetime) -> Identity:
    """The surest that holds now; `anyone` where the number may be a stranger's by now."""
    rows = (await tx.execute(_LEVELS, {"contact": contact_id, "now": now})).all()
    if not rows or rows[0].number_changed_at is not None or rows[0].review:
        return "anyone"
    proved = {row.level for row in rows}
    return max((level for level in LEVELS if level in proved), key=LEVELS.index, default="number")


async def prove(
    tx: Tx, contact_id: str, level: Identity, *, by: str, now: datetime, expires_at: datetime
) -> IdentityProof:
    """Somebody has made sure, as well as `level` says, until then."""
    proof = IdentityProof(contact_id=contact_id, level=level, proved_by=by, created_at=now, expires_at=expires_at)
    tx.add(proof)
    await tx.flush()
    return proof


async def forget(tx: Tx, contact_id: str) -> None:
    """What was proved says nothing any more: the number may have passed to somebody else."""
    await tx.execute(sa.delete(IdentityProof).where(col(IdentityProof.contact_id) == contact_id))
