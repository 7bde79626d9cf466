"""The rules, pure: who speaks next, may this be sent, may this be recorded. They take `now` and never ask for it.

Every rule here is a function of plain values, so that it can be read, tested with Hypothesis, and taken out by the
storm test to prove that it is needed. Sources: Meta's customer service window (24 hours from the customer's own
timestamp) and Sahut's contract.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from sahut.models import Holder, Purpose, Role, State, Status

WINDOW = timedelta(hours=24)
BURST_MOST = 5
HANDOFF_DUE = timedelta(minutes=15)
# So long before its end a window comes before every promise in the queue.
LAST_OF_WINDOW = timedelta(hours=1)
# A rating may be followed by a comment for so long, and changed by another tap.
COMMENT_LIFE = timedelta(hours=1)
RATING_CHANGE = timedelta(hours=24)
CONFIRMATION_LIFE = timedelta(hours=24)
# A turn that dies with its worker counts once, since the worker may have died of something else; one that raises counts
# twice. So three exceptions, or six crashes, send a message to a human.
MAX_TURN_ATTEMPTS = 6

# Kinds that ask for no answer: they are stored and shown, and neither start a turn nor drop a draft.
SILENT_KINDS = frozenset({"reaction", "system", "request_welcome", "edit", "revoke", "call"})

Speaker = Literal["assistant", "operator", "nobody"]


@dataclass(frozen=True)
class Window:
    """The customer service window of one number and contact. A pure value."""

    opened_at: datetime | None
    closed_at: datetime | None = None

    @property
    def closes_at(self) -> datetime | None:
        """When free-form messages end; `None` where the customer never wrote. Meta may close it early (131047)."""
        if self.opened_at is None:
            return None
        end = self.opened_at + WINDOW
        closed_early = self.closed_at is not None and self.closed_at >= self.opened_at
        return min(end, self.closed_at) if closed_early and self.closed_at else end

    def is_open(self, now: datetime, margin: timedelta = timedelta(0)) -> bool:
        """Whether a free-form message may be sent, `margin` before the end counting as closed."""
        closes_at = self.closes_at
        return closes_at is not None and now < closes_at - margin


def ends_soon(*, status: str, holder: str, window: Window, now: datetime, margin: timedelta, before: timedelta) -> bool:
    """Whether operators must hear that a window ends: it has less than `before` left, and a human is to answer.

    Once it is closed but for the margin, nothing can be done in it any more.
    """
    waits = status == Status.WAITING or (holder == Holder.OPERATOR and status != Status.SPAM)
    return waits and window.is_open(now, margin) and not window.is_open(now, before)


def is_warned(opened_at: datetime | None, warned_of: datetime | None) -> bool:
    """Whether operators were told that this window, the one that is open or was the last, ends soon."""
    return warned_of is not None and warned_of == opened_at


def is_standby(*, owned_at: datetime | None, standby_at: datetime | None) -> bool:
    """Whether another owner has the thread: the customer last wrote to them, or it was passed to them."""
    return standby_at is not None and (owned_at is None or owned_at < standby_at)


def next_speaker(*, status: str, holder: str, standby: bool = False) -> Speaker:
    """Who answers a new message. A conversation that waits for a human is the operators'.

    On `standby` (another owner has the thread) any word of the assistant's would take it away from them.
    """
    if status == Status.SPAM or (standby and holder != Holder.OPERATOR):
        return "nobody"
    if holder == Holder.OPERATOR or status == Status.WAITING:
        return "operator"
    return "assistant"


def wants_no_marketing(stopped_at: datetime | None, resumed_at: datetime | None) -> bool:
    """Whether the contact's last word to WhatsApp was that they want no more marketing of ours."""
    return stopped_at is not None and (resumed_at is None or resumed_at < stopped_at)


class _Thread(Protocol):
    """What the rules need of a conversation's row."""

    status: str
    holder: str
    owned_at: datetime | None
    standby_at: datetime | None


