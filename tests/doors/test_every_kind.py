"""Every kind of webhook through the real door: what it leaves is kept, and order, batches and copies change nothing."""

import copy
import json
import random
from typing import Any

import pytest

from sahut.models import Message
from tests.doors.stored import KEPT, stored
from tests.journeys.stage import World
from tests.whatsapp.data import FIXTURES, envelope, text_message

# Who is whom depends on what was known before: names have plays of their own. A handover asks for a person, and
# whether a colleague at the phone had answered by then is a matter of order.
IN_THEIR_OWN_PLAYS = {
    *("system_number_changed", "system_user_id_changed", "user_id_update", "user_id_update_known"),
    *("text_both_ids", "text_username_only", "echo_by_user_id", "handover"),
}
STORED: dict[str, Any] = json.loads(KEPT.read_text())


@pytest.mark.parametrize("name", sorted(FIXTURES))
async def test_what_each_kind_leaves(small: World, name: str):
    assert await small.post(FIXTURES[name]) == 200
    once = await stored(small)
    assert once == STORED[name]
    assert await small.post(FIXTURES[name]) == 200
    # Raw material is kept as often as it comes.
    assert {**await stored(small), "RawEvent": 0} == {**once, "RawEvent": 0}


def test_every_fixture_is_kept():
    assert set(STORED) == set(FIXTURES)


@pytest.fixture(scope="module")
def end_state() -> dict[str, Any]:
    """What the first order left: every other must leave the same."""
    return {}


@pytest.mark.parametrize("seed", range(5))
async def test_in_any_order_in_batches_and_twice(small: World, seed: int, end_state: dict[str, Any]):
    luck = random.Random(seed)
    entries = [
        copy.deepcopy(entry)
        for name in sorted(set(FIXTURES) - IN_THEIR_OWN_PLAYS)
        for entry in FIXTURES[name]["entry"]
        for _ in range(1 + (luck.random() < 0.5))
    ]
    luck.shuffle(entries)
    while entries:
        size = luck.choice((1, 1, 3, 20))
        batch, entries = entries[:size], entries[size:]
        assert await small.post({"object": "whatsapp_business_account", "entry": batch}) == 200
    left = await stored(small)
    left.pop("RawEvent")
    assert left == end_state.setdefault("left", left)


async def test_a_batch_of_a_thousand_with_odd_ones_is_stored_once(world: World):
    messages = [{**text_message(f"wamid.{n}"), "from": str(6281200000000 + n % 50)} for n in range(990)]
    odd: list[Any] = [None, 7, {}, {"id": "wamid.odd"}, {"id": "\x00", "type": "text"}, {"type": "interactive"}] + [
        "x"
    ] * 4
    batch = envelope({"messages": [*messages[:500], *odd, *messages[500:]]})
    for _ in range(2):
        assert await world.post(batch) == 200
    rows = await world.rows(Message)
    assert sorted(row.wamid for row in rows) == sorted(message["id"] for message in messages)
