"""Every kind of message that may leave, as it arrives at Meta; and every limit, refused here before any request.

The kinds are in `outbound.json` beside this file, each in Meta's own shape.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.stage import World

KINDS: dict[str, Any] = json.loads((Path(__file__).parent / "outbound.json").read_text(encoding="utf-8"))


def asks(kind: str, action: Any, **more: Any) -> dict[str, Any]:
    return {"type": "interactive", "interactive": {"type": kind, "body": {"text": "b"}, "action": action, **more}}


def button(title: str = "Yes", key: str = "y") -> dict[str, Any]:
    return {"type": "reply", "reply": {"id": key, "title": title}}


ROW = {"id": "a", "title": "A"}
LINK = {"display_text": "Open", "url": "https://example.com"}
FLOW = {"flow_message_version": "3", "flow_id": "9", "flow_token": "t", "flow_cta": "Start"}
BEYOND = {
    "text": {"type": "text", "text": {"body": "x" * 4097}},
    "empty text": {"type": "text", "text": {"body": " "}},
    "caption": {"type": "image", "image": {"id": "1", "caption": "x" * 1025}},
    "caption of a voice": {"type": "audio", "audio": {"id": "1", "caption": "x"}},
    "name of an image": {"type": "image", "image": {"id": "1", "filename": "x.png"}},
    "id and link": {"type": "video", "video": {"id": "1", "link": "https://example.com/a.mp4"}},
    "link that is none": {"type": "document", "document": {"link": "javascript:alert(1)"}},
    "four buttons": asks("button", {"buttons": [button(str(n), str(n)) for n in range(4)]}),
    "title of a button": asks("button", {"buttons": [button("x" * 21)]}),
    "twice the same button": asks("button", {"buttons": [button(), button()]}),
    "eleven rows": asks("list", {"button": "O", "sections": [{"rows": [{**ROW, "id": str(n)} for n in range(11)]}]}),
    "picture over a list": asks(
        "list", {"button": "O", "sections": [{"rows": [ROW]}]}, header={"type": "image", "image": {"id": "1"}}
    ),
    "description": asks("list", {"button": "O", "sections": [{"rows": [{**ROW, "description": "x" * 73}]}]}),
    "body": {"type": "interactive", "interactive": {"type": "button", "body": {"text": "x" * 1025}, "action": {}}},
    "footer": asks("button", {"buttons": [button()]}, footer={"text": "x" * 61}),
    "header": asks("button", {"buttons": [button()]}, header={"type": "text", "text": "x" * 61}),
    "header without its type": asks("button", {"buttons": [button()]}, header={"text": "x"}),
    "title of a link": asks("cta_url", {"name": "cta_url", "parameters": {**LINK, "display_text": "x" * 21}}),
    "no link": asks("cta_url", {"name": "cta_url", "parameters": {**LINK, "url": "example.com"}}),
    "two flows": asks("flow", {"name": "flow", "parameters": {**FLOW, "flow_name": "n"}}),
    "title of a flow": asks("flow", {"name": "flow", "parameters": {**FLOW, "flow_cta": "x" * 21}}),
    "odd flow": asks("flow", {"name": "flow", "parameters": {**FLOW, "flow_action": "jump"}}),
    "flow with no screen": asks("flow", {"name": "flow", "parameters": {**FLOW, "flow_action_payload": {}}}),
    "flow with no data": asks(
        "flow", {"name": "flow", "parameters": {**FLOW, "flow_action_payload": {"screen": "A", "data": {}}}}
    ),
    "place that is none": {"type": "location", "location": {"latitude": 91, "longitude": 0}},
    "nameless contact": {"type": "contacts", "contacts": [{"phones": []}]},
    "half a name": {"type": "contacts", "contacts": [{"name": {"formatted_name": "Bo"}}]},
    "unknown kind": {"type": "hologram", "hologram": {}},
    "surprise": {"type": "text", "text": {"body": "a"}, "surprise": 1},
}

# What the template of `outbound.json` is, at Meta.
ORDER_UPDATE = {
    "id": "1",
    "name": "order_update",
    "language": "id",
    "status": "APPROVED",
    "category": "UTILITY",
    "parameter_format": "NAMED",
    "components": [
        {
            "type": "BODY",
            "text": "Halo {{name}}, pesanan Anda dikirim.",
            "example": {"body_text_named_params": [{"param_name": "name", "example": "Ani"}]},
        }
    ],
}


async def test_every_kind_arrives_as_it_was_written(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says("halo")
    await world.settles()
    await budi.takes_over(ani)
    world.double.templates = [ORDER_UPDATE]
    where = f"conversations/{(await budi.conversation(ani))['id']}/messages"
    for name, body in KINDS.items():
        before = len(world.double.sent)
        assert (await budi.rest.post(where, body)).status_code == 202, name
        await world.passes(300)
        (sent,) = world.double.sent[before:]
        envelope = {"messaging_product": "whatsapp", "recipient_type": "individual", "to": f"+{ani.phone}"}
        assert sent.body == {**envelope, **body, "biz_opaque_callback_data": sent.callback}, name
    assert {body["type"] for body in KINDS.values()} == {
        "text", "image", "video", "audio", "document", "sticker", "location", "contacts", "reaction", "interactive",
        "template",
    }  # fmt: skip


async def test_what_is_beyond_a_limit_makes_no_request(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says("halo")
    await world.settles()
    await budi.takes_over(ani)
    where = f"conversations/{(await budi.conversation(ani))['id']}/messages"
    taken = len(world.double.sent)
    for name, body in BEYOND.items():
        answer = await budi.rest.post(where, body)
        assert (answer.status_code, bool(answer.json()["detail"])) == (422, True), name
    await world.passes(60)
    assert len(world.double.sent) == taken
    assert world.double.refused == []


@pytest.mark.parametrize("name", ["text", "buttons"])
async def test_a_reply_context_goes_along(world: World, name: str):
    ani, budi = world.customer("Ani"), await world.operator()
    wamid = await ani.says("halo")
    await world.settles()
    where = f"conversations/{(await budi.conversation(ani))['id']}/messages"
    assert (await budi.rest.post(where, {**KINDS[name], "context": {"message_id": wamid}})).status_code == 202
    await world.passes(60)
    assert world.double.sent[-1].quotes == wamid
