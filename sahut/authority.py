"""Whether a tool may be called, pure: what the tool declares, what the turn stands on, and who has agreed to what.

No text of a customer, a document, a tool or a model is an argument of these rules, so none can raise authority. Must
not know a tool, a database or a channel.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any, Literal, get_args

Effect = Literal["read", "write", "irreversible"]
# How sure it is who the customer is, the least first: nothing is, they write from their known number, they filled a
# form that identifies them, they gave a one-time code that your own system checked, an operator has made sure.
Identity = Literal["anyone", "number", "form", "code", "operator"]
Party = Literal["customer", "operator"]
Confirms = Literal["nobody", "customer", "operator"]
# What makes a turn's message doubtful: the screen's verdict, or orders to the assistant in it.
Doubt = Literal["none", "unsure", "subverted"]
Denial = Literal["subverted", "doubtful", "busy", "identity", "per_turn", "per_day", "altered"]

LEVELS: tuple[Identity, ...] = get_args(Identity)
DAY = timedelta(days=1)
# How long a proof of identity holds, and the longest that may be asked for.
PROOF_LIFE = timedelta(days=1)
LONGEST_PROOF_LIFE = timedelta(days=30)


@dataclass(frozen=True)
class Authority:
    """What a tool declares. Left out, all of it is the strictest: it cannot be undone and an operator must agree.

    `per_turn` and `per_day` are the most calls in one turn, and with one contact in 24 hours (`None`: no limit).
    """

    effect: Effect = "irreversible"
    confirms: Confirms = "operator"
    identity: Identity = "number"
    per_turn: int = 1
    per_day: int | None = 3

    @property
    def acts(self) -> bool:
        """Whether it changes anything."""
        return self.effect != "read"


# What is meant where a tool declares its effect and nothing else.
READ = Authority("read", "nobody", per_turn=4, per_day=100)
WRITE = Authority("write", "customer", per_turn=1, per_day=10)
IRREVERSIBLE = Authority()
BY_EFFECT: dict[Effect, Authority] = {"read": READ, "write": WRITE, "irreversible": IRREVERSIBLE}


@dataclass(frozen=True)
class Ground:
    """What a call stands on, found by rules beside the draft. `busy`: the customer is in the middle of a form.

    `in_turn` and `today` count earlier calls of the tool in this turn, and with this contact within 24 hours.
    """

    doubt: Doubt
    identity: Identity = "number"
    busy: bool = False
    in_turn: int = 0
    today: int = 0


@dataclass(frozen=True)
class Grant:
    """A yes to one call as it was shown. `id` keys the one effect it may have, `digest` is of the call shown."""

    id: str
    by: Party
    digest: str


@dataclass(frozen=True)
class Act:
    """Go."""


@dataclass(frozen=True)
class Ask:
    """Somebody must agree first."""

    whom: Party


@dataclass(frozen=True)
class Deny:
    """No, for this reason."""

    why: Denial


Ruling = Act | Ask | Deny


def rule(declared: Authority, ground: Ground, *, digest: str, grant: Grant | None = None) -> Ruling:
    """Whether a call with this digest may happen.

    An operator's yes answers for the message and for who the customer is; it never lifts a limit, and never covers
    other arguments than those that were shown. A customer's yes is as good as the message that brings it.
    """
    if grant is not None and grant.digest != digest:
        return Deny("altered")
    denied = _limits(declared, ground) or _doubts(declared, ground, grant)
    if denied is not None:
        return Deny(denied)
    if declared.confirms == "nobody" or (grant is not None and grant.by == declared.confirms):
        return Act()
    return Ask(declared.confirms)


def _limits(declared: Authority, ground: Ground) -> Denial | None:
    if ground.in_turn >= declared.per_turn:
        return "per_turn"
    return "per_day" if declared.per_day is not None and ground.today >= declared.per_day else None


def _doubts(declared: Authority, ground: Ground, grant: Grant | None) -> Denial | None:
    if grant is not None and grant.by == "operator":
        return None
    if ground.doubt == "subverted":
        return "subverted"
    if declared.acts and ground.doubt != "none":
        return "doubtful"
    if declared.acts and ground.busy and grant is None:
        return "busy"
    # Where an operator must agree, who the customer is is theirs to judge.
    if declared.confirms != "operator" and not reaches(ground.identity, declared.identity):
        return "identity"
    return None


def reaches(known: Identity, needed: Identity) -> bool:
    """Whether what is known of a customer is enough."""
    return LEVELS.index(known) >= LEVELS.index(needed)


def digest_of(tool: str, arguments: Mapping[str, Any]) -> str:
    """The SHA-256 of a call in canonical JSON: the same after a way through any of the databases.

    Raises `ValueError` for what JSON cannot hold (NaN, infinities).
    """
    words = json.dumps([tool, _plain(arguments)], sort_keys=True, separators=(",", ":"), allow_nan=False)
    return sha256(words.encode()).hexdigest()


def _plain(value: Any) -> Any:
    """Whole floats as integers, since databases do not keep "1.0" apart from "1"."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
