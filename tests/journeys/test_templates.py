"""What may still be said when the window is closed: a template, checked here before Meta would refuse it."""

from dataclasses import replace
from typing import Any

from tests.journeys.lines import FINE
from tests.journeys.stage import World

DAY_S = 24 * 3600
REOPEN = {
    "id": "1",
    "name": "reopen",
    "language": "id",
    "status": "APPROVED",
    "category": "UTILITY",
    "parameter_format": "POSITIONAL",
    "components": [{"type": "BODY", "text": "Halo {{1}}, balasan kami sudah ada."}],
}


def using(**template: Any) -> dict[str, Any]:
    return {"type": "template", "template": {"name": "reopen", "language": {"code": "id"}, **template}}


def saying(text: str) -> dict[str, Any]:
    return using(components=[{"type": "body", "parameters": [{"type": "text", "text": text}]}])


async def synced(world: World, *more: dict[str, Any]) -> Any:
    budi = await world.operator()
    world.double.templates = [REOPEN, *more]
    assert (await budi.rest.post("templates/sync")).json() == {"templates": 1 + len(more)}
    return budi


async def test_a_window_that_closes_late_leaves_a_template_ready(world: World):
    ani, budi = world.customer("Ani"), await synced(world)
    world.double.rules = replace(world.double.rules, statuses=("sent",))
    await ani.says(FINE)
    await world.settles()
    world.double.close_window(ani)
    await world.post(world.double.status_payload(ani.received[0], "failed", code=131047))

    (handoff,) = await budi.handoffs(ani)
    assert "only a template" in handoff["summary"]
    conversation = await budi.conversation(ani)
    (offered,) = (await budi.rest.get(f"conversations/{conversation['id']}/templates"))["items"]
    assert (offered["name"], [slot["key"] for slot in offered["slots"]]) == ("reopen", ["body.1"])
    path = f"conversations/{conversation['id']}/messages"
    assert (await budi.rest.post(path, saying("Ani"))).status_code == 202
    await world.settles()
    assert ani.received[-1].kind == "template"
    assert (await budi.messages(ani))[-1]["text"] == "Halo Ani, balasan kami sudah ada."


async def test_a_template_that_meta_would_refuse_never_leaves(world: World):
    ani, budi = world.customer("Ani"), await synced(world, {**REOPEN, "name": "paused", "status": "PAUSED"})
    await ani.says(FINE)
    await world.settles()
    path = f"conversations/{(await budi.conversation(ani))['id']}/messages"
    for body, words in (
        (using(name="nope"), "no template"),
        (using(language={"code": "en"}), "no template"),
        (using(name="paused"), "PAUSED"),
        (using(), "needs a value"),
        (saying("Ani\nEve"), "new line"),
    ):
        answer = await budi.rest.post(path, body)
        assert answer.status_code == 422, answer.text
        assert words in answer.json()["detail"]
    assert world.double.refused == []
    assert (await budi.conversation(ani))["holder"] == "assistant"


async def test_news_of_a_template_counts_at_once_and_an_older_one_does_not(world: World):
    budi = await synced(world)

    async def hears(event: str, seconds: int) -> str:
        value = {
            "event": event,
            "message_template_id": 1,
            "message_template_name": "reopen",
            "message_template_language": "id",
        }
        change = {"field": "message_template_status_update", "value": value}
        at = int(world.clock.now().timestamp()) + seconds
        entry = {"id": world.double.account, "time": at, "changes": [change]}
        assert await world.post({"object": "whatsapp_business_account", "entry": [entry]}) == 200
        status: str = (await budi.rest.items("templates"))[0]["status"]
        return status

    world.clock.advance(100)
    assert await hears("PAUSED", -10) == "PAUSED"
    assert await hears("APPROVED", -20) == "PAUSED"
    assert await hears("APPROVED", -5) == "APPROVED"


async def test_what_meta_no_longer_lists_is_offered_no_more(world: World):
    budi = await synced(world, *({**REOPEN, "name": f"t{n}", "id": f"9{n}"} for n in range(150)))
    world.double.templates = [REOPEN]
    world.clock.advance(1)
    assert (await budi.rest.post("templates/sync")).json() == {"templates": 1}
    assert [one["name"] for one in await budi.rest.items("templates")] == ["reopen"]


async def test_a_template_is_looked_up_at_meta_before_anything_is_said_of_it(world: World):
    """No list was ever fetched: Meta is asked at once, an empty list is an answer, and no answer is none."""
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says(FINE)
    await world.settles()
    path = f"conversations/{(await budi.conversation(ani))['id']}/messages"
    token, world.double.token = world.double.token, "another"
    unasked = await budi.rest.post(path, using(name="nope"))
    assert (unasked.status_code, "templates/sync" in unasked.json()["detail"]) == (409, True)
    world.double.token = token
    refused = await budi.rest.post(path, using(name="nope"))
    assert (refused.status_code, "no template" in refused.json()["detail"]) == (422, True)
    assert (await budi.rest.post("templates/sync")).json() == {"templates": 0}
    assert (await budi.rest.post(path, using(name="nope"))).status_code == 422
    assert (await budi.conversation(ani))["holder"] == "assistant"
