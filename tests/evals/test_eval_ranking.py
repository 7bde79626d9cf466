"""What bounds a model that orders passages: one that is always right, one that is always wrong."""

from evals.ranking import Outcome, measure, table
from knowledge.asked import Question
from tests.agent.plays import Shelf, passage

FOUND = tuple(passage(f"Text {n}", document=f"{n}.md", title=str(n)) for n in range(1, 13))


async def test_the_right_passage_comes_first_or_as_late_as_the_rules_allow():
    asked = [Question("?", frozenset({"3.md"}), "en"), Question("??", frozenset({"12.md"}), "en")]
    third, last = await measure(Shelf(FOUND), [*asked, Question("no answer", frozenset(), "en")])
    assert third.alone.index(True) == 2
    assert third.right[0]
    assert third.wrong == (False,) * 7 + (True,), "among retrieval's first four, so it is read, but last"
    assert not any(last.alone)
    assert last.right[0]
    assert not any(last.wrong)


async def test_where_no_model_is_asked_nothing_changes():
    (one,) = await measure(Shelf(FOUND, answerable=0.05), [Question("?", frozenset({"3.md"}), "en")])
    assert not one.asked
    assert one.alone == one.right == one.wrong


def test_the_table_says_first_place_gain_and_what_is_read():
    rows = [Outcome(True, 1, (False, True), (True, False), (False, False)), *[Outcome(False, 1, *[(True,)] * 3)]]
    assert list(table({"set": rows}))[-1] == (
        "| set | 2 | 50.0% | 0.500 / 0.815 / 1.000 | 1.000 / 1.000 / 1.000 | 0.500 / 0.500 / 0.500 |"
    )
