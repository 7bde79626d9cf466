"""What the model is given: the question, the passages, and the tools that this turn may use. It calls no model."""

from agent.authority import is_subverted, may_write
from agent.files import with_files
from agent.state import Deps, Offers, State
from sahut.brief import Brief
from sahut.store import forms, media
from sahut.toolcall import ToolCard
from tools import forms as form_tool

MOST_ROUNDS = 4


async def offers_of(state: State, deps: Deps) -> Offers:
    """What may be begun and sent, read once in a turn: no form beside another one, or where the message is doubtful."""
    if "offers" in state:
        return state["offers"]
    begins = may_write(state) and state["turn"].filling is None
    within = state["turn"].guidance.answers_from
    async with deps.store.reading() as tx:
        return Offers(await forms.offered(tx) if begins else (), tuple(await media.present(tx, collections=within)))


async def brief_of(state: State, deps: Deps, offers: Offers) -> Brief:
    """The brief. What the customer agreed to is told by the preface, not by the model."""
    turn, found = state["turn"], state["found"]
    agreed = {waiting.id for waiting in (turn.confirmation, turn.filling) if waiting}
    brief = Brief(
        turn=turn,
        question=state["question"],
        language=state["language"],
        passages=found.passages,
        answerable=found.answerable,
        parts=state.get("parts", ()),
        beside=() if "asking" in state else state.get("beside", ()),
        tools=_cards(state, deps, offers) if state.get("rounds", 0) < MOST_ROUNDS else (),
        done=tuple(call for call in state.get("calls", ()) if call.key not in agreed),
    )
    return await with_files(brief, offers.files, deps.embedder)


def _cards(state: State, deps: Deps, offers: Offers) -> tuple[ToolCard, ...]:
    """The tools that this turn may use: none under an injection, no writes in doubt or in the middle of a form.

    Where the customer is to be asked about one, no other one may be begun.
    """
    if is_subverted(state):
        return ()
    writes = may_write(state) and state["turn"].filling is None and "asking" not in state
    cards = tuple(card for card in deps.toolbox.cards if card.effect == "read" or writes)
    form = form_tool.card(offers.editions) if "asking" not in state else None
    return (*cards, form) if form else cards
