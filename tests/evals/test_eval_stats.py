"""Intervals and pass^k, against known values and laws."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.stats import bootstrap, estimate, pass_hat, percentile, rate, student, wilson


def test_wilson_against_published_values():
    assert wilson(0, 10) == pytest.approx((0.0, 0.27753), abs=1e-5)
    assert wilson(10, 10) == pytest.approx((0.72247, 1.0), abs=1e-5)
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)  # Newcombe 1998, table I
    assert wilson(0, 0) == (0.0, 1.0)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_lies_around_the_share_within_0_and_1(pair):
    successes, n = pair
    low, high = wilson(successes, n)
    assert 0 <= low <= successes / n <= high <= 1
    assert low < high
    mirrored = wilson(n - successes, n)
    assert (1 - high, 1 - low) == pytest.approx(mirrored, abs=1e-9)
    wider = wilson(successes / 2, n / 2)
    assert wider[1] - wider[0] > high - low


def test_wilson_holds_what_it_promises():
    draws = np.random.default_rng(7).binomial(60, 0.8, size=4000)
    intervals = [wilson(int(successes), 60) for successes in draws]
    assert 0.93 <= np.mean([low <= 0.8 <= high for low, high in intervals]) <= 0.97


@pytest.mark.parametrize(("successes", "n"), [(-1, 3), (4, 3), (float("nan"), 3)])
def test_wilson_refuses_what_is_no_share(successes, n):
    with pytest.raises(ValueError, match="share"):
        wilson(successes, n)


def test_a_rate_of_turns_that_say_the_same_is_as_wide_as_of_their_conversations():
    alone = rate([(1, 1), (0, 1)] * 40)
    assert (alone.value, alone.low, alone.n) == (0.5, wilson(40, 80)[0], 80)
    together = rate([(4, 4), (0, 4)] * 40)
    assert (together.value, together.n) == (0.5, 320)
    assert together.low == pytest.approx(alone.low, abs=0.005)
    mixed = rate([(2, 4)] * 80)  # each conversation is like the others: its turns tell as much as if they stood alone
    assert mixed.high - mixed.low < 0.6 * (alone.high - alone.low)
    every = rate([(4, 4)] * 20)
    assert every.low <= wilson(20, 20)[0]
    assert rate([(3, 4)]).high - rate([(3, 4)]).low > 0.7
    assert (rate([]).value, rate([(0, 0)]).n) == (None, 0)


@pytest.mark.parametrize(("freedom", "published"), [(3, 3.182), (5, 2.571), (10, 2.228), (30, 2.042), (120, 1.980)])
def test_students_quantile_against_published_values(freedom, published):
    assert student(freedom) == pytest.approx(published, rel=0.01)


@pytest.mark.parametrize(("many", "a", "b"), [(20, 6, 3), (60, 2, 1), (60, 200, 100), (150, 9, 1), (150, 0.6, 0.3)])
def test_a_rate_over_turns_holds_as_often_as_it_says(many, a, b):
    """Conversations of 1 to 5 turns that share their luck, hardly (a, b large) or nearly wholly (a, b small)."""
    luck = np.random.default_rng(21)
    worlds, held = 2000, 0
    for _ in range(worlds):
        sizes = luck.integers(1, 6, size=many)
        hits = luck.binomial(sizes, luck.beta(a, b, size=many))
        found = rate(zip(hits.tolist(), sizes.tolist(), strict=True))
        held += found.low <= a / (a + b) <= found.high
    assert 0.93 <= held / worlds <= 0.97


def test_an_interval_over_turns_as_if_they_stood_alone_would_not_hold():
    luck = np.random.default_rng(22)
    held = 0
    for _ in range(500):
        sizes = luck.integers(1, 6, size=60)
        hits = luck.binomial(sizes, luck.beta(0.6, 0.3, size=60))
        low, high = wilson(int(hits.sum()), int(sizes.sum()))
        held += low <= 2 / 3 <= high
    assert held / 500 < 0.85


@given(st.integers(1, 8).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n), st.integers(1, n + 1))))
def test_pass_hat_is_the_share_of_draws_that_all_pass(triple):
    passes, trials, k = triple
    outcomes = [i < passes for i in range(trials)]
    draws = [all(draw) for draw in combinations(outcomes, k)]
    expected = sum(draws) / len(draws) if draws else None
    assert pass_hat(passes, trials, k) == (None if expected is None else pytest.approx(expected))


@given(st.integers(1, 30).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_pass_hat_begins_at_the_pass_rate_and_only_falls(pair):
    passes, trials = pair
    chances = [pass_hat(passes, trials, k) or 0.0 for k in range(1, trials + 1)]
    assert chances[0] == pytest.approx(passes / trials)
    assert chances == sorted(chances, reverse=True)


def test_pass_hat_refuses_nonsense():
    with pytest.raises(ValueError, match="pass"):
        pass_hat(3, 2, 1)
    with pytest.raises(ValueError, match="pass"):
        pass_hat(1, 2, 0)


def test_the_bootstrap_is_seeded_and_draws_whole_groups():
    alone = [[float(i % 10)] for i in range(100)]
    clustered = [[float(i % 10)] * 10 for i in range(10)]
    mean = lambda numbers: float(np.mean(numbers))  # noqa: E731
    low, high = bootstrap(alone, mean)
    assert (low, high) == bootstrap(alone, mean)
    assert low < 4.5 < high
    wide_low, wide_high = bootstrap(clustered, mean)
    assert wide_high - wide_low > 2 * (high - low)
    with pytest.raises(ValueError, match="nothing"):
        bootstrap([[]], mean)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50), st.floats(0, 100))
def test_the_percentile_is_numpys(numbers, q):
    assert percentile(q)(np.asarray(numbers)) == pytest.approx(float(np.percentile(numbers, q)), abs=1e-6)


def test_an_estimate_of_nothing_is_empty():
    assert estimate([[], []], percentile(95)).value is None
    found = estimate([[1.0], [2.0, 3.0]], percentile(50))
    assert (found.value, found.n) == (2.0, 3)
    assert found.low is not None
    assert found.high is not None
    assert 1 <= found.low <= 2 <= found.high <= 3
