"""Whether our numbers may send: shown, ended by a person, or by a token that works again. Knows no message.

A number is paused by the sender when Meta says that the account is at fault, and then nothing is posted from it. Asking
for its record costs nothing there, so a token that was mended is noticed without burning a message.
"""

from dataclasses import dataclass, field

import structlog

from api.house import House
from api.metrics import Metrics
from api.sending.account import AccountChannel
from api.whatsapp.policy import policy_for
from sahut.errors import SendError
from sahut.models import PhoneNumber
from sahut.ports import Clock
from sahut.rules import Actor
from sahut.store import Store, numbers, outbox

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 15.0


async def resume(store: Store, clock: Clock, number: str, *, actor: Actor | None = None) -> None:
    """Let a number send again: what waits leaves in its order. Without an actor nobody in particular did it."""
    async with store.transaction() as tx:
        if actor is None:
            await numbers.resume(tx, number, now=clock.now())
        else:
            await numbers.resume_by(tx, actor, number, now=clock.now())
    # Apart from it: a sender locks its messages first and their number last.
    async with store.transaction() as tx:
        await outbox.look_now(tx, number, now=clock.now())


async def numbers_of(house: House) -> list[tuple[PhoneNumber, int]]:
    """Our numbers, and how many messages want to leave from each.

    The number of the settings has its row from its first message on; whoever asks earlier makes it.
    """
    async with house.store.reading() as tx:
        rows, waiting = await numbers.known(tx), await numbers.waiting(tx)
    default = house.settings.whatsapp_phone_number_id
    if default and default not in {row.number for row in rows}:
        async with house.store.transaction() as tx:
            await numbers.note(tx, default, now=house.clock.now())
            rows = await numbers.known(tx)
    return [(row, waiting.get(row.number, 0)) for row in rows]


def waits_for_token(row: PhoneNumber) -> bool:
    """Whether a number rests until its token is mended."""
    return row.paused_at is not None and row.paused_code is not None and policy_for(row.paused_code).action == "token"


@dataclass(frozen=True)
class Standing:
    """Looks after paused numbers in a worker's process."""

    store: Store
    channel: AccountChannel
    clock: Clock
    metrics: Metrics
    _shown: set[str] = field(default_factory=set)

    async def run(self) -> None:
        """Look again and again."""
        while True:
            await self.look()
            await self.clock.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Show which numbers are paused, and resume those whose token works again."""
        async with self.store.reading() as tx:
            found = await numbers.known(tx)
        self._show_only({row.number for row in found})
        for row in found:
            self.metrics.paused.labels(row.number).set(row.paused_at is not None)
            if waits_for_token(row) and await self._answers(row.number):
                await resume(self.store, self.clock, row.number)
                self.metrics.paused.labels(row.number).set(0)
                log.warning("a number's token works again, it sends on", number=row.number)

    def _show_only(self, ours: set[str]) -> None:
        """A number that was removed while it was paused is nothing to be alarmed about any more."""
        for number in self._shown - ours:
            self.metrics.paused.remove(number)
        self._shown.clear()
        self._shown.update(ours)

    async def _answers(self, number: str) -> bool:
        try:
            await self.channel.number_status(number)
        except SendError as error:
            log.warning("a paused number's token does not work yet", number=number, error=str(error))
            return False
        return True
