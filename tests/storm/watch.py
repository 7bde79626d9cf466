"""Remembers, commit by commit, whose each thread was, what became of each file and who was warned: the end alone would
not show it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sqlmodel import col, select

from sahut.models import AuditEntry, Conversation, InboundFile, Status
from sahut.rules import Window, is_standby
from sahut.store import Tx


class Told(NamedTuple):
    """A warning: of which thread and window, when, and whether a human was waited for in an open window then."""

    thread: str
    closes_at: datetime
    at: datetime
    waited: bool


@dataclass
class Watch:
    """`standby`: (conversation, step at which another owner had it, step at which it was ours again).

    `fates`: what each file was settled as, in turn; one is enough. `shelved`: the files whose bytes were kept once.
    `warned`: each warning by the id of its audit entry.
    """

    standby: list[tuple[str, int, int | None]] = field(default_factory=list)
    fates: dict[str, list[str]] = field(default_factory=dict)
    shelved: set[str] = field(default_factory=set)
    warned: dict[str, Told] = field(default_factory=dict)

    async def look(self, tx: Tx, step: int) -> None:
        """After a commit at this step."""
        columns = col(Conversation.id), col(Conversation.owned_at), col(Conversation.standby_at)
        for row in await tx.execute(select(*columns).where(col(Conversation.standby_at).is_not(None))):
            self._note_owner(row.id, is_standby(owned_at=row.owned_at, standby_at=row.standby_at), step)
        fates = select(InboundFile.message_id, InboundFile.state, InboundFile.due_at, InboundFile.hash)
        for message_id, state, due_at, digest in (await tx.execute(fates)).all():
            before = self.fates.setdefault(message_id, [])
            if digest is not None:
                self.shelved.add(message_id)
            if due_at is None and before[-1:] != [state]:
                before.append(state)
            elif due_at is not None and before:
                before.append(f"{state} again")

        await self._note_warnings(tx)

    async def _note_warnings(self, tx: Tx) -> None:
        """Nobody else commits between a warning and this look."""
        warned = select(AuditEntry, Conversation).join(Conversation, col(Conversation.id) == AuditEntry.conversation_id)
        for entry, thread in (await tx.execute(warned.where(AuditEntry.action == "window_ending"))).all():
            window = Window(thread.window_opened_at, thread.window_closed_at)
            waits = thread.status == Status.WAITING or (thread.held_by is not None and thread.status != Status.SPAM)
            closes_at = datetime.fromisoformat(entry.detail["closes_at"])
            told = Told(thread.id, closes_at, entry.at, waits and window.is_open(entry.at))
            self.warned.setdefault(entry.id, told)

    def _note_owner(self, key: str, standby: bool, step: int) -> None:
        at = next((n for n, (one, _, end) in enumerate(self.standby) if one == key and end is None), None)
        if standby and at is None:
            self.standby.append((key, step, None))
        elif not standby and at is not None:
            self.standby[at] = (key, self.standby[at][1], step)
