"""A chat model's opinion where the screen is unsure, and the rules outside of it for what it may change.

Nothing that it says can undo a strong sign or send a customer away whom the screen nearly trusts. Without an answer in
time the screen's own verdict stands.
"""

import asyncio
from typing import Any, NamedTuple

from agent.authority import INJECTION
from agent.screening.circumstances import ANSWERED_BEFORE, FORWARDED_OFTEN, UNASKED_PROGRAM, circumstances, is_flood
from sahut.errors import ModelFailed
from sahut.ports import Judge
from sahut.turn import Label, Opinion, Screening, Turn, Usage

LONGEST_S = 4.0
# Words that may be meant for the model itself are not shown to it.
MOST_INJECTION = INJECTION / 2
# Of the threshold from which the screen itself says spam. Below, a model's word sends nobody into the spam lane.
RAISED_FROM = 0.8
TAKEN_FOR: dict[Label, str] = {
    "fine": "the chat model takes it for genuine",
    "spam": "the chat model takes it for spam",
}


class Look(NamedTuple):
    """The screening after the look, and what it took."""

    screening: Screening
    usage: Usage = Usage()
    exchanges: tuple[dict[str, Any], ...] = ()


async def second_look(judge: Judge | None, turn: Turn, screening: Screening) -> Look:
    """Ask where it is worth it, within `LONGEST_S`. Raises nothing of the model's."""
    if judge is None or not is_worth_it(turn, screening):
        return Look(screening)
    try:
        async with asyncio.timeout(LONGEST_S):
            opinion, usage = await judge.judge(turn)
    except (ModelFailed, TimeoutError) as error:
        trouble = error.trouble if isinstance(error, ModelFailed) else "slow"
        seen = {"kind": "second_look", "error": type(error).__name__, "trouble": trouble}
        return Look(screening, exchanges=(seen,))
    looked = revised(turn, screening, opinion)
    exchange = {"kind": "second_look", "opinion": opinion, "label": looked.verdict.label}
    return Look(looked, usage, (exchange,))


def is_worth_it(turn: Turn, screening: Screening) -> bool:
    """Whether the screen is unsure of words that a model may be shown and nobody has vouched for."""
    unsure = screening.verdict.label == "unsure" and screening.injection < MOST_INJECTION
    return unsure and not turn.cleared and not is_flood(turn)


def revised(turn: Turn, screening: Screening, opinion: Opinion) -> Screening:
    """The screening with what the opinion may change of it. Pure."""
    around, verdict = circumstances(turn), screening.verdict
    label: Label = verdict.label
    if opinion == "genuine" and not {FORWARDED_OFTEN, UNASKED_PROGRAM} & set(around):
        label = "fine"
    elif opinion == "spam" and verdict.score >= RAISED_FROM * turn.guidance.spam_threshold:
        label = "unsure" if ANSWERED_BEFORE in around else "spam"
    if label == verdict.label:
        return screening
    reasons = (TAKEN_FOR[label], *verdict.reasons)
    return screening.model_copy(update={"verdict": verdict.model_copy(update={"label": label, "reasons": reasons})})
