"""What operators do: claims that only one wins, who may act where, long replies in parts, notes, assignment."""

import asyncio
from typing import Any

import pytest

from api.desk.conversations import PARTS_MOST, Desk
from sahut.errors import ConfigurationError, Conflict, Forbidden, NotFound
from sahut.ids import new_id
from sahut.models import AuditEntry, Conversation, Handoff, Message, Note, Operator, Role
from sahut.rules import Actor, may_act
from sahut.store import Store, operators
from sahut.store.database import insert
from sahut.store.inbox import update_conversation
from sahut.testing.clock import START
from tests.journeys.stage import World

HUMAN = "Saya mau bicara dengan petugas, tolong."
HOSTILE = "<script>alert(1)</script> \u202eevil\u202c"


def actor(name: str, role: Role = Role.OPERATOR) -> Actor:
    return Actor(id=f"id-{name}", name=name, role=role)


BUDI, CITRA, SITI = actor("Budi"), actor("Citra"), actor("Siti", Role.SUPERVISOR)


async def waiting(world: World, name: str = "Ani") -> Handoff:
    """A customer who asked for a human."""
    await world.customer(name).says(HUMAN)
    await world.settles()
    handoff: Handoff = (await world.rows(Handoff))[-1]
    return handoff


async def only(world: World) -> Conversation:
    (conversation,) = await world.rows(Conversation)
    assert isinstance(conversation, Conversation)
    return conversation


async def acts(world: World) -> list[tuple[str, str]]:
    return [(entry.actor, entry.action) for entry in await world.rows(AuditEntry)]


async def test_of_all_who_claim_at_once_one_wins(world: World):
    handoff = await waiting(world)
    other = Store(world.house.store.url.render_as_string(hide_password=False))
    houses = [world.house, world.house.__class__(**{**vars(world.house), "store": other})]

    async def claim(n: int) -> str | Conflict:
        try:
            return (await Desk(houses[n % 2]).claim(actor(f"operator {n}"), handoff.id)).claimed_by or ""
        except Conflict as error:
            return error

    told = await asyncio.gather(*(claim(n) for n in range(20)))
    await other.close()
    (winner,) = [one for one in told if isinstance(one, str)]
    assert {f"already claimed by {winner}" in str(one) or f"held by {winner}" in str(one) for one in told} == {
        True,
        False,
    }
    held = await only(world)
    assert (held.holder, held.held_by, held.held_by_name) == ("operator", f"id-{winner}", winner)
    assert await acts(world) == [(winner, "take_over")]


async def test_a_reply_reaches_the_phone_and_holds_the_conversation(world: World):
    await waiting(world)
    row = await only(world)
    (message,) = await Desk(world.house).reply(BUDI, row.id, f" {HOSTILE} ")
    await world.settles()
    assert world.sent_to(world.customer("Ani"))[-1] == HOSTILE
    assert (message.author, message.author_name, message.text) == ("operator", "Budi", HOSTILE)
    row = await only(world)
    assert (row.holder, row.held_by, row.held_by_name) == ("operator", BUDI.id, "Budi")
    (handoff,) = await world.rows(Handoff)
    assert (handoff.state, handoff.claimed_by) == ("claimed", "Budi")


async def test_a_long_reply_is_sent_in_parts_and_nothing_is_lost(world: World):
    await waiting(world)
    words = " ".join(f"Kalimat nomor {n} selesai." for n in range(600))
    assert len(words) > 3 * 4096
    await Desk(world.house).reply(BUDI, (await only(world)).id, words)
    await world.settles()
    parts = world.sent_to(world.customer("Ani"))[1:]
    assert [len(part) <= 4096 for part in parts] == [True] * len(parts)
    assert len(parts) == 4
    assert all(part.endswith("selesai.") for part in parts)
    assert " ".join(parts) == words


@pytest.mark.parametrize("text", ["", "  \n", "\x00\x01", "x" * (4096 * PARTS_MOST + 1)])
async def test_what_cannot_be_sent_is_refused_and_takes_nothing_over(small: World, text: str):
    await waiting(small)
    row = await only(small)
    with pytest.raises(ConfigurationError):
        await Desk(small.house).reply(BUDI, row.id, text)
    assert (await only(small)).holder == "assistant"
    assert [message.author for message in await small.rows(Message)] == ["contact", "assistant"]


async def test_a_reply_into_a_closed_window_is_refused_and_takes_nothing_over(world: World):
    await waiting(world)
    row = await only(world)
    world.clock.advance(24 * 3600 - 59)
    with pytest.raises(Forbidden, match="template"):
        await Desk(world.house).reply(BUDI, row.id, "Halo")
    assert (await only(world)).holder == "assistant"
    assert len(await world.rows(Message)) == 2


