"""Who may post a webhook: whoever signs its raw bytes with a secret of ours. And Meta's handshake."""

import hashlib
import hmac
from pathlib import Path
from typing import Any

import pytest

from api.simulator.graph import SECRET
from api.whatsapp.signature import HEADER, sign
from knowledge.embed import LocalEmbedder
from sahut.models import Message, RawEvent
from tests.databases import Templates
from tests.journeys.stage import VERIFY, World, open_world

WEBHOOK = "/webhooks/whatsapp"


def body_of(world: World) -> bytes:
    body, _ = world.double.mail.signed(world.double.payload_of(world.customer("Ani").text("Halo")))
    return body


async def status(world: World, body: bytes, signature: str | None) -> int:
    headers = {} if signature is None else {HEADER: signature}
    return (await world.web.post(WEBHOOK, content=body, headers=headers)).status_code


@pytest.mark.parametrize(
    "forge",
    [
        lambda body: None,
        lambda body: "",
        lambda body: "sha256=",
        lambda body: sign(body, "another secret"),
        lambda body: sign(body + b" ", SECRET),
        lambda body: sign(body, SECRET).removeprefix("sha256="),
        lambda body: sign(body, SECRET).replace("sha256", "sha1"),
        lambda body: "sha256=" + hmac.new(b"", body, hashlib.sha256).hexdigest(),
        lambda body: "sha256=ünsigned",
    ],
)
async def test_a_webhook_that_we_cannot_trust_is_401_and_leaves_nothing(small: World, forge: Any):
    body = body_of(small)
    given = forge(body)
    headers = [] if given is None else [(HEADER.encode(), given.encode())]
    answer = await small.web.post(WEBHOOK, content=body, headers=headers)

    assert answer.status_code == 401
    assert await small.rows(Message) == await small.rows(RawEvent) == []


async def test_two_secrets_while_one_is_rotated(templates: Templates, embedder: LocalEmbedder, tmp_path: Path):
    url = templates.sqlite(tmp_path / "sahut.db")
    async with open_world(url, embedder, tmp_path, whatsapp_app_secret=" old , new,") as world:
        body = body_of(world)
        assert await status(world, body, sign(body, "old")) == 200
        assert await status(world, body, sign(body, "new")) == 200
        assert await status(world, body, sign(body, SECRET)) == 401
        assert await status(world, body, sign(body, " old ")) == 401


@pytest.mark.parametrize("secret", ["", " ", ",", " , "])
async def test_an_empty_secret_opens_nothing(templates: Templates, embedder: LocalEmbedder, tmp_path: Path, secret):
    url = templates.sqlite(tmp_path / "sahut.db")
    async with open_world(url, embedder, tmp_path, whatsapp_app_secret=secret) as world:
        body = body_of(world)
        for key in (b"", secret.encode()):
            signature = "sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest()
            assert await status(world, body, signature) == 401


async def test_the_handshake_gives_the_challenge_back(small: World):
    asked = {"hub.mode": "subscribe", "hub.verify_token": VERIFY, "hub.challenge": "<b>1158</b>"}
    answer = await small.web.get(WEBHOOK, params=asked)
    assert (answer.status_code, answer.text) == (200, "<b>1158</b>")
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"hub.mode": "subscribe", "hub.challenge": "1"},
        {"hub.mode": "subscribe", "hub.verify_token": "", "hub.challenge": "1"},
        {"hub.mode": "subscribe", "hub.verify_token": VERIFY.upper(), "hub.challenge": "1"},
        {"hub.mode": "unsubscribe", "hub.verify_token": VERIFY, "hub.challenge": "1"},
        {"hub.mode": "subscribe", "hub.verify_token": "\ud800é", "hub.challenge": "1"},
    ],
)
async def test_a_handshake_without_our_word_is_403(small: World, asked: dict[str, str]):
    query = {key: value.encode("utf-8", "surrogatepass") for key, value in asked.items()}
    assert (await small.web.get(WEBHOOK, params=query)).status_code == 403


async def test_an_empty_verify_token_opens_nothing(templates: Templates, embedder: LocalEmbedder, tmp_path: Path):
    url = templates.sqlite(tmp_path / "sahut.db")
    async with open_world(url, embedder, tmp_path, whatsapp_verify_token="") as world:
        asked = {"hub.mode": "subscribe", "hub.verify_token": "", "hub.challenge": "1"}
        assert (await world.web.get(WEBHOOK, params=asked)).status_code == 403
