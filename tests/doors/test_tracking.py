"""A ticket's public page: what it shows, to whom, and what it never does."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from api.tracking import MOST_MISSES, MOST_SHOWN
from knowledge.embed import LocalEmbedder
from sahut.models import Ticket
from tests.databases import Templates
from tests.doors.test_rest import NOWHERE, check_problem
from tests.journeys.stage import World, open_world

COMPLAINTS = {
    "id": ("Saya mau mengadu: petugas loket 2 membentak saya.", "ya"),
    "en": ("I want to file a complaint: the clerk at counter 3 shouted at me.", "yes"),
    "pt": ("Quero fazer uma reclamação: a fila estava um caos.", "sim"),
    "es": ("Quiero presentar una queja: el empleado me gritó.", "sí"),
    "is": ("Ég vil leggja fram kvörtun: starfsmaðurinn var ókurteis við mig.", "já"),
}
WORDS = {"id": "diterima", "en": "open", "pt": "aberto", "es": "abierto", "is": "móttekið"}


@pytest.fixture
async def small(templates: Templates, embedder: LocalEmbedder, tmp_path: Path) -> AsyncIterator[World]:
    more = {"public_url": "https://help.example.com", "timezone": "Asia/Jakarta"}
    async with open_world(templates.sqlite(tmp_path / "small.db"), embedder, tmp_path, **more) as world:
        yield world


async def opened(world: World, language: str = "id") -> Ticket:
    customer = world.customer(language)
    for line in COMPLAINTS[language]:
        await customer.says(line)
        await world.settles()
    ticket: Ticket = (await world.rows(Ticket))[-1]
    return ticket


@pytest.mark.parametrize("language", COMPLAINTS)
async def test_the_page_speaks_the_customers_language(small: World, language):
    ticket = await opened(small, language)
    page = (await small.web.get(f"/t/{ticket.token}")).text
    assert f'<html lang="{language}">' in page
    assert WORDS[language] in page
    assert ticket.reference in page


async def test_moments_are_those_of_the_organisations_clock(small: World):
    small.clock.advance((datetime(2027, 3, 4, 20, 30, tzinfo=UTC) - small.clock.now()).total_seconds())
    ticket = await opened(small)
    assert "05/03/2027 03.30" in (await small.web.get(f"/t/{ticket.token}")).text


async def test_the_page_is_bare_and_stays_nowhere(small: World):
    ticket = await opened(small)
    answer = await small.web.get(f"/t/{ticket.token}")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "noindex" in answer.headers["x-robots-tag"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "set-cookie" not in answer.headers
    assert not re.search(r"<(script|img|iframe|form|a|link)\b|\sstyle=|\son\w+=", answer.text)
    customer = small.customer("id")
    assert not any(secret in answer.text for secret in (customer.phone, ticket.description, ticket.id, ticket.token))


FORGED = [
    "",
    "x",
    "..%2ftickets",
    "a/b/c",
    "%00",
    "%ff%fe",
    "ñ",
    "'; DROP TABLE ticket; --",
    "A" * 32,
    "A" * 5000,
    NOWHERE,
]


async def test_no_link_but_the_right_one_opens_anything(small: World):
    ticket = await opened(small)
    nearly = [ticket.token[:-1], ticket.token + "A", ticket.token.swapcase(), ticket.token_digest, ticket.reference]
    answers = [await small.web.get(f"/t/{token}") for token in FORGED + nearly]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1
    assert len({frozenset(answer.headers.items()) for answer in answers}) == 1


async def test_who_guesses_has_to_wait_a_minute(small: World):
    ticket = await opened(small)
    for guess in range(MOST_MISSES):
        assert (await small.web.get(f"/t/{guess}")).status_code == 404
    assert (await small.web.get(f"/t/{ticket.token}")).status_code == 429
    small.clock.advance(60)
    assert (await small.web.get(f"/t/{ticket.token}")).status_code == 200


async def test_a_long_history_shows_its_newest_part(small: World):
    ticket, budi = await opened(small), await small.operator()
    for number in range(MOST_SHOWN + 5):
        await budi.rest.post(f"tickets/{ticket.id}/updates", {"text": f"kabar {number}.", "public": True})
    page = (await small.web.get(f"/t/{ticket.token}")).text
    assert f"kabar {MOST_SHOWN + 4}." in page
    assert "kabar 4." not in page
    assert "Hanya kabar terbaru" in page


async def test_without_a_public_address_there_is_no_link(templates: Templates, embedder: LocalEmbedder, tmp_path: Path):
    async with open_world(templates.sqlite(tmp_path / "bare.db"), embedder, tmp_path) as world:
        await opened(world)
        (ticket,) = await (await world.operator()).rest.items("tickets")
        assert ticket["tracking_url"] is None
        assert "http" not in world.sent_to(world.customer("id"))[-1]


BAD: list[tuple[str, str, Any]] = [
    ("PATCH", "", {"status": "deleted"}),
    ("PATCH", "", {}),
    ("POST", "/updates", {"text": "", "public": True}),
    ("POST", "/updates", {"text": "\x00\x01", "public": True}),
    ("POST", "/updates", {"text": "x" * 3501, "public": True}),
    ("POST", "/updates", {"text": "to whom?"}),
]


async def test_bad_changes_are_refused_with_a_reason(small: World):
    ticket, rest = await opened(small), (await small.operator()).rest
    for method, path, body in BAD:
        check_problem(await rest.call(method, f"tickets/{ticket.id}{path}", json=body), 422)
    for method, path, body in (
        ("GET", "", None),
        ("PATCH", "", {"status": "done"}),
        ("GET", "/updates", None),
        ("POST", "/updates", {"text": "Halo", "public": False}),
    ):
        check_problem(await rest.call(method, f"tickets/{NOWHERE}{path}", json=body), 404)
    reader = small.rest(await small.key("reader", "read"))
    check_problem(await reader.call("PATCH", f"tickets/{ticket.id}", json={"status": "done"}), 403)
    assert (await rest.get(f"tickets/{ticket.id}"))["status"] == "open"
