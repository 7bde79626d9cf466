"""What a turn's calls stand on: the screening, the customer's identity, what was called, and what was agreed to.

No draft, document or customer can raise it. Decides nothing: the rules are in `sahut.authority`.
"""

from agent.state import State
from sahut.authority import Doubt, Grant, Ground
from sahut.toolcall import Confirmation

INJECTION = 0.5


def may_write(state: State) -> bool:
    """Whether this turn may have an effect: the message is beyond doubt."""
    return doubt_of(state) == "none"


def is_subverted(state: State) -> bool:
    """Whether the message gives orders to the assistant instead of asking it something."""
    return state["screening"].injection >= INJECTION


def doubt_of(state: State) -> Doubt:
    """What makes the message doubtful."""
    if is_subverted(state):
        return "subverted"
    return "none" if state["screening"].verdict.label == "fine" else "unsure"


def ground_of(state: State, called: int) -> Ground:
    """What a call stands on that comes after `called` calls of the same tool in this turn."""
    turn = state["turn"]
    return Ground(doubt=doubt_of(state), identity=turn.identity, busy=turn.filling is not None, in_turn=called)


def grant_of(waiting: Confirmation) -> Grant:
    """The yes to the question that waited. Whoever was asked: what comes in a turn is a customer's."""
    return Grant(waiting.id, "customer", waiting.digest)
