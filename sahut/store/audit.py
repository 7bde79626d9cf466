"""Writes who did what, in the transaction of what was done. Knows no text of a message."""

from datetime import datetime

from sahut.models import AuditEntry
from sahut.rules import Actor
from sahut.store.database import Tx


def audit(tx: Tx, actor: Actor, action: str, conversation_id: str | None, now: datetime, **detail: object) -> None:
    """Write who did what. `detail` never holds the text of a message."""
    who = {"id": actor.id, "role": actor.role, **detail}
    tx.add(AuditEntry(at=now, actor=actor.name, action=action, conversation_id=conversation_id, detail=who))
