"""What a draft may put into a call: nothing that leads customers elsewhere, wherever in the arguments it stands."""

from typing import Any

import pytest

from agent.checking.own_words import FOREIGN, OURS, objection
from agent.prompts import SYSTEM
from tests.agent.test_model import brief

TURN = brief("Call me at +62 812-0000-0100, see my.example.com, I owe 15000000").turn


@pytest.mark.parametrize(
    "arguments",
    [
        {"phone": "0812 0000 0100"},
        {"phone": 6281200000100},
        {"phones": [6281200000100]},
        {"amount": 15000000, "urgent": True, "share": 0.5},
        {"amount": 2500000000},
        {"page": "my.example.com"},
        {"data": {"topic": "fees"}},
    ],
)
def test_what_the_customer_wrote_and_what_is_no_address_may_be_there(arguments: dict[str, Any]) -> None:
    assert objection(arguments, TURN) == ""


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"phone": "+62 811-9999-9999"}, FOREIGN),
        ({"phone": 6281199999999}, FOREIGN),
        ({"phones": [{"of": 6281199999999}]}, FOREIGN),
        ({"page": "pay.example.com"}, FOREIGN),
        ({"data": {"https://pay.example.com": "here"}}, FOREIGN),
        ({"note": SYSTEM[:300]}, OURS),
    ],
)
def test_what_came_from_elsewhere_may_not(arguments: dict[str, Any], why: str) -> None:
    assert objection(arguments, TURN) == why
