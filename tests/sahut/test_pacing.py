"""The pace as pure arithmetic: whatever comes when, the double's own rule never says no, and little is left unused."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from api.simulator.rules import PairPace
from sahut.pacing import HORIZON, PAIR_BURST, PAIR_GAP, Pair, Rate, microseconds, moment_of
from sahut.testing.clock import START

SECOND = timedelta(seconds=1)


@given(st.lists(st.floats(0, 400), min_size=1, max_size=200), st.floats(0, 0.2))
def test_a_pair_is_never_refused_and_never_waits_longer_than_its_debt(gaps: list[float], journey_s: float):
    now, pair, meta = START, Pair(), PairPace()
    for gap in gaps:
        now += timedelta(seconds=gap)
        free_at = pair.free_at(now)
        assert now <= free_at <= now + PAIR_BURST * PAIR_GAP + SECOND
        # Given its moment, it may leave up to the horizon later, and travels for a while.
        left = free_at + HORIZON * (gap % 1)
        assert meta.take(left + timedelta(seconds=journey_s * (gap % 1)))
        pair, now = pair.after(left), left


def test_a_backlog_for_one_customer_uses_what_is_allowed():
    now, pair, sent = START, Pair(), 0
    while now < START + timedelta(hours=1):
        now = pair.free_at(now)
        pair, sent = pair.after(now), sent + 1
    assert 0.95 * 600 < sent <= 600 + PAIR_BURST


@given(st.sampled_from([1, 20, 80, 250, 1000]), st.lists(st.floats(0, 0.05), min_size=50, max_size=300))
def test_no_second_holds_more_than_a_number_may_send(allowed: int, gaps: list[float]):
    rate, free, left = Rate(allowed), 0, []
    now = START
    for gap in gaps:
        now += timedelta(seconds=gap)
        free = max(free, microseconds(now) - rate.credit_us) + rate.step_us
        left.append(max(now, moment_of(free - rate.step_us)))
    for at, moment in enumerate(left):
        assert sum(moment - SECOND < other <= moment for other in left[: at + 1]) <= allowed


def test_moments_survive_the_arithmetic():
    assert moment_of(microseconds(START)) == START
