"""The shipped weights of `agent.checking.grounding` are what the project fits, and hold on what it did not see."""

from pathlib import Path

import pytest

from agent.checking import grounding
from evals.grounding import features_of, fit, read_pairs, shares
from knowledge.embed import LocalEmbedder

OFFICE = Path(__file__).parents[2] / "examples" / "tax-office"
CALIBRATION, TEST = (OFFICE / "evals" / f"grounding.{half}.jsonl" for half in ("calibration", "test"))


def test_every_quote_stands_in_its_document_and_the_halves_share_none():
    halves = [read_pairs(path) for path in (CALIBRATION, TEST)]
    for pair in (*halves[0], *halves[1]):
        assert pair.quote in (OFFICE / "handbook" / pair.document).read_text(encoding="utf-8")
    assert not {pair.quote for pair in halves[0]} & {pair.quote for pair in halves[1]}


async def test_the_shipped_weights_are_fitted_on_the_calibration_half(embedder: LocalEmbedder):
    pairs = read_pairs(CALIBRATION)
    weights = fit(await features_of(pairs, embedder), pairs)
    # The embedder's 8-bit products come out a little different on processors of another kind.
    assert weights.bias == pytest.approx(grounding.BIAS, abs=0.1)
    assert weights.by_name == pytest.approx(grounding.WEIGHTS, abs=0.1)
    assert embedder.name == grounding.FITTED_FOR


async def test_on_the_test_half_true_sentences_stay_and_most_others_do_not(embedder: LocalEmbedder):
    pairs = read_pairs(TEST)
    chances = [grounding.probability(row) for row in await features_of(pairs, embedder)]
    kept, removed = shares(chances, pairs, grounding.LEAST)
    assert kept >= 0.9
    assert removed >= 0.6
