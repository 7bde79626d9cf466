"""What failed for good stays on a list until somebody decides: once more, or nothing more."""

from api.simulator.faults import Refuse
from sahut.models import AuditEntry
from tests.journeys.lines import FINE
from tests.journeys.stage import World


async def test_a_failure_is_listed_and_sent_once_more(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    world.double.fail_next(Refuse(131026))
    await ani.says(FINE)
    await world.settles()
    (failed,) = await budi.rest.items("failures")
    assert (failed["contact_name"], failed["error_code"], failed["author"]) == ("Ani", 131026, "assistant")
    assert failed["conversation_id"] == (await budi.conversation(ani))["id"]
    assert "2%" in failed["text"]

    assert (await budi.rest.post(f"failures/{failed['id']}/retry")).status_code == 202
    await world.settles()
    assert "2%" in world.sent_to(ani)[0]
    assert await budi.rest.items("failures") == []
    assert [message["state"] for message in await budi.messages(ani)] == ["received", "failed", "read"]
    assert (await budi.rest.post(f"failures/{failed['id']}/retry")).status_code == 409
    assert "message_retry" in [row.action for row in await world.rows(AuditEntry)]

    # The old one's status, brought once more, touches nothing.
    assert await world.post(world.double.status_payload(ani.received[0], "delivered")) == 200
    assert len(world.sent_to(ani)) == 1


async def test_a_failure_is_dismissed(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    world.double.fail_next(Refuse(131026))
    await ani.says(FINE)
    await world.settles()
    (failed,) = await budi.rest.items("failures")
    assert (await budi.rest.post(f"failures/{failed['id']}/dismiss")).status_code == 204
    assert await budi.rest.items("failures") == []
    assert (await budi.rest.post(f"failures/{failed['id']}/dismiss")).status_code == 409
    assert (await budi.rest.post("failures/nothing/dismiss")).status_code == 404
    assert world.sent_to(ani) == []
    (entry,) = [row for row in await world.rows(AuditEntry) if row.action == "message_dismiss"]
    assert (entry.detail["code"], entry.actor) == (131026, "budi")


async def test_what_has_arrived_or_may_not_leave_is_not_sent_again(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says(FINE)
    await world.settles()
    arrived = (await budi.messages(ani))[-1]
    assert (await budi.rest.post(f"failures/{arrived['id']}/retry")).status_code == 409
    world.double.fail_next(Refuse(131026))
    await ani.says(FINE)
    await world.settles()
    (failed,) = await budi.rest.items("failures")
    await world.passes(2 * 86_400)
    answer = await budi.rest.post(f"failures/{failed['id']}/retry")
    assert (answer.status_code, "window" in answer.text) == (403, True)
    assert len(await budi.rest.items("failures")) == 1
    assert (await budi.conversation(ani))["holder"] == "assistant"
