"""The pace of sending, pure: how close together messages may leave, for one customer and for one of our numbers.

Source: Meta's page on limits and throughput. One message in 6 s to one customer, up to 45 within 6 s on credit that is
then sat out; 80 messages a second for a number. Nothing here reads a clock or a table.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

PAIR_GAP = timedelta(seconds=6)
PAIR_BURST = 45
# Meta counts when a message arrives, we when it leaves. So our burst ends early (`HORIZON` is still to pass before a
# message leaves), and a debt is sat out a little longer than it lasts.
PAIR_ROUND = timedelta(seconds=3)
PAIR_SPARE = timedelta(milliseconds=250)

MESSAGES_PER_S = 80.0
# Of the allowed rate; the rest is for messages that leave or travel faster than the one before them.
SHARE = 0.96
# How long after its moment a message may still leave: half of that rest, the other half is the journey's.
LATE = timedelta(seconds=(1 - SHARE) / 2)
# So far ahead a message may be given its moment: then it is on its way, and nothing that comes later overtakes it.
HORIZON = timedelta(seconds=2)
# What nobody waits for is let in less far, so that whatever somebody waits for goes before it.
BULK_HORIZON = timedelta(seconds=1.25)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Pair:
    """How much one customer was sent on credit: `burst` messages since `began_at`."""

    began_at: datetime | None = None
    burst: int = 0

    def free_at(self, now: datetime) -> datetime:
        """The earliest moment, `now` or later, at which one more may leave."""
        if self.began_at is None or (now < self.began_at + PAIR_ROUND and self.burst < PAIR_BURST):
            return now
        return max(now, self.began_at + self.burst * PAIR_GAP + PAIR_SPARE)

    def after(self, at: datetime) -> "Pair":
        """The same once a message has left at a moment that `free_at` allows."""
        if self.began_at is None or at >= self.began_at + self.burst * PAIR_GAP + PAIR_SPARE:
            return Pair(at, 1)
        return Pair(self.began_at, self.burst + 1)

    def without_last(self) -> "Pair":
        """The same where the last message has not left after all."""
        return Pair(self.began_at, self.burst - 1) if self.burst > 1 else Pair()


@dataclass(frozen=True)
class Rate:
    """The pace of a number: `messages_per_s` is what Meta allows."""

    messages_per_s: float = MESSAGES_PER_S

    @property
    def step_us(self) -> int:
        """Microseconds between two messages."""
        return round(1_000_000 / (SHARE * self.messages_per_s))

    @property
    def credit_us(self) -> int:
        """How far a rested number may be behind: a small burst leaves at once, and no second holds too many."""
        return (max(1, int(self.messages_per_s / 40)) - 1) * self.step_us


def microseconds(moment: datetime) -> int:
    """A moment as microseconds since 1970, for arithmetic in the database."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def moment_of(us: int) -> datetime:
    """The moment of `microseconds`."""
    return _EPOCH + timedelta(microseconds=us)
