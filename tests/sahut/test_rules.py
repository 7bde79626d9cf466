"""The rules as properties: whatever the order, whatever the moment."""

from datetime import UTC, datetime, timedelta
from itertools import permutations, product

from hypothesis import assume, given
from hypothesis import strategies as st

from sahut import rules
from sahut.models import Holder, Purpose, State, Status
from sahut.rules import (
    RATING_CHANGE,
    WINDOW,
    Drop,
    Send,
    Window,
    advance,
    answer_at,
    may_close,
    may_rate,
    may_record,
    may_send,
    next_speaker,
    unknown_fate,
)

# Hypothesis wants bounds without a zone.
moments = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
spans = st.timedeltas(timedelta(0), timedelta(hours=48))
margins = st.timedeltas(timedelta(0), timedelta(hours=1))
news = st.sampled_from(["sent", "delivered", "read", "failed"])


def after(state: str, events: list[str]) -> str:
    for event in events:
        state = advance(state, event)
    return state


# --- the window


@given(moments, spans, margins)
def test_the_window_is_open_until_its_margin(opened: datetime, passed: timedelta, margin: timedelta):
    assert Window(opened).is_open(opened + passed, margin) == (passed < WINDOW - margin)


@given(moments, moments, margins)
def test_the_window_of_somebody_who_never_wrote_is_closed(closed: datetime, now: datetime, margin: timedelta):
    assert not Window(None, closed).is_open(now, margin)
    assert Window(None).closes_at is None


@given(moments, moments, moments)
def test_a_window_that_meta_closed_is_closed_until_the_customer_writes(opened, closed, now):
    window = Window(opened, closed)
    assert window.closes_at is not None
    assert window.closes_at <= opened + WINDOW
    if opened <= closed <= now:
        assert not window.is_open(now)
    if closed < opened:
        assert window.is_open(now) == Window(opened).is_open(now)


@given(moments, margins, margins, moments)
def test_a_larger_margin_never_opens_a_window(opened, small, large, now):
    assume(small <= large)
    assert Window(opened).is_open(now, large) <= Window(opened).is_open(now, small)


# --- statuses


