"""Words: coverage, silence in the face of another language, and an index that forgets."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.fuse import Evidence, answerable, calibrations, probability
from knowledge.lexical import Lexicon, Words

PASSAGES = [
    Words("hours", "public", "en", "The main office is open on Saturday until noon"),
    Words("dogs", "public", "en", "Dogs must wait outside the office"),
    Words("fines", "staff", "id", "Denda keterlambatan pajak dua persen per bulan"),
]


def full():
    lexicon = Lexicon()
    lexicon.add(PASSAGES)
    return lexicon


def test_the_passage_that_covers_most_comes_first():
    found = full().match("is the office open on saturday")
    assert next(iter(found)) == "hours"
    assert found["hours"].coverage > 0.9 > found["dogs"].coverage


def test_words_fall_silent_before_another_language():
    assert full().match("wann haben Sie geöffnet") == {}
    found = full().match("¿abre la office principal los sábados por la tarde?")
    assert all(match.coverage < 0.3 for match in found.values())


def test_a_question_may_be_limited_to_a_group():
    assert list(full().match("office denda", groups=["staff"])) == ["fines"]


def test_what_is_removed_is_found_no_more():
    lexicon = full()
    lexicon.remove(["dogs", "unknown"])
    assert "dogs" not in lexicon.match("dogs office")
    assert len(lexicon) == 2


words = st.lists(st.sampled_from(["pajak", "denda", "kantor", "buka", *string.ascii_lowercase]), max_size=6)


@settings(max_examples=30, deadline=None)
@given(st.lists(words, min_size=110, max_size=130), st.sets(st.integers(0, 109), min_size=60), words)
def test_an_index_that_forgot_equals_one_that_never_knew(texts, gone, question):
    passages = [Words(str(n), "g", "id", " ".join(text)) for n, text in enumerate(texts)]
    forgot, never = Lexicon(), Lexicon()
    forgot.add(passages)
    for number in sorted(gone):
        forgot.remove([str(number)])
    never.add(p for p in passages if int(p.key) not in gone)
    asked = " ".join(question)
    assert forgot.match(asked, limit=200) == never.match(asked, limit=200)


@pytest.mark.parametrize("calibration", calibrations().values(), ids=list(calibrations()))
def test_more_evidence_never_makes_a_passage_less_likely(calibration):
    weak = Evidence(0.8, 0.3, 0.1, 0.1)
    for stronger in (Evidence(0.9, 0.3, 0.1, 0.1), Evidence(0.8, 0.4, 0.1, 0.1), Evidence(0.8, 0.3, 0.2, 0.1)):
        assert 0 < probability(weak, calibration) < probability(stronger, calibration) < 1
    assert answerable([], calibration) == (0.0, {})
    alone, _ = answerable([weak], calibration)
    crowded, features = answerable([weak, weak, weak], calibration)
    assert crowded < alone
    assert features["margin"] == 0
