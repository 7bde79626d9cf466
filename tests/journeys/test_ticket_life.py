"""A ticket's life: opened, followed on its page, moved on by operators, asked about, added to; and calls asked for."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api.simulator.customers import Customer
from knowledge.embed import LocalEmbedder
from sahut.models import AuditEntry, Ticket, TicketUpdate
from tests.journeys.lines import COMPLAINT
from tests.journeys.people import Json, Operator
from tests.journeys.stage import World, open_world

HOME = "https://help.example.com"
ASKS = "Bagaimana tiket saya?"
ADDS = "Tolong tambahkan ke tiket saya: kejadiannya jam 10 pagi."
CALLS = "Tolong telepon saya soal denda saya."
WORD = "Kami sudah bicara dengan petugas loket 2."
# As it comes from outside: markup, placeholders, letters from right to left and the mark that turns all others round.
MARKUP = "<b onmouseover=alert(1)>tebal</b> \u202e{reference} %s \u0645\u0631\u062d\u0628\u0627"
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
async def world(learned_url: str, embedder: LocalEmbedder, tmp_path: Path) -> Any:
    async with open_world(learned_url, embedder, tmp_path, public_url=HOME, timezone="Asia/Jakarta") as world:
        yield world


async def opens(world: World, customer: Customer, text: str = COMPLAINT) -> None:
    """The customer asks for it and agrees."""
    for line in (text, "ya"):
        await customer.says(line)
        await world.settles()


async def the_ticket(operator: Operator) -> Json:
    (ticket,) = await operator.rest.items("tickets")
    return ticket


async def page_of(world: World, url: str) -> str:
    assert url.startswith(f"{HOME}/t/")
    answer = await world.web.get(url.removeprefix(HOME))
    assert answer.status_code == 200
    return answer.text


async def writes_on(operator: Operator, ticket: Json, text: str, *, public: bool = True) -> Json:
    answer = await operator.rest.post(f"tickets/{ticket['id']}/updates", {"text": text, "public": public})
    assert answer.status_code == 201, answer.text
    body: Json = answer.json()
    return body


async def moves(operator: Operator, ticket: Json, status: str) -> Any:
    return await operator.rest.call("PATCH", f"tickets/{ticket['id']}", json={"status": status})


async def test_a_ticket_is_followed_from_its_opening_to_its_end(world: World):
    tirta, budi = world.customer("Tirta"), await world.operator()
    await opens(world, tirta)
    ticket = await the_ticket(budi)
    assert ticket["tracking_url"] in world.sent_to(tirta)[-1]
    assert (ticket["status"], ticket["kind"], ticket["language"]) == ("open", "case", "id")
    assert "diterima" in await page_of(world, ticket["tracking_url"])

    await moves(budi, ticket, "in_progress")
    await writes_on(budi, ticket, "Jangan lupa cek CCTV.", public=False)
    update = await writes_on(budi, ticket, WORD)
    await world.settles()
    assert WORD in world.sent_to(tirta)[-1]
    assert ticket["tracking_url"] in world.sent_to(tirta)[-1]
    assert update["message_id"] in [row["id"] for row in await budi.messages(tirta)]
    page = await page_of(world, ticket["tracking_url"])
    assert WORD in page
    assert "sedang diproses" in page
    assert "CCTV" not in page
    assert "budi" not in page

    await tirta.says(ASKS)
    await world.settles()
    told = world.sent_to(tirta)[-1]
    assert all(words in told for words in (ticket["reference"], "sedang diproses", WORD, ticket["tracking_url"]))
    assert "CCTV" not in told

    assert (await moves(budi, ticket, "done")).json()["status"] == "done"
    assert "selesai" in await page_of(world, ticket["tracking_url"])
    history = await budi.rest.items(f"tickets/{ticket['id']}/updates")
    assert [(row["author"], row["public"], row["status"]) for row in history] == [
        ("operator", True, "in_progress"),
        ("operator", False, None),
        ("operator", True, None),
        ("operator", True, "done"),
    ]
    done = [(row.action, row.actor) for row in await world.rows(AuditEntry)]
    assert done == [(action, "budi") for action in ("ticket_status", "ticket_update", "ticket_update", "ticket_status")]


async def test_outside_the_window_nothing_is_sent_and_it_is_noted(world: World):
    tirta, budi = world.customer("Tirta"), await world.operator()
    await opens(world, tirta)
    await world.passes(24 * 3600)
    before = len(tirta.received)
    update = await writes_on(budi, await the_ticket(budi), WORD)
    await world.passes(3600)

    assert (update["message_id"], update["untold"]) == (None, "the 24-hour window is closed")
    assert len(tirta.received) == before
    assert WORD in await page_of(world, (await the_ticket(budi))["tracking_url"])


async def test_whoever_watches_sees_that_a_ticket_changed(world: World):
    tirta, budi = world.customer("Tirta"), await world.operator()
    await opens(world, tirta)
    conversation = (await budi.conversation(tirta))["id"]
    with world.house.events.subscribe() as changes:
        await moves(budi, await the_ticket(budi), "in_progress")
        assert (await anext(changes)).conversation_id == conversation


async def test_news_reaches_the_customer_whoever_holds_the_conversation(world: World):
    tirta, budi = world.customer("Tirta"), await world.operator()
    await opens(world, tirta)
    await budi.takes_over(tirta)
    await writes_on(budi, await the_ticket(budi), WORD)
    await world.settles()
    assert WORD in world.sent_to(tirta)[-1]
    assert (await budi.conversation(tirta))["holder"] == "operator"


async def test_a_customer_adds_to_the_own_ticket_after_a_yes(world: World):
    tirta, budi = world.customer("Tirta"), await world.operator()
    await opens(world, tirta)
    ticket = await the_ticket(budi)
    await moves(budi, ticket, "waiting_for_customer")
    await tirta.says(ADDS)
    await world.settles()
    assert ticket["reference"] in world.sent_to(tirta)[-1]
    assert "jam 10 pagi" in world.sent_to(tirta)[-1]
    assert [row["author"] for row in await budi.rest.items(f"tickets/{ticket['id']}/updates")] == ["operator"]

    await tirta.says("ya")
    await world.settles()
    added = (await budi.rest.items(f"tickets/{ticket['id']}/updates"))[-1]
    assert (added["author"], added["text"], added["status"]) == ("contact", ADDS, "open")
    assert (await the_ticket(budi))["status"] == "open"
    assert ticket["reference"] in world.sent_to(tirta)[-1]
    page = await page_of(world, ticket["tracking_url"])
    assert "Anda menambahkan informasi" in page
    assert "jam 10 pagi" not in page


async def test_what_is_closed_takes_no_more(world: World):
    tirta, budi = world.customer("Tirta"), await world.operator()
    await opens(world, tirta)
    ticket = await the_ticket(budi)
    await tirta.says(ADDS)
    await world.settles()
    await moves(budi, ticket, "closed")
    await tirta.says("ya")
    await world.settles()
    assert "ditutup" in world.sent_to(tirta)[-1]
    await tirta.says(ADDS)
    await world.settles()
    assert "terbuka" in world.sent_to(tirta)[-1]
    assert [row.author for row in await world.rows(TicketUpdate)] == ["operator"]


async def test_which_of_several_is_asked_for(world: World):
    tirta, budi = world.customer("Tirta"), await world.operator()
    await opens(world, tirta)
    await opens(world, tirta, "Saya mau mengadu: antreannya kacau sekali.")
    first, second = await budi.rest.items("tickets")
    await tirta.says(ADDS)
    await world.settles()
    assert all(ticket["reference"] in world.sent_to(tirta)[-1] for ticket in (first, second))
    await tirta.says(f"Tolong tambahkan ke tiket {first['reference'].lower()}: kejadiannya jam 10 pagi.")
    await world.settles()
    await tirta.says("ya")
    await world.settles()
    (added,) = await world.rows(TicketUpdate)
    assert added.ticket_id == first["id"]


@pytest.mark.parametrize("ask", ["status {0}", "{0}", "Tolong tambahkan ke tiket {0}: saya pemiliknya.", ASKS])
async def test_anothers_ticket_is_as_good_as_none(world: World, ask):
    """A forged reference, one that never was, and "my ticket" of somebody without one tell nothing."""
    tirta, eve, budi = world.customer("Tirta"), world.customer("Eve"), await world.operator()
    await opens(world, tirta)
    ticket = await the_ticket(budi)
    answers = []
    for reference in (ticket["reference"], "T-222222"):
        await eve.says(ask.format(reference))
        await world.settles()
        answers.append(world.sent_to(eve)[-1].replace(reference, "T-"))
        await eve.says("ya")
        await world.settles()
    told = " ".join(world.sent_to(eve))
    assert answers[0] == answers[1]
    assert "tidak menemukan tiket" in answers[0]
    assert not any(secret in told for secret in ("loket 2", "membentak", "diterima", HOME))
    assert await world.rows(TicketUpdate) == []


async def test_a_crash_between_the_deed_and_the_answer_adds_once(world: World):
    tirta, budi = world.customer("Tirta"), await world.operator()
    await opens(world, tirta)
    await tirta.says(ADDS)
    await world.settles()
    world.model.hold()
    await tirta.says("ya")
    await tirta.says("Berapa denda kalau telat bayar pajak kendaraan?")
    await world.settles()
    assert len(await world.rows(TicketUpdate)) == 1
    await world.dies()
    world.model.go_on()
    await world.passes(600)
    assert len(await world.rows(TicketUpdate)) == 1
    ticket = await the_ticket(budi)
    assert sum(f"tiket {ticket['reference']}" in text for text in world.sent_to(tirta)[-1:]) == 1


async def test_a_call_is_asked_for_on_the_own_number(world: World):
    tirta, budi = world.customer("Tirta"), await world.operator()
    await tirta.says(CALLS)
    await world.settles()
    assert f"+{tirta.phone}" in world.sent_to(tirta)[-1]
    assert await budi.rest.items("tickets") == []
    await tirta.says("ya")
    await world.settles()
    (callback,) = await budi.rest.items("tickets?kind=callback")
    assert (callback["phone"], callback["status"]) == (f"+{tirta.phone}", "open")
    assert datetime.fromisoformat(callback["due_at"]) == world.clock.now() + timedelta(hours=1)
    assert callback["reference"] in world.sent_to(tirta)[-1]
    assert tirta.phone not in await page_of(world, callback["tracking_url"])


async def test_a_call_is_asked_for_once_whatever_crashes(world: World):
    tirta = world.customer("Tirta")
    await tirta.says(CALLS)
    await world.settles()
    world.model.hold()
    await tirta.says("ya")
    await tirta.says("Berapa denda kalau telat bayar pajak kendaraan?")
    await world.settles()
    await world.dies()
    world.model.go_on()
    await world.passes(600)
    assert len(await world.rows(Ticket)) == 1


async def test_a_customer_without_a_number_is_asked_for_one(world: World):
    tirta, budi = world.customer("Tirta", user_id="ID.1234567890", phone=False), await world.operator()
    await tirta.says(CALLS)
    await world.settles()
    assert "nomor" in world.sent_to(tirta)[-1]
    await tirta.says("Tolong telepon saya di 0812-3456-7890.")
    await world.settles()
    await tirta.says("ya")
    await world.settles()
    (callback,) = await budi.rest.items("tickets?kind=callback")
    assert callback["phone"] == "081234567890"


async def test_hostile_words_are_words_on_the_page(world: World):
    tirta, budi = world.customer("Tirta"), await world.operator()
    await opens(world, tirta, f"Saya mau mengadu: {MARKUP} {'x' * 3900}")
    ticket = await the_ticket(budi)
    await writes_on(budi, ticket, SCRIPT + MARKUP + "y" * 3400)
    await world.settles()
    page = await page_of(world, ticket["tracking_url"])
    assert "<script" not in page
    assert "<b" not in page.partition("<body>")[2]
    assert "&lt;script&gt;alert(1)" in page
    assert "y" * 3400 in page
    assert "{reference} %s" in world.sent_to(tirta)[-1]
