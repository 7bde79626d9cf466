"""What contacts want of us. Knows no conversation."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col

from sahut.ids import ContactId
from sahut.models import Contact
from sahut.store.database import Tx


async def opt_out(tx: Tx, contact_id: ContactId, *, now: datetime) -> bool:
    """From now on the contact hears only what answers them; the first time stands. Whether this was it."""
    once = sa.and_(col(Contact.id) == contact_id, col(Contact.opted_out_at).is_(None))
    query = sa.update(Contact).where(once).values(opted_out_at=now).returning(col(Contact.id))
    return (await tx.execute(query)).first() is not None


async def opt_in(tx: Tx, contact_id: ContactId) -> bool:
    """The contact has said that they want to hear from us again. Whether they had opted out before."""
    once = sa.and_(col(Contact.id) == contact_id, col(Contact.opted_out_at).is_not(None))
    query = sa.update(Contact).where(once).values(opted_out_at=None).returning(col(Contact.id))
    return (await tx.execute(query)).first() is not None