async def test_a_colleagues_conversation_is_left_alone(world: World):
    await waiting(world)
    row = await only(world)
    desk = Desk(world.house)
    await desk.take_over(BUDI, row.id)
    for refused in (
        desk.reply(CITRA, row.id, "Halo"),
        desk.give_back(CITRA, row.id),
        desk.resolve(CITRA, row.id, "done"),
        desk.mark_spam(CITRA, row.id),
    ):
        with pytest.raises(Conflict, match="Budi"):
            await refused
    held = await only(world)
    assert (held.status, held.held_by) == ("waiting", BUDI.id)
    await desk.note(CITRA, row.id, "Boleh saya ambil?")

    await desk.take_over(CITRA, row.id)
    with pytest.raises(Conflict, match="Citra"):
        await desk.give_back(BUDI, row.id)
    (handoff,) = await world.rows(Handoff)
    assert (handoff.state, handoff.claimed_by) == ("claimed", "Citra")
    await desk.give_back(CITRA, row.id)
    freed = await only(world)
    assert (freed.status, freed.holder, freed.held_by, freed.held_by_name) == ("open", "assistant", None, None)
    assert [action for _, action in await acts(world)] == ["take_over", "note", "take_over", "return"]
    assert (await world.rows(AuditEntry))[2].detail["held_by"] == BUDI.id


async def test_two_of_the_same_name_are_two_people(small: World):
    await waiting(small)
    row, desk = await only(small), Desk(small.house)
    await desk.take_over(Actor("1", "Budi", Role.OPERATOR), row.id)
    with pytest.raises(Conflict):
        await desk.give_back(Actor("2", "Budi", Role.OPERATOR), row.id)


async def test_a_supervisor_puts_a_word_in_and_leaves_it_to_its_holder(world: World):
    await waiting(world)
    row, desk = await only(world), Desk(world.house)
    await desk.take_over(BUDI, row.id)
    await desk.reply(SITI, row.id, "Saya Siti, atasan Budi.")
    assert (await only(world)).held_by == BUDI.id
    await desk.reply(BUDI, row.id, "Terima kasih.")
    await world.settles()
    assert world.sent_to(world.customer("Ani"))[1:] == ["Saya Siti, atasan Budi.", "Terima kasih."]
    await desk.resolve(SITI, row.id, "closed by Siti")
    assert (await only(world)).status == "resolved"
    assert (await world.rows(Handoff))[0].note == "closed by Siti"


async def test_who_resolves_twice_changes_nothing_more(small: World):
    handoff = await waiting(small)
    row, desk = await only(small), Desk(small.house)
    await desk.claim(BUDI, handoff.id)
    await desk.resolve(BUDI, row.id, "first")
    await desk.resolve(BUDI, row.id, "second")
    assert (await small.rows(Handoff))[0].note == "first"


async def test_spam_is_marked_and_unmarked(world: World):
    await waiting(world)
    row, desk = await only(world), Desk(world.house)
    await desk.mark_spam(BUDI, row.id)
    assert (await only(world)).status == "spam"
    await desk.unmark_spam(CITRA, row.id)
    assert (await only(world)).status == "open"
    with pytest.raises(Conflict):
        await desk.unmark_spam(CITRA, row.id)


async def add_operator(world: World, email: str, **more: Any) -> Operator:
    operator = Operator(email=email, name=email.partition("@")[0], password_hash="none", created_at=START, **more)
    async with world.house.store.transaction() as tx:
        await insert(tx, operator)
    return operator


async def test_a_conversation_is_given_to_a_colleague(world: World):
    citra = await add_operator(world, "citra@example.com")
    await add_operator(world, "gone@example.com", disabled_at=START)
    handoff = await waiting(world)
    row, desk = await only(world), Desk(world.house)
    await desk.claim(BUDI, handoff.id)
    for nobody in ("gone@example.com", "nobody@example.com", "", new_id()):
        with pytest.raises(NotFound):
            await desk.assign(BUDI, row.id, nobody)
    with pytest.raises(Conflict):
        await desk.assign(actor("Dewi"), row.id, citra.id)
    await desk.assign(BUDI, row.id, " Citra@example.com")
    held = await only(world)
    assert (held.held_by, held.held_by_name) == (citra.id, "citra")
    assert (await world.rows(Handoff))[0].claimed_by == "citra"
    with pytest.raises(Conflict):
        await desk.reply(BUDI, row.id, "Halo")
    await desk.reply(operators.actor_of(citra), row.id, "Halo, saya Citra.")


async def test_a_note_is_seen_by_colleagues_alone(world: World):
    ani = world.customer("Ani")
    await waiting(world)
    row = await only(world)
    await Desk(world.house).note(BUDI, row.id, f"  {HOSTILE} ")
    await Desk(world.house).give_back(SITI, row.id)
    await ani.says("Berapa denda kalau telat bayar pajak kendaraan?")
    await world.settles()
    (note,) = await world.rows(Note)
    assert (note.text, note.author_name) == (HOSTILE, "Budi")
    assert all("evil" not in text for text in world.sent_to(ani))
    assert all("evil" not in brief.turn.model_dump_json() for brief in world.model.briefs)


