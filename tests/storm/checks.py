"""What must hold after every schedule. Each check yields a sentence for each thing that is wrong."""

from collections import Counter
from collections.abc import Iterator

from sahut.models import (
    OPEN_HANDOFF,
    Author,
    ConfirmationState,
    FillingState,
    Message,
    Purpose,
    State,
)
from tests.storm import wire_checks
from tests.storm.cast import tokens_of
from tests.storm.house import WARNING_BEFORE
from tests.storm.play import Play
from tests.storm.plot import Says
from tests.storm.scene import Scene

TAKEN = (State.SENT, State.DELIVERED, State.READ)


async def violations(play: Play) -> list[str]:
    """Everything that is wrong after a play; empty is well."""
    scene = await Scene(play).load(play.store)
    checks = (
        _nothing_lost,
        _one_reply,
        _none_after_takeover,
        _window_kept,
        _effects_once,
        _forms_sent_once,
        _acknowledged,
        _closed_once,
        _warned_once,
        _in_order,
        *wire_checks.CHECKS,
    )
    return [f"{check.__name__.lstrip('_')}: {sentence}" for check in checks for sentence in check(scene)]


def _nothing_lost(scene: Scene) -> Iterator[str]:
    """Every message of a customer is one row, taken up; no send is left open."""
    said = [event.token for event in scene.play.plot.events if isinstance(event, Says)]
    rows = Counter(scene.said(row).token for row in scene.inbound)
    for token in said:
        if rows[token] != 1:
            yield f"{token} is stored {rows[token]} times"
    for row in scene.inbound:
        if row.done_at is None:
            yield f"{scene.said(row).token} was never taken up"
    for row in scene.outbound:
        if row.state in (State.QUEUED, State.SENDING, State.UNKNOWN):
            yield f"{row.text!r} is still {row.state}"


def _one_reply(scene: Scene) -> Iterator[str]:
    """A message is answered by one reply that arrives once, or a human knows of it."""
    for row in scene.inbound:
        token = scene.said(row).token
        answers = [out for out in scene.outbound if token in tokens_of(out) and out.author == Author.ASSISTANT]
        if len(answers) > 1:
            yield f"{token} has {len(answers)} replies"
        for answer in answers:
            came = scene.arrived[answer.callback_id or ""]
            if answer.state in TAKEN and came != 1:
                yield f"the reply to {token} arrived {came} times"
            if answer.state not in TAKEN and not (_human_knows(scene, row.conversation_id) or _passed_on(scene, row)):
                yield f"the reply to {token} is {answer.state} and no human knows"
        if not answers and not _human_knows(scene, row.conversation_id) and not _passed_on(scene, row):
            yield f"{token} has no reply and no human knows"
    for callback, came in scene.arrived.items():
        if came > 1:
            yield f"{callback} arrived {came} times"


def _human_knows(scene: Scene, conversation_id: str) -> bool:
    asked = any(row.conversation_id == conversation_id for row in scene.handoffs)
    return asked or conversation_id in scene.touched


def _passed_on(scene: Scene, row: Message) -> bool:
    """Whether another owner had the thread when the message was stored, or after it: it is theirs to answer."""
    stored = scene.play.stored.get(row.wamid or "", 0)
    spans = scene.play.watch.standby
    return any(key == row.conversation_id and (end is None or end >= stored) for key, _, end in spans)


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
    asked |= {row.id for row in scene.fillings}
    for key, times in opened.items():
        if times != 1 or key not in asked:
            yield f"call {key[-4:]} opened {times} tickets"


def _forms_sent_once(scene: Scene) -> Iterator[str]:
    """A customer who was told that a form was sent has one submission and one ticket of it, and nobody else has."""
    told = Counter(row.text.split()[1] for row in scene.outbound if row.text.startswith("sent "))
    sent = Counter(row.reference for row in scene.submissions)
    ended = Counter(row.reference for row in scene.fillings if row.state == FillingState.SUBMITTED)
    opened = Counter(row.reference for row in scene.tickets if row.reference.startswith("F-"))
    if not told == sent == ended == opened:
        yield f"told {dict(told)}, submissions {dict(sent)}, fillings {dict(ended)}, tickets {dict(opened)}"
    open_ones = Counter(row.conversation_id for row in scene.fillings if row.state == FillingState.OPEN)
    if any(times > 1 for times in open_ones.values()):
        yield "two forms are open in one conversation"


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


def _closed_once(scene: Scene) -> Iterator[str]:
    """After a closing message that arrived none leaves before the customer writes, nor once the customer has."""
    claimed = dict(reversed(scene.play.channel.claimed))
    for row in scene.outbound:
        if row.purpose != Purpose.CLOSING or row.callback_id not in claimed:
            continue
        mine = [said for said in scene.inbound if said.conversation_id == row.conversation_id]
        before = [
            other.id
            for other in scene.outbound
            if other.purpose == Purpose.CLOSING
            and other.conversation_id == row.conversation_id
            and scene.arrived[other.callback_id]
            and other.id < row.id
        ]
        if before and not any(max(before) < said.id < row.id for said in mine):
            yield f"{row.conversation_id[-4:]} was closed twice in one session"
        for said in mine:
            stored = scene.play.stored.get(said.wamid or "")
            if said.id > row.id and stored is not None and stored < claimed[row.callback_id]:
                yield f"{row.text!r} left though {said.text} had come"


def _warned_once(scene: Scene) -> Iterator[str]:
    """Operators are told once of a window, shortly before its end, while a human is waited for in it."""
    told = list(scene.play.watch.warned.values())
    for (thread, closes_at), times in Counter((one.thread, one.closes_at) for one in told).items():
        if times > 1:
            yield f"of the window of {thread[-4:]} until {closes_at} was told {times} times"
    for one in told:
        if not one.waited:
            yield f"of the window of {one.thread[-4:]} was told at {one.at}, and nobody waited for a human in it"
        if one.closes_at - one.at > WARNING_BEFORE:
            yield f"of the window of {one.thread[-4:]} was told at {one.at}, long before its end"


def _in_order(scene: Scene) -> Iterator[str]:
    """Within a conversation messages arrive in the order in which they were queued."""
    place = {row.callback_id: (row.conversation_id, row.id) for row in scene.outbound}
    last: dict[str, str] = {}
    for sent in scene.play.double.sent:
        conversation_id, message_id = place[sent.callback]
        if message_id < last.get(conversation_id, ""):
            yield f"{sent.text!r} overtook an older message"
        last[conversation_id] = message_id
