"""Who may have a tool act: yeses are bound to what was shown, used once, and void once the conversation goes on."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from agent.language.phrases import say
from api.simulator.customers import Customer
from knowledge.embed import LocalEmbedder
from sahut.brief import Draft
from sahut.forms import Form
from sahut.models import AuditEntry, ConfirmationRow, Contact, Submission, Ticket
from sahut.store import forms, identities, proofs
from sahut.tool import ToolContext, tool
from sahut.toolcall import ToolCall
from tests.journeys.lines import COMPLAINT, FINE
from tests.journeys.people import Json, Operator
from tests.journeys.stage import World, open_world
from tests.journeys.test_forms import at_summary, tell
from tests.journeys.test_forms import world as world_with_forms  # noqa: F401  # a fixture
from tests.journeys.test_tickets import buttons_of
from tests.journeys.test_wire_in import START, renamed
from tools.typed import typed

PAID: list[tuple[str, int]] = []
TOLD: list[str] = []
WISH = "Tolong kembalikan uang saya untuk pesanan nomor tujuh"


@tool()
async def pay_back(context: ToolContext, order: str, amount: int) -> str:
    """Pays an order back. Declares nothing, so an operator must agree."""
    PAID.append((order, amount))
    if amount == 13:
        raise RuntimeError("the bank does not answer")
    return f"{amount} paid back for {order}."


@tool(effect="read", identity="code")
async def balance(context: ToolContext) -> str:
    """Tells the balance of the customer's account."""
    TOLD.append(context.contact_id)
    return "Saldo Anda 250.000."


@pytest.fixture
async def world(learned_url: str, embedder: LocalEmbedder, tmp_path: Path) -> AsyncIterator[World]:
    PAID.clear()
    TOLD.clear()
    async with open_world(learned_url, embedder, tmp_path, tools=map(typed, (pay_back, balance))) as world:
        yield world


def calls(name: str, **arguments: object) -> Draft:
    return Draft(decision="reply", tool_calls=(ToolCall(name=name, arguments=arguments),), model="scripted")


async def asks_for_money(world: World, who: Customer, budi: Operator, amount: int = 250) -> Json:
    """The customer wants something that only an operator may allow; what the operator is shown."""
    world.model.says(calls("pay_back", order="7", amount=amount))
    await who.says(WISH)
    await world.settles()
    return await shown_to(budi, who)


async def shown_to(budi: Operator, who: Customer) -> Json:
    conversation = await budi.conversation(who)
    (grant,) = await budi.rest.items(f"conversations/{conversation['id']}/grants")
    return grant


async def agrees(budi: Operator, grant: Json, **other: object) -> int:
    body = {"digest": grant["digest"], "seen": grant["seen"], **other}
    return (await budi.rest.post(f"grants/{grant['id']}/confirm", body)).status_code


