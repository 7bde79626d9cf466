"""What stands around a message and weighs for or against it: forwarding, files, floods, who writes. Pure.

Reads the turn alone; the words are the screen's affair (`agent.screening.screen`).
"""

import re
from collections.abc import Iterable

from agent.screening.signals import Signal
from sahut.turn import Turn

# So many messages in one burst are no conversation: they get one turn, without the chat model and without effects.
FLOOD = 20

FORWARDED = Signal("forwarded", 0.5, "was forwarded")
FORWARDED_OFTEN = Signal("forwarded_often", 1.5, "was forwarded many times")
UNASKED_FILE = Signal("unasked_file", 0.6, "came with a file that nobody had asked for")
UNASKED_PROGRAM = Signal("unasked_program", 2.5, "came with a program")
ANSWERED_BEFORE = Signal("answered_before", -1.5, "")

_PROGRAM = re.compile(r"\.(apk|xapk|exe|scr|bat|cmd|js|vbs|jar|msi)\s*$", re.IGNORECASE)


def circumstances(turn: Turn) -> tuple[Signal, ...]:
    """The signals of a turn, weights in log-odds of spam."""
    return tuple(_noticed(turn))


def is_flood(turn: Turn) -> bool:
    """Whether so much came at once that it is answered once, cheaply, and shown to operators."""
    return len(turn.burst) >= FLOOD


def _noticed(turn: Turn) -> Iterable[Signal]:
    told = {message.forwarded for message in turn.burst}
    if "often" in told:
        yield FORWARDED_OFTEN
    elif "once" in told:
        yield FORWARDED
    if any(_PROGRAM.search(message.filename) for message in turn.burst):
        yield UNASKED_PROGRAM
    elif not turn.history and any(message.kind == "document" for message in turn.burst):
        yield UNASKED_FILE
    # A colleague has answered here: whoever only ever met the assistant is not known by that.
    if any(line.author == "operator" for line in turn.history):
        yield ANSWERED_BEFORE
