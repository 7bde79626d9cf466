"""What the webhook makes of odd material: an answer that Meta understands, and nothing lost beside it."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa

from api.simulator.graph import NUMBER, SECRET
from api.webhook import MAX_BODY_BYTES
from api.whatsapp.signature import HEADER, sign
from sahut.models import Message, RawEvent
from sahut.store.inbox import RAW_EVENTS_KEPT
from tests.journeys.stage import World
from tests.whatsapp.data import FIXTURES, envelope, text_message

WEBHOOK = "/webhooks/whatsapp"
WEIRD_TEXTS = [
    "",
    " \n\t ",
    "NUL \x00 in the middle",
    "\x01\x02\x1b[31m red \x7f\x9f",
    "مرحبا، كم تبلغ الغرامة؟ \u202eabc\u202c",
    "👩‍👩‍👧‍👦🇮🇩 berapa dendanya? 👍🏽",
    "a lone \ud83d surrogate \udc00",
    "z̷̢a̸l̶g̵o̷" * 50,
    "x" * 65_536,
    "😀" * 70_000,
    "' ; DROP TABLE message; --",
    "{{7*7}} ${jndi:ldap://x} %s %n",
]


async def post(world: World, body: bytes) -> int:
    headers = {HEADER: sign(body, SECRET)}
    return (await world.web.post(WEBHOOK, content=body, headers=headers)).status_code


async def post_json(world: World, payload: Any) -> int:
    return await post(world, json.dumps(payload).encode())


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff\xfe", b"hello", b"'a'", b"[" * 100_000, b'{"a":' * 100_000, b'{"a": ' + b"9" * 5000 + b"}"],
    ids=["empty", "cut", "bytes", "word", "quotes", "deep list", "deep object", "giant number"],
)
async def test_signed_but_not_json_is_400(small: World, body):
    assert await post(small, body) == 400


@pytest.mark.parametrize("payload", [None, 1, "text", [], {}, {"object": "page", "entry": []}, {"entry": {}}])
async def test_json_that_is_no_webhook_is_kept_raw(small: World, payload):
    assert await post_json(small, payload) == 200
    assert len(await small.rows(RawEvent)) == 1


async def test_a_body_of_exactly_the_limit_is_taken(small: World):
    payload = json.dumps(envelope({"messages": [text_message("wamid.1")]})).encode()
    assert await post(small, payload + b" " * (MAX_BODY_BYTES - len(payload))) == 200
    assert len(await small.rows(Message)) == 1


async def test_a_larger_body_is_413_also_when_it_does_not_say_so(small: World):
    body = json.dumps(envelope({"messages": [text_message("wamid.1")]})).encode()
    body += b" " * (MAX_BODY_BYTES + 1 - len(body))

    async def chunks() -> AsyncIterator[bytes]:
        for at in range(0, len(body), 500_000):
            yield body[at : at + 500_000]

    announced = await small.web.post(WEBHOOK, content=body, headers={HEADER: sign(body, SECRET)})
    chunked = await small.web.post(WEBHOOK, content=chunks(), headers={HEADER: sign(body, SECRET)})
    assert "content-length" not in chunked.request.headers
    assert (announced.status_code, chunked.status_code) == (413, 413)
    assert await small.rows(Message) == []


async def test_every_kind_of_webhook_is_taken_twice_and_stored_once(world: World):
    for payload in FIXTURES.values():
        assert await post_json(world, payload) == 200
    once = len(await world.rows(Message))
    for payload in FIXTURES.values():
        assert await post_json(world, payload) == 200
    assert len(await world.rows(Message)) == once > 20


async def test_weird_texts_are_stored_shown_and_attended_to(world: World):
    budi = await world.operator()
    for n, text in enumerate(WEIRD_TEXTS):
        person = world.customer(f"customer {n}")
        assert await post_json(world, world.double.payload_of(person.text(text))) == 200
    await world.settles()

    for n, text in enumerate(WEIRD_TEXTS):
        shown = (await budi.messages(world.customer(f"customer {n}")))[0]
        assert shown["kind"] == "text"
        assert not {"\x00", "\x1b", "\ud83d"} & set(shown["text"])
        assert shown["text"].count("x") >= min(text.count("x"), 65_000)
    assert {item["status"] for item in await budi.rest.items("conversations")} <= {"open", "waiting"}


async def test_odd_events_never_affect_the_rest_of_their_batch(world: World):
    odd: list[Any] = [
        None,
        "text",
        {},
        {"id": None, "from": "1"},
        {"id": "wamid.odd", "from": {}, "type": []},
        {"id": "wamid.deep", "from": "62811", "type": "hologram", "hologram": {"a": [[[{}]]], "n": 1e400}},
        {"id": "wamid.\u0000", "from": "62811", "type": "text"},
        {"id": "x" * 10_000, "from": "62811", "type": "text", "text": {"body": "x"}},
    ]
    sound = [text_message(f"wamid.{n}", f"sound {n}") for n in range(3)]
    mixed = [sound[0], *odd[:4], sound[1], *odd[4:], sound[2]]
    payload = envelope({"messages": mixed, "statuses": [{"id": 7}, "sent", {"id": "wamid.s", "status": "lost"}]})
    payload["entry"] += [None, {"changes": [{"field": "hologram", "value": {}}]}, {"changes": "many"}]
    assert await post_json(world, payload) == 200

    stored = await world.rows(Message)
    assert [row.text for row in stored if row.text.startswith("sound")] == ["sound 0", "sound 1", "sound 2"]
    assert [row.kind for row in stored if row.wamid == "wamid.deep"] == ["hologram"]
    assert len(await world.rows(RawEvent)) >= 10


async def test_another_number_is_kept_raw_counted_and_taken(world: World):
    payload = envelope({"messages": [text_message("wamid.1", "to somebody else")]})
    payload["entry"][0]["changes"][0]["value"]["metadata"]["phone_number_id"] = NUMBER + "9"
    assert await post_json(world, payload) == 200

    assert await world.rows(Message) == []
    (raw,) = await world.rows(RawEvent)
    assert raw.why == "unserved_number"
    assert "to somebody else" in raw.body
    metrics = (await world.web.get("/metrics")).text
    assert 'sahut_webhook_events_total{kind="Unsupported"} 1.0' in metrics


async def test_raw_material_is_bounded_and_the_oldest_goes(world: World):
    now = world.clock.now()
    old = [{"id": f"00000000-{n:05}", "why": "old", "body": "{}", "created_at": now} for n in range(RAW_EVENTS_KEPT)]
    async with world.house.store.transaction() as tx:
        await tx.execute(sa.insert(RawEvent), old)
    for _ in range(3):
        assert await post_json(world, {"object": "page"}) == 200

    await world.house.worker.forget()
    kept = await world.rows(RawEvent)
    assert len(kept) == RAW_EVENTS_KEPT
    assert [row.why for row in kept].count("not_a_whatsapp_webhook") == 3
    assert kept[0].id == "00000000-00003"
