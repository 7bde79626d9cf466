"""The numbers about confidence, retrieval and promises, against known truth."""

import numpy as np
import pytest

from evals.bounds import at_most, fewest, most_wrong, upper
from evals.calibrate import (
    HELD,
    Judged,
    Promise,
    fit_languages,
    fit_slope,
    fit_spam,
    fit_threshold,
    genuine_scores,
    mapped,
)
from evals.cases import Expectation
from evals.curves import aurc, auroc, ece, ndcg, ranks_of, recall_at, reliability, risk_coverage
from evals.played import PlayedCase, PlayedTurn
from evals.stats import bootstrap, rate
from sahut.errors import ConfigurationError
from sahut.turn import Screening, Verdict
from tests.bench.budget import share_held


def array(*numbers):
    return np.asarray(numbers, dtype=np.float64)


def test_auroc_of_textbook_cases():
    assert auroc(array(0.1, 0.4, 0.35, 0.8), array(0, 0, 1, 1)) == 0.75
    assert auroc(array(0.5, 0.5, 0.5), array(0, 1, 1)) == 0.5
    assert auroc(array(0.2, 0.9), array(0, 1)) == 1
    assert auroc(array(0.2, 0.9), array(1, 1)) is None


def test_auroc_is_the_chance_of_the_right_order():
    luck = np.random.default_rng(1)
    scores, positive = np.round(luck.random(60), 1), (luck.random(60) < 0.4).astype(float)
    pairs = [(a, b) for a in scores[positive == 1] for b in scores[positive == 0]]
    counted = sum(1.0 if a > b else 0.5 if a == b else 0.0 for a, b in pairs) / len(pairs)
    assert auroc(scores, positive) == pytest.approx(counted)


def test_reliability_and_its_error():
    sure, right = array(0.15, 0.15, 0.95, 0.95), array(0, 0, 1, 0)
    low, high = reliability(sure, right)
    assert (low.sure, low.right, low.n) == (pytest.approx(0.15), 0, 2)
    assert (high.sure, high.right, high.n) == (pytest.approx(0.95), 0.5, 2)
    assert ece(sure, right) == pytest.approx((0.15 + 0.45) / 2)
    assert reliability(array(1.0), array(1.0))[0].n == 1


def test_risk_and_coverage_with_ties():
    sure, wrong = array(0.9, 0.8, 0.8, 0.1), array(0, 1, 0, 1)
    assert risk_coverage(sure, wrong) == ((0.25, 0.0), (0.75, pytest.approx(1 / 3)), (1.0, 0.5))
    assert aurc(sure, wrong) == pytest.approx(0.5 / 3 + 0.25 * 0.5)
    assert aurc(sure, array(0, 0, 0, 0)) == 0


def test_recall_at_a_price():
    scores = array(0.9, 0.8, 0.7, 0.6, 0.5)
    positive = array(1, 0, 1, 0, 1)
    assert recall_at(scores, positive, false_positives=0.0) == pytest.approx(1 / 3)
    assert recall_at(scores, positive, false_positives=0.5) == pytest.approx(2 / 3)
    assert recall_at(scores, positive, false_positives=1.0) == 1
    assert recall_at(array(0.7, 0.7), array(1, 0), false_positives=0.0) == 0


def test_ranks():
    assert ranks_of(["a", "b", "c"], [False, True, True]) == (2, 3)
    assert ndcg((1,), wanted=1, k=10) == 1
    assert ndcg((2,), wanted=1, k=10) == pytest.approx(1 / np.log2(3))
    assert ndcg((), wanted=2, k=10) == 0


def test_binomial_tails_of_textbook_cases():
    assert at_most(0, 10, 0.5) == pytest.approx(1 / 1024)
    assert at_most(5, 10, 0.5) == pytest.approx(0.623046875)
    assert at_most(2, 20, 0.1) == pytest.approx(0.67692680)
    assert (at_most(-1, 5, 0.5), at_most(5, 5, 0.5), at_most(3, 5, 0.0), at_most(3, 5, 1.0)) == (0, 1, 1, 0)
    assert upper(0, 59, confidence=0.95) == pytest.approx(0.0495, abs=5e-5)
    assert upper(3, 50, confidence=0.95) == pytest.approx(0.14783, abs=1e-4)
    assert (fewest(0.05, confidence=0.95), fewest(0.1, confidence=0.9)) == (59, 22)
    assert (most_wrong(58, 0.05, confidence=0.95), most_wrong(93, 0.05, confidence=0.95)) == (-1, 1)