def speaker_of(thread: _Thread) -> Speaker:
    """`next_speaker` for a conversation's row."""
    standby = is_standby(owned_at=thread.owned_at, standby_at=thread.standby_at)
    return next_speaker(status=thread.status, holder=thread.holder, standby=standby)


def may_lease(*, leased_until: datetime | None, now: datetime) -> bool:
    """Whether a conversation is free: one turn at a time."""
    return leased_until is None or leased_until <= now


Outcome = Literal["recorded", "newer_message", "taken_over", "lease_lost"]


def may_record(*, fence: int, held_fence: int, inbox_version: int, seen_version: int, speaker: Speaker) -> Outcome:
    """Whether a draft may become the reply.

    A worker whose fencing number was overtaken has lost its lease. A takeover silences the assistant even when the
    draft is finished. A newer message makes the draft stale: the turn runs again over the whole burst.
    """
    if fence != held_fence:
        return "lease_lost"
    if speaker != "assistant":
        return "taken_over"
    if inbox_version != seen_version:
        return "newer_message"
    return "recorded"


WINDOW_CLOSED = "the 24-hour window is closed"
WROTE_AGAIN = "the conversation went on"


@dataclass(frozen=True)
class Send:
    """Go."""


@dataclass(frozen=True)
class Drop:
    """Never; the message leaves the queue without being sent, for this reason."""

    reason: str


def may_send(
    *,
    purpose: str,
    kind: str,
    holder: str,
    status: str,
    window: Window,
    now: datetime,
    margin: timedelta,
    overtaken: bool = False,
    standby: bool = False,
) -> Send | Drop:
    """Whether a queued message may leave now, checked at the moment of sending.

    Order of rules: the assistant never talks over a human (an answer that was due before one was called, and was
    held up, still goes out ahead of the acknowledgement); nobody is thanked for a conversation that goes on
    (`overtaken`: the customer wrote, or the speaker changed, after the message was made); outside the window only
    templates go.
    """
    if purpose != Purpose.OPERATOR and holder == Holder.OPERATOR:
        return Drop("an operator holds the conversation")
    if purpose != Purpose.OPERATOR and standby:
        return Drop("another owner has the thread")
    if purpose == Purpose.REPLY and status == Status.SPAM:
        return Drop("the conversation is spam")
    if purpose == Purpose.CLOSING and (overtaken or status in (Status.WAITING, Status.SPAM)):
        return Drop(WROTE_AGAIN)
    if kind != "template" and not window.is_open(now, margin):
        return Drop(WINDOW_CLOSED)
    return Send()


Verdict = Literal["close", "wait", "never"]


def may_close(
    *,
    status: str,
    holder: str,
    answered: bool,
    opted_out: bool,
    busy: bool,
    asking: bool,
    window: Window,
    now: datetime,
    margin: timedelta,
    before: timedelta,
    standby: bool = False,
) -> Verdict:
    """Whether a session gets its closing message now; `never` ends it without one.

    `answered`: something was really answered in it, a greeting back is nothing. `busy`: a message of the customer
    waits for its turn, or one of ours is not settled. `asking`: a question of ours waits for a yes. `standby`: the
    session is another owner's to close. A resolved conversation is closed at once, an open one `before` its end.
    """
    closes_at = window.closes_at
    if not answered or opted_out or standby or status == Status.SPAM:
        return "never"
    if closes_at is None or not window.is_open(now, margin):
        return "never"
    if holder == Holder.OPERATOR or status == Status.WAITING or busy:
        return "wait"
    if status == Status.RESOLVED:
        return "close"
    if now < closes_at - before:
        return "wait"
    return "never" if asking else "close"


def may_rate(*, scored_at: datetime | None, tapped_at: datetime, asked_at: datetime) -> bool:
    """Whether a tap counts: the first whenever it comes, a newer one (by the customer's clock) for a day."""
    return scored_at is None or scored_at < tapped_at <= asked_at + RATING_CHANGE