class TestOperators:
    async def test_an_act_waits_for_an_operator_and_happens_once(self, world: World):
        ani, budi = world.customer("Ani"), await world.operator()
        grant = await asks_for_money(world, ani, budi)
        assert (PAID, world.sent_to(ani)) == ([], [say("acknowledgement_approval", "id")])
        assert (grant["tool"], grant["arguments"], grant["state"]) == (
            "pay_back",
            {"order": "7", "amount": 250},
            "waiting",
        )
        (handoff,) = await budi.handoffs(ani)
        assert (handoff["reason"], "pay_back: waits for your yes" in handoff["summary"]) == ("rule", True)

        assert await agrees(budi, grant) == 200
        assert PAID == [("7", 250)]
        assert await agrees(budi, grant) == 409
        assert PAID == [("7", 250)]
        after = await shown_to(budi, ani)
        assert (after["state"], after["decided_by"], after["outcome"]) == ("used", "budi", "250 paid back for 7.")
        notes = await budi.rest.items(f"conversations/{grant['conversation_id']}/notes")
        assert notes[-1]["text"] == "pay_back: done. 250 paid back for 7."
        assert len(world.sent_to(ani)) == 1
        done = [entry.action for entry in await world.rows(AuditEntry) if "grant" in entry.detail]
        assert done == ["grant", "act_done"]

    async def test_of_yeses_at_once_one_counts(self, world: World):
        ani, budi, citra = world.customer("Ani"), await world.operator(), await world.operator("citra")
        grant = await asks_for_money(world, ani, budi)
        answers = await asyncio.gather(*(agrees(one, grant) for one in (budi, citra, budi, citra)))
        assert (sorted(answers), PAID) == ([200, 409, 409, 409], [("7", 250)])

    async def test_a_yes_is_bound_to_what_was_shown_and_to_how_far_it_had_come(self, world: World):
        ani, budi = world.customer("Ani"), await world.operator()
        grant = await asks_for_money(world, ani, budi)
        assert await agrees(budi, grant, digest="0" * 64) == 409
        await ani.says("Jangan, batalkan saja")
        await world.settles()
        assert await agrees(budi, grant) == 409
        assert PAID == []
        # Who has read it may still agree.
        assert await agrees(budi, await shown_to(budi, ani)) == 200
        assert PAID == [("7", 250)]

    async def test_arguments_changed_in_the_table_are_not_done(self, world: World):
        ani, budi = world.customer("Ani"), await world.operator()
        grant = await asks_for_money(world, ani, budi)
        async with world.house.store.transaction() as tx:
            row = (await tx.execute(select(ConfirmationRow))).scalar_one()
            row.arguments = {"order": "7", "amount": 9_000_000}
        assert await agrees(budi, grant) == 200
        after = await shown_to(budi, ani)
        assert (after["state"], PAID) == ("failed", [])

    async def test_a_no_is_a_no(self, world: World):
        ani, budi = world.customer("Ani"), await world.operator()
        grant = await asks_for_money(world, ani, budi)
        answer = await budi.rest.post(f"grants/{grant['id']}/refuse")
        assert (answer.status_code, answer.json()["state"]) == (200, "refused")
        assert (await agrees(budi, grant), PAID) == (409, [])

    @pytest.mark.parametrize("act", ["return", "resolve", "spam"])
    async def test_the_end_of_the_matter_voids_what_waits(self, world: World, act: str):
        ani, budi = world.customer("Ani"), await world.operator()
        grant = await asks_for_money(world, ani, budi)
        await budi.rest.post(f"conversations/{grant['conversation_id']}/{act}")
        assert (await agrees(budi, await shown_to(budi, ani)), PAID) == (409, [])

    async def test_who_claims_it_may_still_agree(self, world: World):
        ani, budi = world.customer("Ani"), await world.operator()
        await asks_for_money(world, ani, budi)
        await budi.claims(ani)
        assert (await agrees(budi, await shown_to(budi, ani)), PAID) == (200, [("7", 250)])

    async def test_nobody_agrees_after_a_day(self, world: World):
        ani, budi = world.customer("Ani"), await world.operator()
        await asks_for_money(world, ani, budi)
        await world.passes(25 * 3600)
        grant = await shown_to(budi, ani)
        assert (grant["state"], await agrees(budi, grant), PAID) == ("expired", 409, [])

    async def test_a_failure_is_told_and_not_tried_again(self, world: World):
        ani, budi = world.customer("Ani"), await world.operator()
        grant = await asks_for_money(world, ani, budi, amount=13)
        assert await agrees(budi, grant) == 200
        assert ((await shown_to(budi, ani))["state"], PAID) == ("failed", [("7", 13)])
        assert (await agrees(budi, grant), len(PAID)) == (409, 1)

    async def test_a_customers_yes_is_not_an_operators(self, world: World):
        ani, budi = world.customer("Ani"), await world.operator()
        grant = await asks_for_money(world, ani, budi)
        for word in ("ya", "setuju", "yes"):
            await ani.says(word)
            await world.settles()
        await ani.sends(ani.presses(f"yes:{grant['id']}", "Ya, lanjutkan"))
        await world.settles()
        assert PAID == []

    async def test_a_key_that_only_reads_agrees_to_nothing(self, world: World):
        ani, budi = world.customer("Ani"), await world.operator()
        grant = await asks_for_money(world, ani, budi)
        reader = Operator(world.rest(await world.key("reader", "read")), "reader")
        assert (await shown_to(reader, ani))["id"] == grant["id"]
        assert (await agrees(reader, grant), PAID) == (403, [])
        assert (await agrees(budi, {**grant, "id": "nothing"}), PAID) == (404, [])