def test_wilson_intervals_hold_as_often_as_they_say():
    luck = np.random.default_rng(7)
    held = []
    for truth in (0.1, 0.3, 0.7, 0.9):
        for hits in luck.binomial(120, truth, size=1500):
            found = rate([(1, 1)] * int(hits) + [(0, 1)] * (120 - int(hits)))
            held.append(found.low <= truth <= found.high)
    assert 0.93 <= np.mean(held) <= 0.97


def test_clustered_bootstrap_holds_where_turns_of_a_conversation_go_together():
    """Conversations of 1 to 5 turns whose turns share their luck: an interval over turns would be far too narrow."""
    luck = np.random.default_rng(11)
    held, worlds = 0, 400
    for _ in range(worlds):
        sizes = luck.integers(1, 6, size=80)
        chances = luck.beta(2, 1, size=80)
        groups = [(luck.random(size) < chance).astype(float) for size, chance in zip(sizes, chances, strict=True)]
        low, high = bootstrap(groups, lambda numbers: float(numbers.mean()), resamples=300)
        held += bool(low <= 2 / 3 <= high)
    assert 0.93 <= held / worlds <= 0.97


def people(luck, many, *, language="en"):
    """Conversations whose answers are right with the chance sure^0.25: unsure of itself, but in the right order."""
    found = []
    for _ in range(many):
        sure = float(luck.random())
        found.append(Judged(language, ((sure, bool(luck.random() > sure**0.25)),)))
    return found


def truly_wrong(threshold):
    """The share of wrong answers among all that `people` would ever send from the threshold on."""
    return 1 - (1 - threshold**1.25) / (1.25 * (1 - threshold))


def test_the_fitted_budget_holds_in_nearly_all_of_200_worlds():
    luck = np.random.default_rng(3)
    fits = [fit_threshold(people(luck, 400), max_wrong=0.1, confidence=0.95) for _ in range(200)]
    found = [fitted.threshold for fitted in fits if fitted is not None]
    assert len(found) > 150
    assert np.mean([truly_wrong(threshold) <= 0.1 for threshold in found]) >= 0.95


def test_a_promise_of_what_follows_is_kept_by_the_samples_and_not_only_by_the_truth():
    """In 200 worlds, how many thresholds keep the budget in 95% of all samples of the next 200 answers."""
    luck = np.random.default_rng(3)
    promise = Promise(0.1, 0.9, 200)
    worlds = [people(luck, 1500) for _ in range(200)]

    def keeping(share):
        fits = [fit_threshold(world, max_wrong=share, confidence=promise.confidence) for world in worlds]
        found = [fitted.threshold for fitted in fits if fitted is not None]
        assert len(found) > 150
        return np.mean([at_most(20, 200, truly_wrong(threshold)) >= HELD for threshold in found])

    assert keeping(promise.share) >= 0.9
    assert keeping(promise.max_wrong) < 0.8  # the truth alone promises less


def test_the_promise_holds_in_200_samples_of_what_follows():
    luck = np.random.default_rng(21)
    fitted = fit_languages(people(luck, 1500), Promise(0.1, 0.9, 200), by_language=False)["*"]
    truth = truly_wrong(fitted.threshold)
    assert np.mean(luck.binomial(200, truth, size=200) <= 20) >= 0.95


