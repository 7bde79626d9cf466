"""What happens in one schedule, drawn from its seed: who writes what and when, what operators do, what breaks.

Pure: nothing here runs anything.
"""

import random
from dataclasses import dataclass, replace

# From here on a customer's index is that of whoever gets the phone number of the one so far before them.
HEIR = 100
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
    kind: str = "text"


@dataclass(frozen=True)
class Acts:
    """An operator does something in a conversation."""

    at: float
    customer: int
    action: str


@dataclass(frozen=True)
class Echoes:
    """A colleague answers from the phone app. `late_s`: how long Meta holds the webhook back."""

    at: float
    customer: int
    late_s: float
    copies: int


@dataclass(frozen=True)
class Renames:
    """WhatsApp calls a customer otherwise: another `number`, another `user_id`, or it `hides` or `shows` the number.

    `told`: by a system message, the event of its own, or both.
    """

    at: float
    customer: int
    what: str
    told: str
    late_s: float
    copies: int


@dataclass(frozen=True)
class StandsBy:
    """Our copy of a message to another owner of the thread; `answer`: of what that one answered."""

    at: float
    customer: int
    token: str
    answer: bool
    late_s: float
    copies: int


@dataclass(frozen=True)
class Passes:
    """The thread with a customer passes to another owner, or to us."""

    at: float
    customer: int
    ours: bool
    late_s: float
    copies: int


Event = Says | Acts | Echoes | Renames | StandsBy | Passes


@dataclass(frozen=True)
class Plot:
    """One schedule. Probabilities are per send (`lost`, `refused`, `down`), per wake-up or per step (`crash`).

    `late_failures` are told after Meta had taken a message; `media` is how often a file cannot be fetched or heard.
    `any_code`: refusals are drawn from the whole table. `named` are the customers whose user id is told.
    """

    seed: int
    events: tuple[Event, ...]
    lost: float
    refused: float
    down: float
    lost_wake: float
    crash: float
    burst_wait_ms: int
    late_failures: float
    media: float
    any_code: bool
    named: frozenset[int]

    @property
    def standby_tokens(self) -> list[str]:
        return [event.token for event in self.events if isinstance(event, StandsBy)]


def draw(seed: int) -> Plot:
    """The plot of a seed, always the same."""
    luck = random.Random(seed)
    customers = luck.randint(1, 3)
    calm = luck.random() < 0.2
    events: list[Event] = []
    for customer in range(customers):
        conversation = _conversation(luck, customer)
        events += [*conversation, *_at_the_border(seed, conversation), *_at_the_warning(seed, conversation)]
    if luck.random() < 0.5:
        events += [
            Acts(luck.uniform(0, 90), luck.randrange(customers), action)
            for action in luck.choices(("takeover", "write", "return", "resolve", "claim"), k=luck.randint(1, 4))
        ]
    events += _from_the_phone(seed, customers)
    wire = random.Random(f"{seed} wire")
    events = _with_files(wire, events)
    events += _renames(wire, customers) + _on_standby(wire, customers)
    return Plot(
        seed=seed,
        events=tuple(sorted(events, key=lambda event: event.at)),
        lost=0 if calm else luck.choice((0, 0.15, 0.3)),
        refused=0 if calm else luck.choice((0, 0.1, 0.2)),
        down=0 if calm else luck.choice((0, 0.1)),
        lost_wake=0 if calm else luck.choice((0, 0.3, 1)),
        crash=0 if calm else luck.choice((0, 0.01, 0.03)),
        burst_wait_ms=luck.choice((0, 0, 1500)),
        late_failures=0 if calm else wire.choice((0, 0, 0.1, 0.3)),
        media=wire.choice((0, 0.2, 0.5)),
        any_code=wire.random() < 0.5,
        named=frozenset(customer for customer in range(customers) if wire.random() < 0.5),
    )


