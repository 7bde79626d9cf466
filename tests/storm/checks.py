"""What must hold after every schedule. Each check yields a sentence for each thing that is wrong."""

from collections import Counter
from collections.abc import Iterator

from sqlmodel import col, select

from sahut.models import (
    OPEN_HANDOFF,
    AuditEntry,
    Author,
    ConfirmationRow,
    ConfirmationState,
    Conversation,
    Handoff,
    Message,
    Purpose,
    State,
    Ticket,
)
from sahut.store import Store
from tests.storm.cast import tokens_of
from tests.storm.play import Play
from tests.storm.plot import Says

TAKEN = (State.SENT, State.DELIVERED, State.READ)


class Scene:
    """The rows and the double's log at the end of a play."""

    def __init__(self, play: Play) -> None:
        self.play = play
        self.arrived = Counter(sent.callback or "" for sent in play.double.sent)

    async def load(self, store: Store) -> "Scene":
        async with Store.reading(store) as tx:
            self.messages = list((await tx.execute(select(Message).order_by(col(Message.id)))).scalars())
            self.conversations = {row.id: row for row in (await tx.execute(select(Conversation))).scalars()}
            self.handoffs = list((await tx.execute(select(Handoff))).scalars())
            self.tickets = list((await tx.execute(select(Ticket))).scalars())
            self.confirmations = list((await tx.execute(select(ConfirmationRow))).scalars())
            acts = await tx.execute(select(AuditEntry.conversation_id))
            self.touched = {row for row in acts.scalars() if row}
        self.inbound = [row for row in self.messages if row.author == Author.CONTACT]
        self.outbound = [row for row in self.messages if row.author != Author.CONTACT]
        return self


async def violations(play: Play) -> list[str]:
    """Everything that is wrong after a play; empty is well."""
    scene = await Scene(play).load(play.store)
    checks = (
        _nothing_lost,
        _one_reply,
        _none_after_takeover,
        _window_kept,
        _effects_once,
        _acknowledged,
        _in_order,
    )
    return [f"{check.__name__[1:]}: {sentence}" for check in checks for sentence in check(scene)]


def _nothing_lost(scene: Scene) -> Iterator[str]:
    """Every message of a customer is one row, taken up; no send is left open."""
    said = [event.token for event in scene.play.plot.events if isinstance(event, Says)]
    rows = Counter(row.text.split()[0] for row in scene.inbound)
    for token in said:
        if rows[token] != 1:
            yield f"{token} is stored {rows[token]} times"
    for row in scene.inbound:
        if row.done_at is None:
            yield f"{row.text} was never taken up"
    for row in scene.outbound:
        if row.state in (State.QUEUED, State.SENDING, State.UNKNOWN):
            yield f"{row.text!r} is still {row.state}"


def _one_reply(scene: Scene) -> Iterator[str]:
    """A message is answered by one reply that arrives once, or a human knows of it."""
    for row in scene.inbound:
        token = row.text.split()[0]
        answers = [out for out in scene.outbound if token in tokens_of(out) and out.author == Author.ASSISTANT]
        if len(answers) > 1:
            yield f"{token} has {len(answers)} replies"
        for answer in answers:
            came = scene.arrived[answer.callback_id or ""]
            if answer.state in TAKEN and came != 1:
                yield f"the reply to {token} arrived {came} times"
            if answer.state not in TAKEN and not _human_knows(scene, row.conversation_id):
                yield f"the reply to {token} is {answer.state} and no human knows"
        if not answers and not _human_knows(scene, row.conversation_id):
            yield f"{token} has no reply and no human knows"
    for callback, came in scene.arrived.items():
        if came > 1:
            yield f"{callback} arrived {came} times"


def _human_knows(scene: Scene, conversation_id: str) -> bool:
    asked = any(row.conversation_id == conversation_id for row in scene.handoffs)
    return asked or conversation_id in scene.touched


def _none_after_takeover(scene: Scene) -> Iterator[str]:
    """No POST of the assistant was claimed between the commits of a takeover and of its return."""
    by_callback = {row.callback_id: row for row in scene.outbound}
    for callback, step in scene.play.channel.claimed:
        row = by_callback[callback]
        if row.author == Author.OPERATOR:
            continue
        for conversation_id, start, end in scene.play.held:
            if conversation_id == row.conversation_id and start < step < (end or step + 1):
                yield f"{row.text!r} was claimed at step {step}, taken over at {start}"


def _window_kept(scene: Scene) -> Iterator[str]:
    """No free-form message reached Meta outside the window."""
    for sent in scene.play.double.sent:
        if not sent.window_open:
            yield f"{sent.text!r} was sent outside the window"


def _effects_once(scene: Scene) -> Iterator[str]:
    """A confirmed call opened one ticket; no ticket without a question."""
    opened = Counter(ticket.call_key for ticket in scene.tickets)
    asked = {row.id for row in scene.confirmations}
    for row in scene.confirmations:
        if row.state == ConfirmationState.USED and opened[row.id] != 1:
            yield f"confirmation {row.id[-4:]} opened {opened[row.id]} tickets"
    for key, times in opened.items():
        if times != 1 or key not in asked:
            yield f"call {key[-4:]} opened {times} tickets"


def _acknowledged(scene: Scene) -> Iterator[str]:
    """Each request for a human that the assistant made is acknowledged once, unless a human was there first."""
    asked = Counter(row.conversation_id for row in scene.handoffs if row.reason == "asked_for_human")
    for conversation_id, times in asked.items():
        acknowledged = [
            row
            for row in scene.outbound
            if row.conversation_id == conversation_id and row.purpose == Purpose.ACKNOWLEDGEMENT
        ]
        if len(acknowledged) != times:
            yield f"{times} handoffs, {len(acknowledged)} acknowledgements"
    open_ones = Counter(row.conversation_id for row in scene.handoffs if row.state in OPEN_HANDOFF)
    for conversation_id, times in open_ones.items():
        if times > 1:
            yield f"{conversation_id[-4:]} has {times} open handoffs"


def _in_order(scene: Scene) -> Iterator[str]:
    """Within a conversation messages arrive in the order in which they were queued."""
    place = {row.callback_id: (row.conversation_id, row.id) for row in scene.outbound}
    last: dict[str, str] = {}
    for sent in scene.play.double.sent:
        conversation_id, message_id = place[sent.callback]
        if message_id < last.get(conversation_id, ""):
            yield f"{sent.text!r} overtook an older message"
        last[conversation_id] = message_id
