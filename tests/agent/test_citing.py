"""Spans for a model's sentences, and what its tokens cost: the pure parts around the chat model."""

from agent.chat.citing import cite
from agent.model import price_of
from sahut.found import Passage

FEES = "The late fee is 2% a month. It is paid at the counter. The office opens at 08:00 on weekdays."


def passage(text=FEES):
    return Passage(
        chunk="c1",
        document="fees.md",
        title="Fees",
        version="v1",
        text=text,
        start=100,
        end=100 + len(text),
        score=0.5,
    )


def test_prices():
    assert price_of("gpt-5-mini") == price_of("gpt-5-mini-2025-08-07") == (0.25, 2.0)
    assert price_of("gpt-5") == (1.25, 10.0)
    assert price_of("gpt-55") is None
    assert price_of("gpt-5-maxi") is None


def test_citing_two_spans_and_the_whole_across_languages():
    spans = cite("The fee is 2% and the office opens at 08:00.", passage())
    assert [span.quote for span in spans] == [
        "The late fee is 2% a month.",
        "The office opens at 08:00 on weekdays.",
    ]
    (whole,) = cite("dendanya sekian", passage())
    assert whole.quote == FEES
    assert cite("anything", passage("   ")) == ()
