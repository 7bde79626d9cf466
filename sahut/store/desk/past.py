"""What happened in a conversation before: every request for a human, and who did what. Changes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import col, select

from sahut.models import AuditEntry, Handoff
from sahut.store.database import Tx

MOST = 30


@dataclass(frozen=True)
class Past:
    """The newest first, at most `MOST` of each."""

    handoffs: Sequence[Handoff]
    audit: Sequence[AuditEntry]


async def past(tx: Tx, conversation_id: str) -> Past:
    """The conversation's past; empty where there is none."""
    asked = select(Handoff).where(Handoff.conversation_id == conversation_id).order_by(col(Handoff.id).desc())
    done = select(AuditEntry).where(AuditEntry.conversation_id == conversation_id).order_by(col(AuditEntry.id).desc())
    return Past(
        handoffs=(await tx.execute(asked.limit(MOST))).scalars().all(),
        audit=(await tx.execute(done.limit(MOST))).scalars().all(),
    )