def _with_files(luck: random.Random, events: list[Event]) -> list[Event]:
    """In some schedules part of the words are spoken, or stand under a picture."""
    if luck.random() > 0.4:
        return events
    kinds = ("text", "audio", "audio", "image", "broken")
    return [replace(event, kind=luck.choice(kinds)) if isinstance(event, Says) else event for event in events]


def _renames(luck: random.Random, customers: int) -> list[Event]:
    """In some schedules a customer is called otherwise, and somebody else may get their old number and write."""
    if luck.random() > 0.35:
        return []
    customer, events = luck.randrange(customers), list[Event]()
    for _ in range(luck.choice((1, 1, 2, 3))):
        what = luck.choice(("number", "number", "user_id", "hides", "shows"))
        at, late_s = luck.uniform(0, 60), luck.choice((0, 0, 2, 30))
        told = luck.choice(("system", "field", "both"))
        events.append(Renames(at, customer, what, told, late_s, copies=luck.choice((1, 1, 2))))
        if what == "number" and luck.random() < 0.4:
            heir = HEIR + customer
            events.append(Says(at + luck.uniform(1, 60), heir, f"#{heir}.{len(events)}", "question", 0, 1, False))
    return events


def _on_standby(luck: random.Random, customers: int) -> list[Event]:
    """In some schedules another owner takes the thread, and passes it back or not."""
    if luck.random() > 0.35:
        return []
    customer, at, events = luck.randrange(customers), luck.uniform(0, 40), list[Event]()
    lateness = (0, 0, 1, 20)
    if luck.random() < 0.7:
        events.append(Passes(at, customer, ours=False, late_s=luck.choice(lateness), copies=luck.choice((1, 2))))
    for number in range(luck.randint(1, 4)):
        at += luck.uniform(0, 15)
        token = f"~{customer}.{number}"
        answer, late_s = luck.random() < 0.4, luck.choice(lateness)
        events.append(StandsBy(at, customer, token, answer, late_s, copies=luck.choice((1, 1, 2))))
    if luck.random() < 0.5:
        at += luck.uniform(0, 15)
        events.append(Passes(at, customer, ours=True, late_s=luck.choice(lateness), copies=luck.choice((1, 2))))
    return events


def _from_the_phone(seed: int, customers: int) -> list[Echoes]:
    """In some schedules a colleague answers from the phone app. Another luck again, so that the rest stays as drawn."""
    luck = random.Random(f"{seed} phone")
    if luck.random() > 0.3:
        return []
    customer, late_s = luck.randrange(customers), luck.choice((0, 0, 1, 5))
    return [Echoes(at=luck.uniform(5, 60), customer=customer, late_s=late_s, copies=luck.choice((1, 1, 2)))]


def _at_the_border(seed: int, conversation: list[Says]) -> list[Says]:
    """Some write again just when their session is closed. The luck is another one, so that the rest stays as drawn."""
    last = max(conversation, key=lambda said: said.at - said.late_s)
    luck = random.Random(f"{seed} {last.token}")
    if luck.random() > 0.8:
        return []
    at = last.at - last.late_s + 23 * 3600 + luck.choice((0, 0.25, 0.5, 0.75, 1, 2))
    token, words = f"#{last.customer}.{len(conversation)}", luck.choice(WORDS)
    again = Says(at=at, customer=last.customer, token=token, words=words, late_s=0, copies=1, batched=False)
    return [again] if at > max(said.at for said in conversation) else []


def _at_the_warning(seed: int, conversation: list[Says]) -> list[Acts]:
    """Some operators act just when they are warned that a window ends. The luck is another one again."""
    last = max(conversation, key=lambda said: said.at - said.late_s)
    luck = random.Random(f"{seed} {last.token} warning")
    at = last.at - last.late_s + 22 * 3600 + luck.uniform(0, 3)
    if luck.random() > 0.8 or at < last.at:
        return []
    return [Acts(at, last.customer, luck.choice(("resolve", "resolve", "return", "claim", "write")))]


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
