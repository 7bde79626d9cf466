"""The REST interface: keys and scopes, problem documents, pages, and odd requests."""

from typing import Any

import httpx
import jsonschema
import pytest

from sahut.store.inbox import update_conversation
from tests.journeys.stage import World

PROBLEM = "application/problem+json"
NOWHERE = "00000000-0000-7000-8000-000000000000"
TEXT = {"type": "text", "text": {"body": "Halo"}}


def check_problem(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM
    body = answer.json()
    assert (body["status"], body["type"]) == (status, "about:blank")
    assert body["title"]
    assert body["detail"]
    return body


NO_KEYS = [None, "", "Bearer", "Bearer ", "Bearer nobody", "Basic YTpi", "Bearer a b", "bearer \x7f", "Bearer kunci-ñ"]


async def test_no_key_no_door(small: World):
    for header in NO_KEYS:
        headers = [] if header is None else [(b"authorization", header.encode())]
        answer = await small.web.get("/api/v1/conversations", headers=headers)
        check_problem(answer, 401)
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_key_opens_what_its_scopes_name(small: World):
    await small.customer("Ani").says("Halo")
    await small.settles()
    reader, writer, admin = [small.rest(await small.key(s, s)) for s in ("read", "write", "admin")]
    conversation = (await admin.items("conversations"))[0]["id"]
    asked = [
        ("GET", "conversations", {reader: 200, writer: 403, admin: 200}),
        ("POST", f"conversations/{conversation}/takeover", {reader: 403, writer: 200, admin: 200}),
        ("GET", "keys", {reader: 403, writer: 403, admin: 200}),
    ]
    for method, path, expected in asked:
        for rest, status in expected.items():
            answer = await rest.call(method, path)
            assert answer.status_code == status
            if status == 403:
                check_problem(answer, 403)


async def test_keys_are_made_listed_without_their_secret_and_revoked(world: World):
    admin = world.rest(await world.key("root", "admin"))
    made = (await admin.post("keys", {"name": "crm", "scopes": ["write", "read", "read"]})).json()
    assert made["scopes"] == ["read", "write"]
    crm = world.rest(made["key"])
    assert await crm.items("conversations") == []

    listed = await admin.get("keys")
    assert [key["name"] for key in listed["items"]] == ["root", "crm"]
    assert made["key"] not in str(listed)
    assert (await admin.call("DELETE", f"keys/{made['id']}")).status_code == 204
    check_problem(await crm.call("GET", "conversations"), 401)
    assert (await admin.items("keys"))[1]["revoked_at"] is not None


@pytest.mark.parametrize(
    "body",
    [{}, {"name": "x"}, {"name": "", "scopes": ["read"]}, {"name": "x", "scopes": []}, {"name": 1, "scopes": ["x"]}],
)
async def test_a_key_that_makes_no_sense_is_422(small: World, body):
    admin = small.rest(await small.key("root", "admin"))
    assert check_problem(await admin.post("keys", body), 422)["errors"]


NOT_THERE = [
    "method path",
    "GET conversations/{}",
    "GET conversations/{}/messages",
    "GET conversations/{}/notes",
    "POST conversations/{}/takeover",
    "POST conversations/{}/return",
    "POST conversations/{}/resolve",
    "POST conversations/{}/spam",
    "POST conversations/{}/not-spam",
    "GET handoffs/{}",
    "POST handoffs/{}/claim",
    "GET messages/{}",
    "GET messages/{}/receipt",
    "GET tickets/{}",
    "GET documents/{}",
    "GET documents/{}/versions/abc/text",
    "DELETE documents/{}",
    "DELETE keys/{}",
    "POST operators/{}/disable",
    "POST operators/{}/enable",
]


async def test_what_is_not_there_is_404(world: World):
    admin = world.rest(await world.key("root", "admin"))
    for call in NOT_THERE:
        method, path = call.split()
        for row_id in (NOWHERE, "%00", "%ED%A0%80", "x" * 500):
            check_problem(await admin.call(method, path.format(row_id)), 404)


async def test_unknown_paths_and_methods_are_problems_too(small: World):
    admin = small.rest(await small.key("root", "admin"))
    check_problem(await admin.call("GET", "nothing"), 404)
    check_problem(await admin.call("PATCH", "conversations"), 405)


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", f"limit={'9' * 40}", f"cursor={'x' * 65}"])
async def test_a_query_that_makes_no_sense_is_422(small: World, query):
    reader = small.rest(await small.key("reader", "read"))
    assert check_problem(await reader.call("GET", f"conversations?{query}"), 422)["errors"]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("conversations?cursor=zzz", "no cursor of ours"),
        ("conversations?cursor=", "no cursor of ours"),
        ("conversations?status=foo", "'open', 'waiting', 'resolved' or 'spam'"),
        ("conversations?holder=%ED%A0%80", "'assistant' or 'operator'"),
        ("handoffs?state=foo", "'queued', 'claimed', 'returned' or 'resolved'"),
        ("handoffs?lane=foo", "'support' or 'spam'"),
        ("templates?status=approved", "'APPROVED', 'PENDING'"),
        ("conflicts?cursor=zzz", "no cursor of ours"),
    ],
)
async def test_a_filter_or_cursor_that_is_not_ours_is_422_and_says_what_is(small: World, query, told):
    reader = small.rest(await small.key("reader", "read"))
    (flaw,) = check_problem(await reader.call("GET", query), 422)["errors"]
    assert told in flaw["what"]