class TestCustomers:
    async def test_a_takeover_voids_the_question(self, world: World):
        ani, budi = world.customer("Ani"), await world.operator()
        await ani.says(COMPLAINT)
        await world.settles()
        await budi.takes_over(ani)
        await budi.writes(ani, "Boleh saya tutup percakapan ini?")
        await budi.returns(ani)
        await ani.says("ya")
        await world.settles()
        assert await world.rows(Ticket) == []

    async def test_the_button_of_a_closed_question_does_nothing(self, world: World):
        ani = world.customer("Ani")
        await ani.says(COMPLAINT)
        await world.settles()
        yes = buttons_of(ani.received[-1])[0]
        await ani.says(FINE)
        await world.settles()
        await ani.sends(ani.presses(yes["id"], yes["title"]))
        await world.settles()
        assert (await world.rows(Ticket), world.sent_to(ani)[-1]) == ([], say("closed_question", "id"))

    async def test_the_button_of_an_old_question_is_no_yes_to_the_new_one(self, world: World):
        ani = world.customer("Ani")
        await ani.says(COMPLAINT)
        await world.settles()
        old = buttons_of(ani.received[-1])[0]
        await ani.says("Tolong buatkan tiket pengaduan, atap loket 5 bocor.")
        await world.settles()
        new = buttons_of(ani.received[-1])[0]
        assert old["id"] != new["id"]
        await ani.sends(ani.presses(old["id"], old["title"]))
        await world.settles()
        assert (await world.rows(Ticket), world.sent_to(ani)[-1]) == ([], say("closed_question", "id"))

    async def test_a_yes_covers_no_other_arguments(self, world: World):
        ani = world.customer("Ani")
        await ani.says(COMPLAINT)
        await world.settles()
        async with world.house.store.transaction() as tx:
            row = (await tx.execute(select(ConfirmationRow))).scalar_one()
            row.arguments = {**row.arguments, "topic": "something else"}
        await ani.says("ya")
        await world.settles()
        assert await world.rows(Ticket) == []


class TestIdentity:
    async def test_private_things_are_told_after_the_proof_alone(self, world: World):
        ani, budi = world.customer("Ani"), await world.operator()
        world.model.says(calls("balance"))
        await ani.says("Berapa saldo saya sekarang?")
        await world.settles()
        assert (TOLD, world.sent_to(ani)) == ([], [say("acknowledgement_identity", "id")])

        contact = (await budi.conversation(ani))["contact"]["id"]
        for level, hours, status in (("code", 1, 201), ("number", 1, 422), ("code", 0, 422), ("code", 10_000, 422)):
            answer = await budi.rest.post(f"contacts/{contact}/proofs", {"level": level, "hours": hours})
            assert answer.status_code == status
        await budi.returns(ani)
        world.model.says(calls("balance"))
        await ani.says("Berapa saldo saya sekarang?")
        await world.settles()
        assert (TOLD, world.sent_to(ani)[-1]) == ([contact], "Saldo Anda 250.000.")

        await world.passes(3601)
        world.model.says(calls("balance"))
        await ani.says("Berapa saldo saya sekarang?")
        await world.settles()
        assert len(TOLD) == 1


async def test_a_form_that_identifies_proves_it_until_the_number_changes(world_with_forms: World):  # noqa: F811
    world = world_with_forms
    ani = world.customer("Ani")
    async with world.house.store.transaction() as tx:
        _, edition = await forms.present(tx, "refund")
        form = Form.model_validate({**edition.definition, "identifies": True})
        await forms.publish(tx, form, source="play", now=world.clock.now())
    await at_summary(world, ani)
    assert await known_as(world) == "number"
    await tell(world, ani, "ya")
    assert len(await world.rows(Submission)) == 1
    assert await known_as(world) == "form"
    await world.passes(25 * 3600)
    assert await known_as(world) == "number"

    async with world.house.store.transaction() as tx:
        (contact,) = (await tx.execute(select(Contact))).scalars()
        until = world.clock.now() + timedelta(days=9)
        await proofs.prove(tx, contact.id, "code", by="us", now=world.clock.now(), expires_at=until)
    assert await known_as(world) == "code"
    new = world.double.customer("6281299999999", "Ani")
    await world.post(
        world.double.payload_of(renamed(ani.phone, new.phone, (world.clock.now() - START).total_seconds()))
    )
    assert await known_as(world) == "anyone"
    async with world.house.store.transaction() as tx:
        await identities.are_sure(tx, contact.id, by="budi", now=world.clock.now())
    assert await known_as(world) == "operator"
    await world.passes(25 * 3600)
    assert await known_as(world) == "number", "what was proved before the change is proved no more"


async def known_as(world: World) -> str:
    """How sure it is who the one contact is."""
    async with world.house.store.reading() as tx:
        (contact,) = (await tx.execute(select(Contact))).scalars()
        return await proofs.level_of(tx, contact.id, now=world.clock.now())


async def test_the_button_of_an_old_summary_sends_nothing(world_with_forms: World):  # noqa: F811
    world = world_with_forms
    ani = world.customer("Ani")
    await at_summary(world, ani)
    send = buttons_of(ani.received[-1])[0]
    await tell(world, ani, "jumlahnya 300.000")
    assert "300.000" in world.sent_to(ani)[-1] or "300000" in world.sent_to(ani)[-1]
    await ani.sends(ani.presses(send["id"], send["title"]))
    await world.settles()
    assert await world.rows(Submission) == []
    new = buttons_of(ani.received[-1])[0]
    await ani.sends(ani.presses(new["id"], new["title"]))
    await world.settles()
    assert len(await world.rows(Submission)) == 1
