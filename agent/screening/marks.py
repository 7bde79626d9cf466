"""The installation's own layer of the screen: how much a message resembles what operators marked. Changes nothing.

Bounded on purpose. One mark against a customer hardly moves anything, and all of them together never turn a message
that looks genuine into spam; a mark for a customer weighs more and reaches further.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from agent.screening.signals import Signal
from sahut.ports import Vectors
from sahut.store import Store, marks

# Cosines of the bundled embedder from which two messages resemble each other, and at which they are as good as one.
ALIKE_FROM, THE_SAME_FROM = 0.6, 0.9
# Log-odds that one mark and all marks may add or take.
SPAM_EACH, SPAM_MOST = 0.6, 1.5
GENUINE_EACH, GENUINE_MOST = 1.5, 3.0

LIKE_SPAM = "resembles what operators marked as spam"
LIKE_GENUINE = "resembles what operators marked as genuine"


@dataclass(frozen=True)
class Layer:
    """Marked conversations: unit vectors, one row each, and whether each was marked as spam."""

    vectors: Vectors = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    is_spam: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))

    def lean(self, vector: NDArray[np.float32]) -> Signal | None:
        """What the marks say of a message, in log-odds of spam; `None` where it resembles none."""
        if not len(self.is_spam):
            return None
        nearness = np.clip((self.vectors @ vector - ALIKE_FROM) / (THE_SAME_FROM - ALIKE_FROM), 0.0, 1.0)
        against = min(SPAM_MOST, SPAM_EACH * float(nearness[self.is_spam].sum()))
        in_favour = min(GENUINE_MOST, GENUINE_EACH * float(nearness[~self.is_spam].sum()))
        weight = against - in_favour
        if not weight:
            return None
        return Signal("marks", weight, LIKE_SPAM if weight > 0 else LIKE_GENUINE)


class Marks(Protocol):
    """Where the screen finds what operators marked."""

    async def layer(self) -> Layer:
        """The layer as it is now."""
        ...


class StoredMarks:
    """The marks of the store, read again only when they have changed."""

    def __init__(self, store: Store, space: str) -> None:
        self._store = store
        self._space = space
        self._known: tuple[marks.Version, Layer] | None = None

    async def layer(self) -> Layer:
        """The layer as it is now."""
        async with self._store.reading() as tx:
            version = await marks.version(tx, self._space)
            if self._known is not None and self._known[0] == version:
                return self._known[1]
            rows = await marks.read(tx, self._space)
        self._known = (version, _layer(rows))
        return self._known[1]


def _layer(rows: Sequence[tuple[bytes, bool]]) -> Layer:
    if not rows:
        return Layer()
    vectors = np.stack([np.frombuffer(vector, dtype="<f2") for vector, _ in rows]).astype(np.float32)
    return Layer(vectors, np.array([is_spam for _, is_spam in rows]))


def packed(vector: NDArray[np.float32]) -> bytes:
    """A vector as it is kept."""
    return vector.astype("<f2").tobytes()
