"""What happens in one schedule, drawn from its seed: who writes what and when, what operators do, what breaks.

Pure: nothing here runs anything.
"""

import random
from dataclasses import dataclass

WORDS = ("question", "question", "question", "human", "ticket", "yes", "yes", "fail")


@dataclass(frozen=True)
class Says:
    """A customer writes. `late_s`: how long Meta holds the webhook back; `copies`: how often it brings it."""

    at: float
    customer: int
    token: str
    words: str
    late_s: float
    copies: int
    batched: bool


@dataclass(frozen=True)
class Acts:
    """An operator does something in a conversation."""

    at: float
    customer: int
    action: str


@dataclass(frozen=True)
class Plot:
    """One schedule. Probabilities are per send (`lost`, `refused`, `down`), per wake-up or per step (`crash`)."""

    seed: int
    events: tuple[Says | Acts, ...]
    lost: float
    refused: float
    down: float
    lost_wake: float
    crash: float
    burst_wait_ms: int


def draw(seed: int) -> Plot:
    """The plot of a seed, always the same."""
    luck = random.Random(seed)
    customers = luck.randint(1, 3)
    calm = luck.random() < 0.2
    events: list[Says | Acts] = []
    for customer in range(customers):
        events += _conversation(luck, customer)
    if luck.random() < 0.5:
        events += [
            Acts(luck.uniform(0, 90), luck.randrange(customers), action)
            for action in luck.choices(("takeover", "write", "return", "resolve", "claim"), k=luck.randint(1, 4))
        ]
    return Plot(
        seed=seed,
        events=tuple(sorted(events, key=lambda event: event.at)),
        lost=0 if calm else luck.choice((0, 0.15, 0.3)),
        refused=0 if calm else luck.choice((0, 0.1, 0.2)),
        down=0 if calm else luck.choice((0, 0.1)),
        lost_wake=0 if calm else luck.choice((0, 0.3, 1)),
        crash=0 if calm else luck.choice((0, 0.01, 0.03)),
        burst_wait_ms=luck.choice((0, 0, 1500)),
    )


def _conversation(luck: random.Random, customer: int) -> list[Says]:
    at, says = luck.uniform(0, 5), []
    nearly_closed = luck.random() < 0.15
    for number in range(luck.randint(1, 5)):
        at += luck.choice((0, 0.1, 0.5, 2, 20))
        held = luck.choice((0, 0, 0.2, 3))
        says.append(
            Says(
                at=at,
                customer=customer,
                token=f"#{customer}.{number}",
                words=luck.choice(WORDS),
                # A webhook that Meta held back for a day: the window ends while we answer.
                late_s=24 * 3600 - luck.uniform(0, 120) if nearly_closed else held,
                copies=luck.choice((1, 1, 1, 2, 3)),
                batched=luck.random() < 0.3,
            )
        )
    return says