@pytest.mark.parametrize("text", ["", " ", "\x00", "x" * 4097])
async def test_a_note_has_a_length(small: World, text: str):
    await waiting(small)
    with pytest.raises(ConfigurationError):
        await Desk(small.house).note(BUDI, (await only(small)).id, text)


async def test_what_is_not_there_is_said_so(world: World):
    desk = Desk(world.house)
    for nowhere in ("nowhere", new_id(), "x" * 1000):
        for asked in (
            desk.claim(BUDI, nowhere),
            desk.take_over(BUDI, nowhere),
            desk.reply(BUDI, nowhere, "Halo"),
            desk.note(BUDI, nowhere, "Halo"),
            desk.give_back(BUDI, nowhere),
            desk.resolve(BUDI, nowhere),
            desk.mark_spam(BUDI, nowhere),
            desk.unmark_spam(BUDI, nowhere),
        ):
            with pytest.raises(NotFound):
                await asked
    assert await world.rows(AuditEntry) == []


async def test_the_next_message_after_a_resolution_is_the_assistants(small: World):
    ani = small.customer("Ani")
    handoff = await waiting(small)
    row, desk = await only(small), Desk(small.house)
    await desk.claim(BUDI, handoff.id)
    await desk.resolve(BUDI, row.id)
    await ani.says("Halo")
    await small.settles()
    assert len(small.sent_to(ani)) == 2
    freed = await only(small)
    assert (freed.status, freed.holder, freed.held_by) == ("open", "assistant", None)


async def test_a_conversation_held_before_holders_had_names_can_be_taken(small: World):
    await waiting(small)
    row = await only(small)
    async with small.house.store.transaction() as tx:
        await update_conversation(tx, row.id, holder="operator")
    await Desk(small.house).reply(BUDI, row.id, "Halo")
    assert (await only(small)).held_by == BUDI.id


def test_who_may_act():
    assert [may_act(who, held_by=None) for who in (BUDI, SITI)] == [True, True]
    assert [may_act(who, held_by=BUDI.id) for who in (BUDI, CITRA, SITI, actor("a", Role.ADMIN))] == [
        True,
        False,
        True,
        True,
    ]


async def test_notes_assignment_and_operators_over_rest(world: World):
    admin, budi = world.rest(await world.key("root", "admin")), await world.operator()
    await waiting(world)
    row = await only(world)
    made = await admin.post("operators", {"email": "Citra@Example.com", "name": "Citra", "role": "supervisor"})
    assert (made.status_code, made.json()["email"], made.json()["role"]) == (201, "citra@example.com", "supervisor")
    assert len(made.json()["password"]) >= 16
    given = await admin.post("operators", {"email": "dewi@example.com", "password": "panjang sekali"})
    assert (given.status_code, given.json()["password"]) == (201, None)
    for body, status in (
        ({"email": "citra@example.com"}, 409),
        ({"email": "citra"}, 422),
        ({"email": "x@example.com", "role": "boss"}, 422),
        ({"email": "x@example.com", "password": "short"}, 422),
        ({"email": "x\x00@example.com\n"}, 422),
        ({}, 422),
    ):
        assert (await admin.post("operators", body)).status_code == status, body
    assert (await budi.rest.post("operators", {"email": "x@example.com"})).status_code == 403
    listed = await budi.rest.items("operators")
    assert [item["email"] for item in listed] == ["citra@example.com", "dewi@example.com"]
    assert "hash" not in str(listed)

    answer = await budi.rest.post(f"conversations/{row.id}/assign", {"operator": "citra@example.com"})
    assert (answer.status_code, answer.json()["held_by_name"]) == (200, "Citra")
    disabled = await admin.post(f"operators/{listed[1]['id']}/disable")
    assert disabled.json()["disabled_at"] is not None
    answer = await budi.rest.post(f"conversations/{row.id}/assign", {"operator": "dewi@example.com"})
    assert answer.status_code == 404
    assert (await admin.post(f"operators/{listed[1]['id']}/enable")).json()["disabled_at"] is None

    note = await budi.rest.post(f"conversations/{row.id}/notes", {"text": "Pelanggan lama"})
    assert (note.status_code, note.json()["author_name"]) == (201, "budi")
    assert [item["text"] for item in await budi.rest.items(f"conversations/{row.id}/notes")] == ["Pelanggan lama"]
    for body in ({}, {"text": ""}, {"text": "\x00"}, {"text": "x" * 4097}, {"text": 1}):
        assert (await budi.rest.post(f"conversations/{row.id}/notes", body)).status_code == 422
    assert (await budi.rest.post(f"conversations/{new_id()}/notes", {"text": "x"})).status_code == 404
