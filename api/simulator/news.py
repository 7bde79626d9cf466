"""What happens at the double, as values for those who watch it; knows nobody who watches."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from api.simulator.customers import Customer, Sent
from api.simulator.shapes import Json


@dataclass(frozen=True)
class Joined:
    """A customer that the double did not know before."""

    customer: Customer


@dataclass(frozen=True)
class Wrote:
    """A customer wrote a message; nobody has been told yet."""

    person: str
    message: Json
    at: datetime


@dataclass(frozen=True)
class Took:
    """The double took a message for `person`; it may have failed by the rules (`sent.status`)."""

    person: str
    sent: Sent


@dataclass(frozen=True)
class Marked:
    """The service read a customer's message and all before it."""

    person: str
    wamid: str
    typing: bool
    at: datetime


@dataclass(frozen=True)
class Posted:
    """A webhook was posted; `status` is the service's answer, 0 for none."""

    payload: Any
    status: int


@dataclass(frozen=True)
class Asked:
    """The service called the Graph API with `body`. `fault` names what was made to fail, "" for nothing."""

    body: Json
    status: int
    code: int | None = None
    fault: str = ""


News = Joined | Wrote | Took | Marked | Posted | Asked
Watch = Callable[[News], None]
