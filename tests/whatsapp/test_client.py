"""The Graph client: what it posts, and which of the three errors each kind of trouble becomes."""

import json

import httpx
import pytest

from api.whatsapp.client import GraphClient
from api.whatsapp.outgoing import text
from sahut.errors import ConfigurationError, SendNotMade, SendRefused, SendUnknown
from sahut.ports import Channel

YES = {"messages": [{"id": "wamid.OUT"}]}
NUMBER = "106500000000001"


class Network(httpx.AsyncBaseTransport):
    """Answers each request with what it was given, or raises it, and keeps the requests."""

    def __init__(self, outcome) -> None:
        self.outcome = outcome
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request):
        self.requests.append(request)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


def answer(status, body):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx.Response(status, content=content)


def client_on(outcome):
    network = Network(outcome)
    return GraphClient(url="https://graph.example/", version="v26.0", token="tok", transport=network), network


async def test_a_send_is_one_post_with_the_token():
    client, network = client_on(answer(200, YES))
    channel: Channel = client
    assert await channel.send(NUMBER, {"to": "+62812", **text("halo 😀")}) == "wamid.OUT"
    (request,) = network.requests
    assert str(request.url) == f"https://graph.example/v26.0/{NUMBER}/messages"
    assert request.headers["authorization"] == "Bearer tok"
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.content) == {
        "messaging_product": "whatsapp",
        "to": "+62812",
        "type": "text",
        "text": {"body": "halo 😀", "preview_url": False},
    }
    await client.close()


def error(code):
    return {"error": {"message": f"(#{code}) no", "code": code, "error_data": {"details": "because"}}}


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (httpx.ConnectError("refused"), SendNotMade),
        (httpx.ConnectTimeout("slow"), SendNotMade),
        (httpx.PoolTimeout("busy"), SendNotMade),
        (httpx.LocalProtocolError("bad header"), SendNotMade),
        (httpx.ReadTimeout("slow"), SendUnknown),
        (httpx.WriteTimeout("slow"), SendUnknown),
        (httpx.ReadError("reset"), SendUnknown),
        (httpx.WriteError("broken pipe"), SendUnknown),
        (httpx.RemoteProtocolError("gone"), SendUnknown),
        (httpx.DecodingError("bad gzip"), SendUnknown),
        (answer(400, error(131047)), SendRefused),
        (answer(401, error(190)), SendRefused),
        (answer(400, {"error": {"code": "100", "message": "as text"}}), SendRefused),
        (answer(500, error(131000)), SendRefused),
        (answer(503, error(2)), SendRefused),
        (answer(200, error(131016)), SendRefused),
        (answer(500, b""), SendUnknown),
        (answer(502, b"<html>Bad gateway</html>"), SendUnknown),
        (answer(504, {"error": {"message": "no code"}}), SendUnknown),
        (answer(404, b"not here"), SendUnknown),
        (answer(302, b""), SendUnknown),
        (answer(200, b"OK"), SendUnknown),
        (answer(200, b"[" * 100_000), SendUnknown),
        (answer(200, {}), SendUnknown),
        (answer(200, {"messages": []}), SendUnknown),
        (answer(200, {"messages": [{"id": ""}]}), SendUnknown),
        (answer(200, {"messages": "wamid"}), SendUnknown),
    ],
)
async def test_every_trouble_has_its_error_and_none_is_tried_again(outcome, expected):
    client, network = client_on(outcome)
    with pytest.raises(expected):
        await client.send(NUMBER, text("halo"))
    assert len(network.requests) == 1
    with pytest.raises(expected):
        await client.send(NUMBER, text("halo"))


async def test_a_refusal_carries_code_and_details():
    client, _ = client_on(answer(400, error(131056)))
    with pytest.raises(SendRefused) as refusal:
        await client.send(NUMBER, text("halo"))
    assert (refusal.value.code, refusal.value.message) == (131056, "because")


async def test_a_text_that_no_encoder_takes_is_cleaned():
    client, network = client_on(answer(200, YES))
    await client.send(NUMBER, {"type": "text", "text": {"body": "a\ud800b\x00"}, "x": float("nan")})
    assert json.loads(network.requests[0].content)["text"]["body"] == "a\ufffdb"


async def test_read_marks_with_and_without_typing():
    client, network = client_on(answer(200, {"success": True}))
    await client.mark_read(NUMBER, "wamid.IN", typing=True)
    await client.mark_read(NUMBER, "wamid.IN", typing=False)
    bodies = [json.loads(request.content) for request in network.requests]
    plain = {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.IN"}
    assert bodies == [{**plain, "typing_indicator": {"type": "text"}}, plain]


async def test_number_status():
    client, network = client_on(answer(200, {"id": NUMBER, "quality_rating": "GREEN"}))
    assert (await client.number_status(NUMBER))["quality_rating"] == "GREEN"
    assert network.requests[0].method == "GET"
    assert "quality_rating" in network.requests[0].url.params["fields"]


@pytest.mark.parametrize("token", ["a\nb", "tøken"])
def test_a_token_that_no_header_can_carry(token):
    with pytest.raises(ConfigurationError, match="ACCESS_TOKEN"):
        GraphClient(url="https://graph.example", version="v26.0", token=token)
