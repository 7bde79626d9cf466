"""The rules as properties: whatever the order, whatever the moment."""

from datetime import UTC, datetime, timedelta
from itertools import permutations, product

from hypothesis import assume, given
from hypothesis import strategies as st

from sahut import rules
from sahut.models import Holder, Purpose, State, Status
from sahut.rules import WINDOW, Drop, Send, Window, advance, answer_at, may_record, may_send, next_speaker, unknown_fate

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
        assert purpose != Purpose.REPLY or status in (Status.OPEN, Status.RESOLVED)
    else:
        assert isinstance(verdict, Drop)
        assert verdict.reason
    if purpose == Purpose.OPERATOR and kind == "template":
        assert isinstance(verdict, Send)


@given(moments, spans, spans, st.integers(0, 5), st.sampled_from(["text", "template"]))
def test_an_unknown_send_waits_then_goes_once_more_then_to_a_human(since, wait, passed, losses, kind):
    fate = unknown_fate(until=since + wait, now=since + passed, losses=losses, kind=kind)
    assert (fate == "wait") == (passed < wait)
    if fate == "send_again":
        assert losses < 2
        assert kind != "template"


@given(moments, spans, st.timedeltas(timedelta(0), timedelta(minutes=1)))
def test_a_burst_is_answered_after_a_silence_and_never_too_late(since, passed, wait):
    now = since + passed
    at = answer_at(now=now, undone_since=since, burst_wait=wait)
    assert now <= at <= max(now, since + rules.BURST_MOST * wait)
    assert at <= now + wait