# Meta gives no order of statuses: a state only moves up this ladder.
_LADDER = (State.QUEUED, State.SENDING, State.UNKNOWN, State.SENT, State.DELIVERED, State.READ)


def advance(state: str, news: str) -> str:
    """The state after a delivery event. `failed` is final unless a later delivery proves it wrong.

    Delivered or read after failed happens with several devices, so it wins.
    """
    if news == State.FAILED:
        return State.FAILED if state not in (State.DELIVERED, State.READ) else state
    if state == State.FAILED:
        return news if news in (State.DELIVERED, State.READ) else state
    if state == State.DROPPED:
        return news
    return max(state, news, key=lambda name: _LADDER.index(State(name)))


def settles(state: str) -> bool:
    """Whether a status settles a send whose outcome was open."""
    return state in (State.SENDING, State.UNKNOWN)


UnknownFate = Literal["wait", "send_again", "give_up"]


def unknown_fate(*, until: datetime, now: datetime, losses: int, kind: str) -> UnknownFate:
    """What becomes of a send whose answer was lost (`losses` times by now) and that no status has settled `until` then.

    A reply is sent once more under the same callback id; a template never is (a person may get it twice).
    """
    if now < until:
        return "wait"
    return "send_again" if losses < 2 and kind != "template" else "give_up"


def answer_at(
    *, now: datetime, undone_since: datetime | None, burst_wait: timedelta, patience: float = 1.0
) -> datetime:
    """When the turn over a burst may begin: after a silence, so that three bubbles get one answer.

    `patience` is the share of the wait that the last message asks for by its shape. Who keeps typing is answered all
    the same, `BURST_MOST` waits after the first message that waits for an answer.
    """
    latest = (undone_since or now) + BURST_MOST * burst_wait
    return max(now, min(now + patience * burst_wait, latest))


def urgency(*, claimed: bool, window: Window, due_at: datetime, now: datetime) -> tuple[bool, int, datetime]:
    """The place of a request for a human in its queue: the lower comes first. What is lost first comes first.

    A window in its last hour (0) comes before all others, by its end: what is lost with it (a plain answer) cannot be
    had back. Then those whose window is open (1), by the time that they were promised, overdue ones first. Last those
    whose window is closed (2): only a template reaches them, and waiting loses nothing more. What somebody has claimed
    stands behind what nobody has.
    """
    if window.opened_at is None or not window.is_open(now):
        return claimed, 2, due_at
    if window.is_open(now, LAST_OF_WINDOW):
        return claimed, 1, due_at
    return claimed, 0, window.opened_at


@dataclass(frozen=True)
class Actor:
    """Who acts for the organisation: an operator, or a system with a key. `id` is theirs, `name` what others see."""

    id: str
    name: str
    role: Role


def may_act(actor: Actor, *, held_by: str | None) -> bool:
    """Whether somebody may act in a conversation: nobody else holds it, or they are set over its holder."""
    return held_by is None or held_by == actor.id or actor.role in (Role.SUPERVISOR, Role.ADMIN)


def may_merge(actor: Actor) -> bool:
    """Whether somebody may make two contacts one, which nobody can take back."""
    return actor.role in (Role.SUPERVISOR, Role.ADMIN)


FREE_FAILURES = 5
LONGEST_LOCK = timedelta(minutes=15)
_FIRST_LOCK = timedelta(seconds=30)


def lock_after(failures: int, *, free: int = FREE_FAILURES) -> timedelta | None:
    """How long sign-in rests after so many failures in a row: 30 s after the last free one, then twice as long each.

    The longest rest is short enough that a stranger cannot keep an operator out for a day.
    """
    if failures < free:
        return None
    return min(LONGEST_LOCK, _FIRST_LOCK * (1 << min(failures - free, 10)))
