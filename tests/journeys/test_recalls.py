"""Recalls: when a document changes, exactly the answers that it does not bear out any more are named."""

from datetime import timedelta

import pytest

from sahut.models import Contact, Recall
from sahut.store import library, recalls
from tests.journeys.stage import World

LOCKERS = """# Lockers

## Large lockers

Renting a large locker at the main office costs Rp 3.000 an hour.

## Small lockers

Renting a small locker at the main office is free of charge all day.
"""
LARGE = "How much does renting a large locker at the main office cost?"
SMALL = "Is renting a small locker at the main office free?"


async def test_recall_names_exactly_the_affected_answers(world: World):
    budi = await world.operator()
    await budi.learns("lockers.md", LOCKERS)
    ani, _ = await world.asked("Ani", LARGE), await world.asked("Citra", SMALL)
    await budi.learns("lockers.md", LOCKERS)
    assert await budi.rest.items("recalls") == []
    await budi.learns("lockers.md", LOCKERS.replace("Rp 3.000", "Rp 4.500"))

    (recall,) = await budi.rest.items("recalls?state=open")
    assert (recall["contact"]["name"], recall["cause"], recall["document"]) == ("Ani", "changed", "lockers.md")
    assert "3.000" in recall["answer"]
    assert [quote["quote"] for quote in recall["lost"]] == [
        "Renting a large locker at the main office costs Rp 3.000 an hour."
    ]
    assert recall["window_open"]
    assert recall["window_closes_at"] == (await budi.conversation(ani))["window_closes_at"]
    assert "3.000" in recall["draft"]
    assert "costs Rp 4.500 an hour" in recall["draft"]


async def test_a_correction_is_sent_by_somebody_and_once(world: World):
    budi = await world.operator()
    await budi.learns("lockers.md", LOCKERS)
    ani = await world.asked("Ani", LARGE)
    await budi.learns("lockers.md", LOCKERS.replace("Rp 3.000", "Rp 4.500"))
    await world.passes(600)
    assert len(ani.received) == 1

    (recall,) = await budi.rest.items("recalls")
    sent = await budi.rest.post(f"recalls/{recall['id']}/send")
    assert (sent.status_code, sent.json()["author"]) == (202, "operator")
    await world.settles()
    assert world.sent_to(ani)[1] == recall["draft"]
    assert (await budi.conversation(ani))["holder"] == "assistant"
    assert (await budi.rest.post(f"recalls/{recall['id']}/send")).status_code == 409
    assert (await budi.rest.get(f"recalls/{recall['id']}"))["state"] == "sent"
    # The next change of the same words brings nothing up again, a change of other words does.
    await budi.learns("lockers.md", LOCKERS.replace("Rp 3.000", "Rp 9.000"))
    assert await budi.rest.items("recalls?state=open") == []


async def test_a_correction_may_be_rewritten_or_left(world: World):
    budi = await world.operator()
    await budi.learns("lockers.md", LOCKERS)
    ani, citra = await world.asked("Ani", LARGE), await world.asked("Citra", LARGE)
    document = await budi.learns("lockers.md", LOCKERS.replace("Rp 3.000", "Rp 4.500"))
    first, second = await budi.rest.items("recalls")
    assert (await budi.rest.post(f"recalls/{first['id']}/send", {"text": "x" * 5000})).status_code == 422
    await budi.rest.post(f"recalls/{first['id']}/send", {"text": "It is Rp 4.500 by now, sorry."})
    assert (await budi.rest.post(f"recalls/{second['id']}/dismiss")).json()["state"] == "dismissed"
    await world.settles()
    assert world.sent_to(ani)[1:] == ["It is Rp 4.500 by now, sorry."]
    assert len(citra.received) == 1

    await world.asked("Dewi", LARGE)
    await budi.rest.call("DELETE", f"documents/{document['id']}")
    (recall,) = await budi.rest.items("recalls?state=open")
    assert (recall["contact"]["name"], recall["cause"]) == ("Dewi", "removed")
    assert "4.500" in recall["draft"]
    assert (await budi.rest.post("recalls/nobody/send")).status_code == 404


async def test_outside_the_window_and_against_a_wish_nothing_is_sent(world: World):
    budi = await world.operator()
    await budi.learns("lockers.md", LOCKERS)
    for name in ("Ani", "Citra"):
        await world.asked(name, LARGE)
    await world.asked("Citra", "STOP")
    await budi.learns("lockers.md", LOCKERS.replace("Rp 3.000", "Rp 4.500"))
    opted_out = next(r for r in await budi.rest.items("recalls") if r["contact"]["name"] == "Citra")
    assert (await budi.rest.post(f"recalls/{opted_out['id']}/send")).status_code == 403
    await world.passes(timedelta(hours=24).total_seconds())
    late = next(r for r in await budi.rest.items("recalls") if r["contact"]["name"] == "Ani")
    assert not late["window_open"]
    refused = await budi.rest.post(f"recalls/{late['id']}/send")
    assert (refused.status_code, "window is closed" in refused.json()["detail"]) == (403, True)
    assert {row.state for row in await world.rows(Recall)} == {"open"}
    assert any(row.opted_out_at for row in await world.rows(Contact))


async def test_what_is_said_again_needs_no_correction(world: World):
    budi = await world.operator()
    await budi.learns("lockers.md", LOCKERS)
    await world.asked("Ani", LARGE)
    await budi.learns("lockers.md", LOCKERS.replace("Rp 3.000", "Rp 4.500"))
    await budi.learns("lockers.md", LOCKERS.replace("# Lockers\n", "# Lockers at the office\n"))
    assert [item["state"] for item in await budi.rest.items("recalls")] == ["restored"]
    await budi.learns("lockers.md", LOCKERS.replace("Rp 3.000", "Rp 5.000"))
    assert len(await budi.rest.items("recalls?state=open")) == 1


async def test_a_document_under_another_name_says_the_same(world: World):
    budi = await world.operator()
    document = await budi.learns("lockers.md", LOCKERS)
    await world.asked("Ani", LARGE)
    await budi.learns("left-luggage.md", LOCKERS)
    await budi.rest.call("DELETE", f"documents/{document['id']}")
    assert await budi.rest.items("recalls") == []


async def test_an_answer_that_was_being_made_meanwhile_is_found(world: World):
    """The change came between the search and the record of the answer."""
    budi = await world.operator()
    document = await budi.learns("lockers.md", LOCKERS)
    await world.asked("Ani", LARGE)
    async with world.house.store.transaction() as tx:
        row = await library.get(tx, document["id"])
        row.removed_at = row.updated_at = world.clock.now()
        await tx.flush()
    assert await budi.rest.items("recalls") == []
    for _ in range(2):
        async with world.house.store.transaction() as tx:
            for document_id in await recalls.cited_lately(tx, now=world.clock.now()):
                await recalls.follow_again(tx, document_id, now=world.clock.now())
    assert len(await budi.rest.items("recalls")) == 1


@pytest.mark.parametrize("path", ["recalls", "recalls/x"])
async def test_recalls_need_a_key(world: World, path):
    assert (await world.rest(None).call("GET", path)).status_code == 401
