"""Outgoing webhooks over real HTTP: signed, tried again, given up where it shows, and never led astray."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import RedirectResponse, Response

from api.background.courier import Courier
from api.metrics import Metrics
from api.mind import load_forms
from knowledge.embed import LocalEmbedder
from sahut import hooks
from sahut.models import AuditEntry, HookEvent
from sahut.outside import Outside
from tests.databases import Templates
from tests.doors.receiver import Receiver, endless, receiving
from tests.doors.test_rest import check_problem
from tests.journeys.lines import COMPLAINT, UNKNOWN
from tests.journeys.people import Rest
from tests.journeys.stage import World, open_world

ALL = list(hooks.EVENTS)
FORMS = Path(__file__).parents[2] / "examples" / "tax-office" / "forms"
REFUND = ("B 1234 XY", "Bayar dua kali", "3 Maret 2026", "250.000", "lewati")


@pytest.fixture
async def world(blank_url: str, embedder: LocalEmbedder, tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(blank_url, embedder, tmp_path, webhooks_allow_private=True) as world:
        yield world


@pytest.fixture
async def small(templates: Templates, embedder: LocalEmbedder, tmp_path: Path) -> AsyncIterator[World]:
    url = templates.sqlite(tmp_path / "small.db")
    async with open_world(url, embedder, tmp_path, webhooks_allow_private=True) as world:
        yield world


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


async def admin_of(world: World) -> Rest:
    return world.rest(await world.key("rina", "admin"))


async def listens(admin: Rest, receiver: Receiver, events: Sequence[str] = ALL, url: str = "") -> str:
    """The receiver asks to hear of events; the id of its webhook."""
    answer = await admin.post("webhooks", {"url": url or receiver.url, "events": list(events)})
    assert answer.status_code == 201, answer.text
    receiver.secret = answer.json()["secret"]
    key: str = answer.json()["id"]
    return key


@asynccontextmanager
async def another_courier(world: World, **more: Any) -> AsyncIterator[Courier]:
    """As in a second process over the same rows."""
    house, outside = world.house, Outside(allow_private=True, **more)
    yield Courier(store=house.store, outside=outside, clock=house.clock, metrics=Metrics())
    await outside.close()


async def round_of(world: World) -> None:
    """The courier looks once, and makes every post that is due now."""
    await world.house.courier.look()
    await world.house.courier.settle()


async def waits(world: World, wait: timedelta) -> None:
    world.clock.advance(wait.total_seconds())
    await round_of(world)


async def opens_a_ticket(world: World, name: str = "Tirta") -> None:
    for line in (COMPLAINT, "ya"):
        await world.customer(name).says(line)
        await world.settles()


async def deliveries(admin: Rest, webhook: str, query: str = "") -> list[dict[str, Any]]:
    return await admin.items(f"webhooks/{webhook}/deliveries{query}")


async def test_another_system_follows_what_happens(world: World, receiver: Receiver):
    admin, tirta, budi = await admin_of(world), world.customer("Tirta"), await world.operator()
    webhook = await listens(admin, receiver)
    await opens_a_ticket(world)
    (ticket,) = await budi.rest.items("tickets")
    await budi.rest.call("PATCH", f"tickets/{ticket['id']}", json={"status": "in_progress"})
    await budi.rest.post(f"tickets/{ticket['id']}/updates", {"text": "Sedang dicek.", "public": True})
    await tirta.says("Saya mau bicara dengan petugas, tolong.")
    await world.settles()
    await budi.resolves(tirta)
    await round_of(world)

    told = ["ticket.created", "ticket.updated", "ticket.updated", "handoff.opened", "handoff.resolved"]
    assert receiver.told == told
    created, moved, words = (event["data"] for event in receiver.heard[:3])
    assert created["ticket"]["reference"] == ticket["reference"]
    assert created["ticket"]["contact"]["phone"] == tirta.phone
    assert "loket 2" in created["ticket"]["description"]
    assert (moved["ticket"]["status"], moved["update"]["status"]) == ("in_progress", "in_progress")
    assert (words["update"]["text"], words["update"]["author_name"]) == ("Sedang dicek.", "budi")
    assert {row["state"] for row in await deliveries(admin, webhook)} == {"delivered"}
    await waits(world, timedelta(days=2))
    assert len(receiver.heard) == len(told)


async def test_only_what_was_asked_for_is_told_and_nothing_is_kept_for_nobody(small: World, receiver: Receiver):
    admin = await admin_of(small)
    await opens_a_ticket(small, "Ani")
    assert await small.rows(HookEvent) == []
    await listens(admin, receiver, ["handoff.opened"])
    await opens_a_ticket(small)
    await small.customer("Ani").says(UNKNOWN)
    await small.settles()
    await round_of(small)
    assert receiver.told == ["handoff.opened"]


async def test_what_is_not_taken_comes_again_under_the_same_id(world: World, receiver: Receiver):
    admin = await admin_of(world)
    webhook = await listens(admin, receiver, ["ticket.created"])
    receiver.answers.extend([500, 503, Response(status_code=429, headers={"Retry-After": "3600"})])
    await opens_a_ticket(world)
    await round_of(world)
    (row,) = await deliveries(admin, webhook)
    assert (row["state"], row["status_code"], row["error"]) == ("pending", 500, "it answered 500")
    await round_of(world)
    assert len(receiver.heard) == 1

    await waits(world, timedelta(seconds=12))
    await waits(world, timedelta(seconds=36))
    await waits(world, timedelta(minutes=30))
    assert len(receiver.heard) == 3
    assert (await admin.get(f"webhooks/{webhook}"))["failing_since"] is not None
    await waits(world, timedelta(minutes=31))
    assert len(set(receiver.ids)) == 1
    (row,) = await deliveries(admin, webhook)
    assert (row["state"], row["attempts"], row["event_id"]) == ("delivered", 4, receiver.ids[0])
    assert (await admin.get(f"webhooks/{webhook}"))["failing_since"] is None


async def test_redirects_are_not_followed(small: World, receiver: Receiver):
    admin = await admin_of(small)
    webhook = await listens(admin, receiver, ["ticket.created"])
    receiver.answers.extend([RedirectResponse("/stray", code) for code in (302, 307)])
    await opens_a_ticket(small)
    await round_of(small)
    await waits(small, timedelta(seconds=12))
    (row,) = await deliveries(admin, webhook)
    assert (row["status_code"], receiver.strayed) == (307, [])
    assert "redirects are not followed" in row["error"]


async def test_an_endless_answer_is_not_read(small: World, receiver: Receiver):
    admin = await admin_of(small)
    webhook = await listens(admin, receiver, ["ticket.created"])
    receiver.answers.append(endless())
    await opens_a_ticket(small)
    await round_of(small)
    (row,) = await deliveries(admin, webhook)
    assert row["state"] == "delivered"


async def test_who_does_not_answer_is_left(small: World, receiver: Receiver):
    admin = await admin_of(small)
    webhook = await listens(admin, receiver, ["ticket.created"])
    receiver.pause()
    await opens_a_ticket(small)
    async with another_courier(small, limit_s=0.1) as hasty:
        await hasty.look()
        await hasty.settle()
    receiver.go_on()
    (row,) = await deliveries(admin, webhook)
    assert (row["state"], row["error"]) == ("pending", "it did not answer in time")


async def test_who_is_not_there_is_tried_again(small: World, receiver: Receiver):
    admin = await admin_of(small)
    webhook = await listens(admin, receiver, ["ticket.created"], url="http://127.0.0.1:1/hook")
    await opens_a_ticket(small)
    await round_of(small)
    (row,) = await deliveries(admin, webhook)
    assert row["state"] == "pending"
    assert "could not be reached" in row["error"]


async def test_it_is_given_up_where_it_shows_and_can_be_replayed(world: World, receiver: Receiver):
    admin = await admin_of(world)
    webhook = await listens(admin, receiver, ["ticket.created"])
    receiver.answers.extend([500] * hooks.MAX_ATTEMPTS)
    await opens_a_ticket(world)
    for _ in range(hooks.MAX_ATTEMPTS):
        await waits(world, 1.2 * hooks.LONGEST_WAIT if len(receiver.heard) > 6 else timedelta(hours=3))
    (dead,) = await deliveries(admin, webhook, "?state=dead")
    assert (dead["attempts"], dead["status_code"], dead["due_at"]) == (hooks.MAX_ATTEMPTS, 500, None)
    await waits(world, timedelta(days=1))
    assert len(receiver.heard) == hooks.MAX_ATTEMPTS

    path = f"webhooks/{webhook}/deliveries/{dead['id']}/replay"
    assert (await admin.post(path)).status_code == 202
    check_problem(await admin.post(path), 409)
    await round_of(world)
    assert len(set(receiver.ids)) == 1
    assert await deliveries(admin, webhook, "?state=dead") == []


async def test_who_fails_for_days_is_disabled_with_an_alert(world: World, receiver: Receiver):
    admin = await admin_of(world)
    webhook = await listens(admin, receiver, ["ticket.created"])
    receiver.answers.extend([500] * 20)
    await opens_a_ticket(world)
    await round_of(world)
    await opens_a_ticket(world, "Ani")
    world.clock.advance(hooks.DISABLED_AFTER.total_seconds())
    await round_of(world)
    await round_of(world)
    shown = await admin.get(f"webhooks/{webhook}")
    assert shown["disabled_at"] is not None
    assert "nothing was taken since" in shown["disabled_why"]
    assert [row["state"] for row in await deliveries(admin, webhook)] == ["dead", "dead"]
    assert "sahut_hook_endpoints_disabled 1.0" in (await world.web.get("/metrics")).text

    posts = len(receiver.heard)
    await opens_a_ticket(world, "Cici")
    await round_of(world)
    assert len(receiver.heard) == posts
    dead = await deliveries(admin, webhook, "?state=dead")
    replay = f"webhooks/{webhook}/deliveries/{dead[0]['id']}/replay"
    check_problem(await admin.post(replay), 409)
    check_problem(await admin.post(f"webhooks/{webhook}/test"), 409)
    receiver.answers.clear()
    assert (await admin.post(f"webhooks/{webhook}/enable")).json()["disabled_at"] is None
    assert (await admin.post(replay)).status_code == 202
    await round_of(world)
    assert len(receiver.heard) == posts + 1


async def test_who_is_gone_is_disabled_at_once(small: World, receiver: Receiver):
    admin = await admin_of(small)
    webhook = await listens(admin, receiver, ["ticket.created"])
    receiver.answers.append(410)
    await opens_a_ticket(small)
    await round_of(small)
    assert "410" in (await admin.get(f"webhooks/{webhook}"))["disabled_why"]


async def test_a_courier_that_dies_in_the_middle_makes_it_come_twice_at_most(world: World, receiver: Receiver):
    """The receiver has it, the outcome is lost: it comes again, under the same id."""
    admin = await admin_of(world)
    webhook = await listens(admin, receiver, ["ticket.created"])
    receiver.pause()
    await opens_a_ticket(world)
    await world.house.courier.look()
    await receiver.arrival()
    await world.house.courier.stop()
    receiver.go_on()
    await round_of(world)
    assert len(receiver.heard) == 1
    await waits(world, timedelta(minutes=2))
    assert len(receiver.heard) == 2
    assert len(set(receiver.ids)) == 1
    assert [row["state"] for row in await deliveries(admin, webhook)] == ["delivered"]


async def test_a_form_is_told_once_it_is_sent(world: World, receiver: Receiver):
    await load_forms(world.house.store, FORMS, world.clock)
    await listens(await admin_of(world), receiver, ["submission.created"])
    ani = world.customer("Ani")
    for line in ("saya mau minta pengembalian dana", *REFUND, "kirim"):
        await ani.says(line)
        await world.settles()
    await round_of(world)

    (event,) = receiver.heard
    told = event["data"]["submission"]
    assert (told["form"], told["edition"], told["reference"][:2]) == ("refund", 1, "F-")
    assert (told["answers"]["amount"], told["answers"]["email"]) == (250000, None)
    assert told["contact"]["phone"] == ani.phone


async def test_two_couriers_do_not_post_the_same(world: World, receiver: Receiver):
    await listens(await admin_of(world), receiver, ["ticket.created"])
    for name in ("Ani", "Budi", "Cici", "Dedi"):
        await opens_a_ticket(world, name)
    async with another_courier(world) as other:
        for courier in (world.house.courier, other):
            await courier.look()
        for courier in (world.house.courier, other):
            await courier.settle()
    assert len(receiver.ids) == len(set(receiver.ids)) == 4


async def test_a_test_can_be_asked_for(small: World, receiver: Receiver):
    admin = await admin_of(small)
    webhook = await listens(admin, receiver, ["submission.created"])
    answer = await admin.post(f"webhooks/{webhook}/test")
    assert (answer.status_code, answer.json()["state"], answer.json()["event"]) == (202, "pending", "webhook.test")
    await round_of(small)
    assert receiver.told == ["webhook.test"]
    assert [row["state"] for row in await deliveries(admin, webhook)] == ["delivered"]


async def test_the_secret_is_shown_once_and_never_logged(small: World, receiver: Receiver):
    admin = await admin_of(small)
    webhook = await listens(admin, receiver)
    receiver.answers.append(500)
    await opens_a_ticket(small)
    await round_of(small)
    listed = await admin.call("GET", "webhooks")
    shown = await admin.call("GET", f"webhooks/{webhook}")
    assert receiver.secret not in listed.text + shown.text + str(small.logs)
    assert [row.action for row in await small.rows(AuditEntry)] == ["webhook_add"]


async def test_a_webhook_is_removed_with_what_waited_for_it(world: World, receiver: Receiver):
    admin = await admin_of(world)
    webhook = await listens(admin, receiver)
    await opens_a_ticket(world)
    assert (await admin.call("DELETE", f"webhooks/{webhook}")).status_code == 204
    check_problem(await admin.call("DELETE", f"webhooks/{webhook}"), 404)
    await round_of(world)
    assert (receiver.heard, await admin.items("webhooks")) == ([], [])


async def test_only_administrators_see_webhooks(small: World, receiver: Receiver):
    webhook = await listens(await admin_of(small), receiver)
    for scope in ("read", "write"):
        rest = small.rest(await small.key(scope, scope))
        for method, path in (("GET", "webhooks"), ("POST", "webhooks"), ("GET", f"webhooks/{webhook}/deliveries")):
            check_problem(await rest.call(method, path), 403)


WRONG = [
    {"url": "https://example.com/", "events": []},
    {"url": "https://example.com/", "events": ["ticket.deleted"]},
    {"url": "", "events": ALL},
    {"url": "ftp://example.com/", "events": ALL},
    {"url": "file:///etc/passwd", "events": ALL},
    {"url": "example.com/hook", "events": ALL},
    {"url": "https://user:secret@example.com/", "events": ALL},
    {"url": "https://example.com:99999/", "events": ALL},
    {"url": "https://exa mple.com/", "events": ALL},
    {"url": "https://exämple.com/", "events": ALL},
    {"url": "https://example.com/\r\nX: y", "events": ALL},
    {"url": "http://[::1/", "events": ALL},
]


@pytest.mark.parametrize("body", WRONG)
async def test_what_is_no_webhook_is_refused(small: World, body):
    check_problem(await (await admin_of(small)).post("webhooks", body), 422)