def test_fewer_answers_ask_for_a_smaller_truth():
    shares = [Promise(0.1, 0.9, following).share for following in (50, 200, 1000, 100_000)]
    assert shares == sorted(shares)
    assert 0.05 < shares[0] < 0.06
    assert 0.098 < shares[-1] < 0.1
    for following, share in zip((50, 200), shares, strict=False):
        held = at_most(following // 10, following, share)
        assert held == pytest.approx(HELD, abs=1e-6)


def test_how_often_a_budget_holds_in_draws_of_cases_kept_aside():
    """The measure of `python -m tests.bench.budget`."""
    sent = [1.0] * 200 + [0.0] * 50
    assert share_held(sent, [0.0] * 250, most=0.1) == 1
    assert share_held(sent, [1.0] * 8 + [0.0] * 242, most=0.1) > 0.99
    assert 0.4 < share_held(sent, [1.0] * 20 + [0.0] * 230, most=0.1) < 0.7  # just the budget: held by luck
    assert share_held(sent, [1.0] * 40 + [0.0] * 210, most=0.1) < 0.01
    luck = np.random.default_rng(9)
    fitted = fit_threshold(people(luck, 400), max_wrong=0.1, confidence=0.95)
    assert fitted is not None
    aside = [one.answers[0] for one in people(luck, 20_000)]
    above = [float(sure >= fitted.threshold) for sure, _ in aside]
    wrong = [float(sure >= fitted.threshold and was) for sure, was in aside]
    assert share_held(above, wrong, most=0.1) >= 0.95  # of very many the draws are near the truth


def test_more_cases_send_more_answers():
    luck = np.random.default_rng(5)
    few, many = (fit_threshold(people(luck, n), max_wrong=0.1, confidence=0.9) for n in (600, 6000))
    assert few is not None
    assert many is not None
    assert many.threshold < few.threshold
    assert truly_wrong(many.threshold) <= 0.1 < truly_wrong(many.threshold - 0.1)  # a promise, and not a timid one


def test_too_few_cases_are_refused_with_what_to_do():
    luck = np.random.default_rng(2)
    with pytest.raises(ConfigurationError, match=r"too few .*it takes 95 .*there are 20 .*Add 75"):
        fit_languages(people(luck, 20), Promise(0.05, 0.9, 200), by_language=False)
    wrong = [Judged("en", ((0.9, True),))] * 100
    with pytest.raises(ConfigurationError, match=r"not right often enough.*95 were wrong"):
        fit_languages(wrong, Promise(0.05, 0.9, 200), by_language=False)


def test_a_thin_language_is_pooled_and_a_bad_one_always_goes_to_a_human():
    luck = np.random.default_rng(4)
    few, bad = [Judged("es", ((0.95, False),))] * 10, [Judged("pt", ((0.95, True),))] * 8
    found = [*people(luck, 3000), *few, *bad]
    fits = fit_languages(found, Promise(0.15, 0.9, 1000), by_language=True)
    assert set(fits) == {"*", "en", "pt"}
    assert fits["pt"].threshold > 1
    assert fits["en"].threshold <= fits["*"].threshold <= 1


def test_a_conversation_counts_once_and_is_wrong_by_its_worst_answer():
    found = [Judged("en", ((0.9, False), (0.9, i < 3))) for i in range(100)]
    fitted = fit_threshold(found, max_wrong=0.1, confidence=0.9)
    assert fitted is not None
    assert (fitted.sent, fitted.wrong) == (100, 3)


def test_the_slope_makes_confidence_say_how_often_answers_are_right():
    luck = np.random.default_rng(6)
    found = people(luck, 4000)
    slope, intercept = fit_slope(found)
    sure = np.asarray([one.answers[0][0] for one in found])
    right = np.asarray([float(not one.answers[0][1]) for one in found])
    odds = slope * np.log(sure / (1 - sure)) + intercept
    assert ece(1 / (1 + np.exp(-odds)), right) < 0.03 < ece(sure, right)
    fits = fit_languages(found, Promise(0.1, 0.9, 1000), by_language=False)
    assert 0.8 < mapped(fits, slope, intercept)["*"] < 1


def test_a_spam_message_in_a_genuine_conversation_is_no_false_positive():
    def turn(score: float, spam: bool | None) -> PlayedTurn:
        screening = Screening(verdict=Verdict(score=score))
        return PlayedTurn(user=("x",), expect=Expectation(spam=spam), screening=screening)

    turns = {"mixed": (turn(0.2, False), turn(0.9, True), turn(0.3, None)), "spam": (turn(0.9, True),)}
    plays = [PlayedCase(id=name, run=1, turns=said) for name, said in turns.items()]
    assert genuine_scores(plays) == [0.3]


def test_the_price_of_the_spam_threshold():
    luck = np.random.default_rng(8)
    scores = list(luck.random(2000) * 0.6)
    fitted = fit_spam(scores, max_false_positives=0.01, confidence=0.95)
    assert 0.59 < fitted.threshold < 0.61
    with pytest.raises(ConfigurationError, match=r"too few .*takes 299.*there are 50"):
        fit_spam(scores[:50], max_false_positives=0.01, confidence=0.95)
    with pytest.raises(ConfigurationError, match="No threshold"):
        fit_spam([1.0] * 500, max_false_positives=0.01, confidence=0.95)
