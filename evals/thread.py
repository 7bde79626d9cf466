"""One simulated customer's conversation in the store: received, claimed and recorded as the service does it.

So confirmations, the journal of tools, memory and proofs are the real rows. Sends nothing; must not know what is said.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sahut.authority import LEVELS, PROOF_LIFE, Identity
from sahut.events import Inbound
from sahut.ids import ConversationId, new_id
from sahut.ports import Clock
from sahut.store import Store, inbox, proofs, turns
from sahut.store.inbox import Wait
from sahut.store.turns import Claim
from sahut.turn import Button, Guidance, Reply, Turn

NUMBER = "simulated"
_KNOWN: Identity = "number"


class ThreadBrokenError(Exception):
    """The store did not give or take a turn, which is no fault of the assistant's."""


@dataclass
class Thread:
    """A contact of its own. Turns are leased for `lease`; `phone` is digits."""

    store: Store
    clock: Clock
    guidance: Guidance
    phone: str
    lease: timedelta
    _claim: Claim | None = None
    _proved: Identity = _KNOWN

    async def hears(self, said: str, pressed: Button | None) -> Turn:
        """The turn over the customer's next message; `pressed` is the button that it is the title of."""
        now = self.clock.now()
        inbound = Inbound(
            number=NUMBER,
            wamid=f"wamid.{new_id()}",
            phone=self.phone,
            kind="interactive" if pressed else "text",
            text=said,
            choice=pressed.id if pressed else None,
            sent_at=now,
            body={"type": "text", "text": {"body": said}},
        )
        async with self.store.transaction() as tx:
            received = await inbox.receive(tx, inbound, now=now, wait=Wait())
            claim = await self._taken_up(tx, received.conversation_id)
        self._claim = claim
        return claim.turn

    async def is_known_by(self, identity: Identity) -> None:
        """From now on it is so sure who the customer is."""
        if self._claim is None or LEVELS.index(identity) <= LEVELS.index(self._proved):
            return
        now = self.clock.now()
        async with self.store.transaction() as tx:
            contact_id = self._claim.turn.contact_id
            await proofs.prove(tx, contact_id, identity, by="environment", now=now, expires_at=now + PROOF_LIFE)
        self._proved = identity

    async def records(self, reply: Reply) -> None:
        """The reply to the last turn, with what it asks and remembers. Raises `ThreadBrokenError`."""
        assert self._claim is not None  # noqa: S101 - a reply has a turn
        body: dict[str, Any] = {"type": "text", "text": {"body": reply.text}}
        async with self.store.transaction() as tx:
            outcome = await turns.record(tx, self._claim, reply, body=body, now=self.clock.now())
        if outcome != "recorded":
            raise ThreadBrokenError(f"the reply was not recorded ({outcome})")

    async def _taken_up(self, tx: Any, conversation_id: ConversationId) -> Claim:
        claim = await turns.claim(
            tx,
            conversation_id,
            worker=self.phone,
            now=self.clock.now(),
            lease=self.lease,
            guidance=lambda _: self.guidance,
        )
        if not isinstance(claim, Claim):
            raise ThreadBrokenError("the customer's message was not the assistant's to answer")
        return claim