@pytest.mark.parametrize("query", ["cursor=%00", "status=%00"])
async def test_a_query_with_a_nul_breaks_nothing(world: World, query):
    reader = world.rest(await world.key("reader", "read"))
    check_problem(await reader.call("GET", f"conversations?{query}"), 422)


async def test_pages_hold_everything_once(world: World):
    names = [f"customer {n}" for n in range(5)]
    for name in names:
        await world.customer(name).says("Halo")
    reader = world.rest(await world.key("reader", "read"))
    seen, cursor = [], ""
    while cursor is not None:
        page = await reader.get(f"conversations?limit=2{cursor and f'&cursor={cursor}'}")
        assert len(page["items"]) <= 2
        seen += [item["contact"]["name"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen == names[::-1]


async def test_lists_are_filtered(world: World):
    for name in ("Ani", "Bela"):
        await world.customer(name).says("Halo")
    await world.settles()
    budi = await world.operator()
    await budi.takes_over(world.customer("Ani"))
    for query, names in (("holder=operator", ["Ani"]), ("status=open", ["Bela", "Ani"]), ("status=spam", [])):
        items = await budi.rest.items(f"conversations?{query}")
        assert [item["contact"]["name"] for item in items] == names


async def test_a_conversation_and_its_messages_have_what_the_contract_names(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says("Halo")
    await world.settles()
    assert {"id", "status", "holder", "number", "contact", "window_closes_at"} <= (await budi.conversation(ani)).keys()
    for message in await budi.messages(ani):
        assert {"id", "wamid", "author", "kind", "state", "text", "created_at"} <= message.keys()


@pytest.mark.parametrize(
    "body",
    [
        TEXT,
        {"text": {"body": "type is text where none is given"}},
        {"type": "text", "text": {"body": "x" * 4096, "preview_url": False}},
        {"type": "text", "text": {"body": "👩‍👩‍👧 مرحبا"}, "context": {"message_id": ""}},
        {"type": "image", "image": {"link": "https://example.com/a.png", "caption": "map"}},
        {
            "type": "interactive",
            "interactive": {
                "type": "button",
                "body": {"text": "Sudah benar?"},
                "action": {"buttons": [{"type": "reply", "reply": {"id": "yes", "title": "Ya"}}]},
            },
        },
        {"type": "template", "template": {"name": "reminder", "language": {"code": "id"}}},
        {"type": "contacts", "contacts": [{"name": {"formatted_name": "Bo", "first_name": "Bo"}}]},
    ],
)
async def test_a_message_in_metas_shape_is_queued_and_sent(small: World, body):
    ani, budi = small.customer("Ani"), await small.operator()
    await ani.says("Halo")
    if "context" in body:
        body = {**body, "context": {"message_id": (await budi.messages(ani))[0]["wamid"]}}
    description = (await small.web.get("/api/v1/openapi.json")).json()
    told = description["paths"]["/api/v1/conversations/{conversation_id}/messages"]["post"]["requestBody"]["content"]
    jsonschema.validate(body, told["application/json"]["schema"])
    small.double.templates = [{"name": "reminder", "language": "id", "status": "APPROVED"}]
    answer = await budi.rest.post(f"conversations/{(await budi.conversation(ani))['id']}/messages", body)
    assert (answer.status_code, answer.json()["state"]) == (202, "queued")
    await small.settles()
    (sent,) = ani.received
    assert all(sent.body[key] == value for key, value in body.items())
    assert sent.callback


REFUSED: list[Any] = [
    {},
    [],
    "text",
    {"type": "text"},
    {"type": "text", "text": "Halo"},
    {"type": "text", "text": {"body": ""}},
    {"type": "text", "text": {"body": "x" * 4097}},
    {"type": "text", "text": {"body": ["Halo"]}},
    {"type": "hologram", "hologram": {}},
    {"type": ["text"], "text": {"body": "Halo"}},
    {**TEXT, "to": "62811"},
    {**TEXT, "recipient": "ID.1"},
    {**TEXT, "recipient_type": "group"},
    {**TEXT, "messaging_product": "whatsapp"},
    {**TEXT, "biz_opaque_callback_data": "mine"},
    {**TEXT, "surprise": 1},
    {**TEXT, "context": "wamid.1"},
    {**TEXT, "context": {}},
    {**TEXT, "context": {"message_id": "wamid.of-somebody-else"}},
    {"type": "template", "template": {"name": "there-is-none", "language": {"code": "id"}}},
    {"type": "text", "text": {"body": "\u0001"}},
    {"type": "template", "template": {}},
    {"type": "interactive", "interactive": {"type": "button", "body": {"text": "?"}, "action": {"buttons": []}}},
]


async def test_a_message_that_meta_would_refuse_is_422_and_takes_nothing_over(small: World):
    ani, budi = small.customer("Ani"), await small.operator()
    await ani.says("Halo")
    conversation = await budi.conversation(ani)
    for body in REFUSED:
        check_problem(await budi.rest.post(f"conversations/{conversation['id']}/messages", body), 422)
    assert (await budi.conversation(ani))["holder"] == "assistant"
    assert len(await budi.messages(ani)) == 1


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b'{"type": NaN}', b"[" * 100_000])
async def test_a_body_that_is_not_json_is_a_problem(small: World, content):
    ani, budi = small.customer("Ani"), await small.operator()
    await ani.says("Halo")
    path = f"conversations/{(await budi.conversation(ani))['id']}/messages"
    answer = await budi.rest.post_raw(path, content)
    check_problem(answer, answer.status_code)
    assert answer.status_code in {400, 422}


@pytest.mark.parametrize("text", [r"NUL \u0000 here", r"half \ud83d a pair", r"\u001b[31m", "a\\u202eb"])
async def test_an_operators_weird_text_breaks_nothing(world: World, text):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says("Halo")
    path = f"conversations/{(await budi.conversation(ani))['id']}/messages"
    content = f'{{"type": "text", "text": {{"body": "{text}"}}}}'
    answer = await budi.rest.post_raw(path, content.encode())
    assert answer.status_code == 202
    await world.settles()
    assert len(ani.received) == 1
    assert not {"\x00", "\ud83d", "\x1b"} & set((await budi.messages(ani))[-1]["text"])


async def test_a_message_into_a_closed_window_is_403_and_takes_nothing_over(small: World):
    ani, budi = small.customer("Ani"), await small.operator()
    await ani.says("Halo")
    conversation = await budi.conversation(ani)
    async with small.house.store.transaction() as tx:
        await update_conversation(tx, conversation["id"], window_opened_at=None)
    check_problem(await budi.writes(ani, "Halo"), 403)
    assert (await budi.conversation(ani))["holder"] == "assistant"


@pytest.mark.parametrize("action", ["takeover", "return", "resolve", "spam"])
async def test_an_action_may_come_twice(small: World, action):
    ani, budi = small.customer("Ani"), await small.operator()
    await ani.says("Halo")
    path = f"conversations/{(await budi.conversation(ani))['id']}/{action}"
    first, second = [(await budi.rest.post(path)).json() for _ in range(2)]
    assert (first["status"], first["holder"]) == (second["status"], second["holder"])


async def test_the_interface_describes_itself(small: World):
    described = (await small.web.get("/api/v1/openapi.json")).json()
    assert described["openapi"].startswith("3.")
    for path, methods in described["paths"].items():
        assert path.startswith("/api/v1/")
        for method in methods.values():
            assert method["security"]
    assert "/api/v1/conversations/{conversation_id}/not-spam" in described["paths"]


async def test_probes_and_metrics(small: World):
    assert (await small.web.get("/health/live")).json() == {"status": "alive"}
    assert (await small.web.get("/health/ready")).json() == {"status": "ready"}
    await small.web.post("/webhooks/whatsapp", content=b"{}")
    metrics = await small.web.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    assert 'sahut_webhooks_total{outcome="bad_signature"} 1.0' in metrics.text


async def test_a_body_is_bounded_before_any_key_is_looked_at(small: World):
    answer = await small.web.post("/api/v1/keys", content=b"x" * (2 * 1024 * 1024))
    assert answer.status_code == 413


async def test_an_upload_without_a_key_is_refused_before_its_files_are_taken(small: World):
    answer = await small.web.post("/api/v1/documents", files={"file": ("a.md", b"x" * (3 * 1024 * 1024))})
    assert answer.status_code == 401
    assert not (small.house.settings.home / "uploads").exists()


async def test_an_attachments_bytes_are_not_taken_without_a_key(small: World):
    """The rest of a body that nobody may send is never asked for."""
    taken = 0

    async def bytes_of_a_form():
        nonlocal taken
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n'
        for _ in range(40):
            taken += 1
            yield b"x" * (1024 * 1024)

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    request = httpx.Request("POST", "http://test/api/v1/attachments", content=bytes_of_a_form(), headers=headers)
    answer = await small.web.send(request)
    check_problem(answer, 401)
    assert taken <= 1


@pytest.mark.parametrize("form", [{"data": {"names": "Brochure"}}, {"files": {"file": (None, "words")}}])
async def test_an_attachment_without_a_file_is_422(small: World, form):
    budi = await small.operator()
    assert "file" in check_problem(await budi.rest.call("POST", "attachments", **form), 422)["detail"]


async def test_an_opt_out_by_word_is_seen_over_rest(small: World):
    ani, budi = small.customer("Ani"), await small.operator()
    await ani.says("STOP")
    await small.settles()
    contact = (await budi.conversation(ani))["contact"]
    assert contact["opted_out_at"] is not None
    assert (await budi.rest.get(f"contacts/{contact['id']}"))["opted_out_at"] == contact["opted_out_at"]


async def test_who_sends_no_body_or_a_wrong_field_is_told_what_to_send(small: World):
    admin = small.rest(await small.key("root", "admin"))
    number = (await admin.items("numbers"))[0]
    assert number["access_token"]["from"] == "settings"
    for path, told in (
        (f"conversations/{NOWHERE}/assign", 'send a JSON body: {"operator": ...}'),
        (f"numbers/{number['number']}/pause", 'send a JSON body: {"why": ...}'),
        (f"conversations/{NOWHERE}/messages", "send a JSON body"),
    ):
        (flaw,) = check_problem(await admin.call("POST", path), 422)["errors"]
        assert flaw["what"] == told
    for field, told in (("organization", "did you mean organisation?"), ("xyz", "there are account, access_token")):
        answer = await admin.call("PATCH", f"numbers/{number['number']}", json={field: "x"})
        (flaw,) = check_problem(answer, 422)["errors"]
        assert told in flaw["what"]