@given(st.lists(news, max_size=6), st.randoms(use_true_random=False), st.sampled_from([State.SENDING, State.UNKNOWN]))
def test_statuses_in_any_order_and_number_end_in_the_same_state(events, luck, state):
    expected = after(state, events)
    shuffled = [*events, *luck.sample(events, len(events) // 2)]
    luck.shuffle(shuffled)
    assert after(state, shuffled) == expected


@given(st.lists(news, min_size=1, max_size=6))
def test_the_last_rung_that_was_reached_counts(events):
    reached = after(State.SENDING, events)
    assert reached == next(state for state in ("read", "delivered", "failed", "sent") if state in events)


@given(st.sampled_from(list(State)), news)
def test_a_status_told_twice_changes_nothing(state, event):
    assume(state != State.RECEIVED)
    assert advance(advance(state, event), event) == advance(state, event)


def test_every_order_of_all_statuses_is_read():
    assert {after(State.SENDING, list(order)) for order in permutations(["sent", "delivered", "read", "failed"])} == {
        "read"
    }


# --- who speaks, what is recorded, what is sent


def test_the_assistant_speaks_only_where_no_human_is_asked_for():
    for status, holder in product(Status, Holder):
        speaks = next_speaker(status=status, holder=holder) == "assistant"
        assert speaks == (holder == Holder.ASSISTANT and status in (Status.OPEN, Status.RESOLVED))


@given(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3), st.integers(0, 3), st.sampled_from(Status))
def test_a_draft_is_recorded_only_by_the_holder_of_the_lease_and_over_the_whole_inbox(
    fence, held, version, seen, status
):
    speaker = next_speaker(status=status, holder=Holder.ASSISTANT)
    outcome = may_record(fence=fence, held_fence=held, inbox_version=version, seen_version=seen, speaker=speaker)
    assert (outcome == "recorded") == (fence == held and version == seen and speaker == "assistant")
    if fence != held:
        assert outcome == "lease_lost"


@given(
    st.sampled_from(list(Purpose)),
    st.sampled_from(["text", "image", "template"]),
    st.sampled_from(list(Holder)),
    st.sampled_from(list(Status)),
    moments,
    spans,
    margins,
)
def test_nothing_leaves_against_a_rule(purpose, kind, holder, status, opened, passed, margin):
    window, now = Window(opened), opened + passed
    verdict = may_send(purpose=purpose, kind=kind, holder=holder, status=status, window=window, now=now, margin=margin)
    if isinstance(verdict, Send):
        assert purpose == Purpose.OPERATOR or holder == Holder.ASSISTANT
        assert kind == "template" or window.is_open(now, margin)
        assert purpose != Purpose.REPLY or status != Status.SPAM
    else:
        assert isinstance(verdict, Drop)
        assert verdict.reason
    if purpose == Purpose.OPERATOR and kind == "template":
        assert isinstance(verdict, Send)


# --- the end of a session

befores = st.timedeltas(timedelta(minutes=2), timedelta(hours=12))


@given(
    st.sampled_from(list(Status)),
    st.sampled_from(list(Holder)),
    st.tuples(*[st.booleans()] * 4),
    moments,
    st.timedeltas(timedelta(hours=-2), timedelta(hours=26)),
    margins,
    befores,
)
def test_a_session_is_closed_inside_its_window_and_only_where_nothing_is_open(
    status, holder, facts, opened, passed, margin, before
):
    answered, opted_out, busy, asking = facts
    window, now = Window(opened), opened + passed
    verdict = may_close(
        status=status,
        holder=holder,
        answered=answered,
        opted_out=opted_out,
        busy=busy,
        asking=asking,
        window=window,
        now=now,
        margin=margin,
        before=before,
    )
    if verdict == "close":
        assert window.is_open(now, margin)
        assert answered
        assert not opted_out
        assert not busy
        assert holder == Holder.ASSISTANT
        assert status == Status.RESOLVED or (status == Status.OPEN and now >= opened + WINDOW - before and not asking)
        send = may_send(
            purpose=Purpose.CLOSING,
            kind="interactive",
            holder=holder,
            status=status,
            window=window,
            now=now,
            margin=margin,
        )
        assert isinstance(send, Send)
    if answered and not opted_out and status != Status.SPAM and window.is_open(now, margin) and not asking:
        assert verdict != "never"
    if not window.is_open(now, margin):
        assert verdict == "never"


@given(st.lists(st.timedeltas(timedelta(0), timedelta(minutes=10)), max_size=30), margins, befores)
def test_whoever_looks_often_enough_closes_each_quiet_session_exactly_once(gaps, margin, before):
    """Looks at any moments, the last of them between the due time and the margin: one of them closes, and then none."""
    assume(before > margin + timedelta(seconds=1))
    opened = datetime(2026, 11, 23, 8, tzinfo=UTC)
    due = opened + WINDOW - before
    looks = sorted([due - timedelta(seconds=1), due, *(due - timedelta(minutes=30) + gap for gap in gaps)])
    closed, answered = [], True
    for now in looks:
        verdict = may_close(
            status=Status.OPEN,
            holder=Holder.ASSISTANT,
            answered=answered,
            opted_out=False,
            busy=False,
            asking=False,
            window=Window(opened),
            now=now,
            margin=margin,
            before=before,
        )
        if verdict == "close":
            closed.append(now)
        answered = answered and verdict == "wait"
    assert closed == [due]


@given(st.sampled_from(list(Status)), st.sampled_from(list(Holder)), moments, spans, margins)
def test_the_customers_message_beats_the_closing(status, holder, opened, passed, margin):
    verdict = may_send(
        purpose=Purpose.CLOSING,
        kind="interactive",
        holder=holder,
        status=status,
        window=Window(opened),
        now=opened + passed,
        margin=margin,
        overtaken=True,
    )
    assert isinstance(verdict, Drop)


@given(st.lists(st.tuples(st.timedeltas(timedelta(0), timedelta(days=9)), st.integers(1, 3)), min_size=1, max_size=6))
def test_taps_in_any_order_within_a_day_leave_the_newest(taps):
    asked = datetime(2026, 11, 23, 8, tzinfo=UTC)
    scored_at = None
    for after_s, _ in taps:
        if may_rate(scored_at=scored_at, tapped_at=asked + after_s, asked_at=asked):
            scored_at = asked + after_s
    newest = max((asked + after_s for after_s, _ in taps if after_s <= RATING_CHANGE), default=None)
    assert scored_at == max(filter(None, (newest, asked + taps[0][0])))


@given(moments, spans, spans, st.integers(0, 5), st.sampled_from(["text", "template"]))
def test_an_unknown_send_waits_then_goes_once_more_then_to_a_human(since, wait, passed, losses, kind):
    fate = unknown_fate(until=since + wait, now=since + passed, losses=losses, kind=kind)
    assert (fate == "wait") == (passed < wait)
    if fate == "send_again":
        assert losses < 2
        assert kind != "template"


@given(moments, spans, st.timedeltas(timedelta(0), timedelta(minutes=1)), st.floats(0, 3))
def test_a_burst_is_answered_after_a_silence_and_never_too_late(since, passed, wait, patience):
    now = since + passed
    at = answer_at(now=now, undone_since=since, burst_wait=wait, patience=patience)
    assert now <= at <= max(now, since + rules.BURST_MOST * wait)
    assert at <= now + patience * wait


# --- whose the thread is


@given(st.none() | moments, st.none() | moments)
def test_the_thread_is_whose_the_customers_last_word_was(owned: datetime | None, standby: datetime | None):
    elsewhere = rules.is_standby(owned_at=owned, standby_at=standby)
    assert elsewhere == (standby is not None and (owned is None or standby > owned))
    speaker = next_speaker(status=Status.OPEN, holder=Holder.ASSISTANT, standby=elsewhere)
    assert speaker == ("nobody" if elsewhere else "assistant")


@given(st.sampled_from(list(Purpose)), st.sampled_from(["text", "template"]), moments)
def test_on_standby_only_operators_speak(purpose: Purpose, kind: str, now: datetime):
    verdict = may_send(
        purpose=purpose,
        kind=kind,
        holder=Holder.ASSISTANT,
        status=Status.OPEN,
        window=Window(now),
        now=now,
        margin=timedelta(0),
        standby=True,
    )
    assert isinstance(verdict, rules.Send) == (purpose == Purpose.OPERATOR)


@given(st.none() | moments, st.none() | moments)
def test_the_last_word_on_marketing_stands(stopped: datetime | None, resumed: datetime | None):
    unwanted = rules.wants_no_marketing(stopped, resumed)
    assert unwanted == (stopped is not None and (resumed is None or stopped > resumed))
