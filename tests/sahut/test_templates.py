"""Templates, pure: what fits and what is refused before Meta would, with words that say what to do."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sahut.templates import Slot, filled, in_order, preview, problem, slots

BODY = {"type": "BODY", "text": "Hi {{name}}, your order is {{state}} today."}
HEADER = {"type": "HEADER", "format": "TEXT", "text": "Order {{order}}"}
LINK = {
    "type": "BUTTONS",
    "buttons": [{"type": "QUICK_REPLY", "text": "Ok"}, {"type": "URL", "url": "https://x.example/{{1}}"}],
}


@dataclass
class Row:
    name: str = "order_update"
    language: str = "en_US"
    status: str = "APPROVED"
    category: str = "UTILITY"
    parameter_format: str = "NAMED"
    components: list[dict[str, Any]] = field(default_factory=lambda: [HEADER, BODY, LINK])


POSITIONAL = Row(parameter_format="POSITIONAL", components=[{"type": "BODY", "text": "{{1}} and {{2}}"}])
VALUES = {"header.order": "A-1", "body.name": "Ana", "body.state": "packed", "button.1.1": "A-1"}


def refusal(row: Row | None, message: dict[str, Any]) -> str:
    return problem(row, message, name="order_update", language="en_US")


def test_what_must_be_filled_in():
    assert [slot.key for slot in slots(Row())] == list(VALUES)
    assert [slot.key for slot in slots(POSITIONAL)] == ["body.1", "body.2"]


def test_what_is_filled_in_fits_and_reads_as_it_will():
    message = filled(Row(), VALUES)["template"]
    assert refusal(Row(), message) == ""
    assert preview(Row(), message) == "Order A-1\nHi Ana, your order is packed today."
    assert message["components"][2] == {
        "type": "button",
        "sub_type": "url",
        "index": "1",
        "parameters": [{"type": "text", "text": "A-1"}],
    }
    assert "parameter_name" not in str(filled(POSITIONAL, {"body.1": "a", "body.2": "b"}))


@pytest.mark.parametrize(
    ("row", "values", "words"),
    [
        (None, VALUES, "There is no template"),
        (Row(status="PAUSED"), VALUES, "is PAUSED"),
        (Row(), VALUES | {"body.name": "Ana\nEve"}, "new line"),
        (Row(), VALUES | {"body.name": "a     b"}, "four spaces"),
        (Row(), VALUES | {"body.name": "  "}, "is empty"),
        (POSITIONAL, {"body.1": "x"}, "is empty"),
    ],
)
def test_what_is_refused(row: Row | None, values: dict[str, str], words: str):
    assert words in refusal(row, filled(row or Row(), values)["template"])


def test_too_few_too_many_and_shapeless_values_are_refused():
    assert "needs a value for" in refusal(Row(), {"components": []})
    message = filled(POSITIONAL, {"body.1": "a", "body.2": "b"})["template"]
    message["components"][0]["parameters"].append({"type": "text", "text": "c"})
    assert "has no place for body.3" in refusal(POSITIONAL, message)
    assert refusal(Row(), {"components": "x"})
    assert refusal(Row(), {"components": [{"type": "body", "parameters": ["x"]}]})


def test_a_header_that_is_a_file_takes_a_file():
    row = Row(components=[{"type": "HEADER", "format": "IMAGE"}])
    assert slots(row) == [Slot("header", "1", media="image")]
    words = {"components": [{"type": "header", "parameters": [{"type": "text", "text": "x"}]}]}
    file = {"components": [{"type": "header", "parameters": [{"type": "image", "image": {"id": "1"}}]}]}
    assert "takes one image" in refusal(row, words)
    assert refusal(row, file) == ""


def test_the_likeliest_comes_first():
    def plain(name: str, **more: Any) -> Row:
        return Row(name=name, components=[{"type": "BODY", "text": "x"}], **more)

    rows = [
        plain("b", category="MARKETING"),
        Row(),
        plain("c", language="id"),
        plain("a"),
        plain("d", status="REJECTED"),
    ]
    assert [row.name for row in in_order(rows, "id")] == ["c", "a", "order_update", "b"]


@given(st.dictionaries(st.sampled_from(list(VALUES)), st.text()))
def test_whatever_is_filled_in_is_either_refused_or_shown(values: dict[str, str]):
    message = filled(Row(), values)["template"]
    wrong = refusal(Row(), message)
    assert wrong or all(value in preview(Row(), message) for key, value in values.items() if "button" not in key)
