"""Spam: into its lane before any model call, without a word to the sender, and back again where it was a mistake."""

from agent.screening.marks import StoredMarks
from agent.screening.screen import Screen
from api.simulator.faults import Down
from sahut.models import AuditEntry
from tests.journeys.lines import FINE, SPAM
from tests.journeys.stage import World


async def test_complaint_12_spam_is_kept_apart_without_a_word(world: World):
    promo, budi = world.customer("Promo"), await world.operator()
    await promo.says(SPAM)
    await world.settles()

    assert world.sent_to(promo) == []
    assert world.model.briefs == []
    assert (await budi.conversation(promo))["status"] == "spam"
    (handoff,) = await budi.handoffs(promo)
    assert (handoff["lane"], handoff["reason"], handoff["state"]) == ("spam", "spam", "queued")


async def test_complaint_12_a_known_spammer_costs_no_turn(world: World):
    promo, budi = world.customer("Promo"), await world.operator()
    await promo.says(SPAM)
    await world.settles()
    await promo.says(FINE)
    await world.passes(3600)

    assert world.sent_to(promo) == []
    assert world.model.briefs == []
    assert len(await budi.handoffs(promo)) == 1
    assert [message["text"] for message in await budi.messages(promo)] == [SPAM, FINE]


async def test_complaint_12_a_mistake_is_undone_and_answered(world: World):
    promo, budi = world.customer("Promo"), await world.operator()
    await promo.says(SPAM)
    await world.settles()
    await promo.says(FINE)
    await world.settles()
    assert (await budi.undoes_spam(promo)).status_code == 200
    await world.settles()

    (reply,) = world.sent_to(promo)
    assert "2%" in reply
    assert (await budi.conversation(promo))["status"] == "open"
    assert (await budi.undoes_spam(promo)).status_code == 409


async def test_a_mark_by_mistake_and_its_undoing_answer_nothing_twice(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says(FINE)
    await world.settles()
    await budi.writes(ani, "Saya bantu sendiri.")
    await world.settles()
    assert (await budi.marks_spam(ani)).status_code == 200
    assert (await budi.undoes_spam(ani)).status_code == 200
    await world.passes(60)
    assert len(world.sent_to(ani)) == 2


async def test_an_answer_that_the_mark_kept_back_is_given_once_it_is_undone(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    world.double.fail_next(Down())
    await ani.says(FINE)
    await world.settles()
    await budi.marks_spam(ani)
    await world.passes(60)
    assert world.sent_to(ani) == []
    assert (await budi.undoes_spam(ani)).status_code == 200
    await world.passes(60)
    assert len(world.sent_to(ani)) == 1


async def test_complaint_12_what_a_human_cleared_is_not_taken_for_spam_again(world: World):
    promo, budi = world.customer("Promo"), await world.operator()
    await promo.says(SPAM)
    await world.settles()
    assert (await budi.undoes_spam(promo)).status_code == 200
    await world.settles()

    assert len(world.sent_to(promo)) == 1
    assert (await budi.conversation(promo))["status"] != "spam"
    await promo.says(SPAM)
    await world.settles()
    assert len(world.sent_to(promo)) == 1


async def test_complaint_12_an_operator_may_quarantine_and_nobody_is_answered(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says(FINE)
    await world.settles()
    conversation = await budi.conversation(ani)
    assert (await budi.rest.post(f"conversations/{conversation['id']}/spam")).json()["status"] == "spam"
    await ani.says(FINE)
    await world.settles()
    assert len(world.sent_to(ani)) == 1


async def score_of(world: World, text: str) -> float:
    """How sure the installation's screen is by now that this is spam."""
    reads = world.house.reads
    screen = Screen(reads, marks=StoredMarks(world.house.store, reads.name))
    return (await screen.screen(text)).verdict.score


OFFER = "Halo kak, kami supplier sabun cair literan, mau kami kirim daftar harganya?"


async def test_the_screen_learns_from_operators_and_takes_it_back(world: World):
    budi = await world.operator()
    sellers = [world.customer(f"Seller {i}") for i in range(3)]
    for seller in sellers:
        await seller.says(OFFER)
        await world.settles()
    before = await score_of(world, OFFER)
    for seller in sellers:
        conversation = await budi.conversation(seller)
        assert (await budi.rest.post(f"conversations/{conversation['id']}/spam")).status_code == 200
    learned = await score_of(world, OFFER)
    assert learned > before
    assert await score_of(world, FINE) < 0.2

    for seller in sellers:
        assert (await budi.undoes_spam(seller)).status_code == 200
    assert await score_of(world, OFFER) < before
    learned = [entry for entry in await world.rows(AuditEntry) if entry.action == "screen_learned"]
    assert [entry.detail["spam"] for entry in learned] == [True] * 3 + [False] * 3


async def test_wrong_marks_never_shut_out_genuine_customers(world: World):
    budi, wronged = await world.operator(), [world.customer(f"Wronged {i}") for i in range(6)]
    for customer in wronged:
        await customer.says(FINE)
        await world.settles()
        conversation = await budi.conversation(customer)
        await budi.rest.post(f"conversations/{conversation['id']}/spam")
    ani = world.customer("Ani")
    await ani.says(FINE)
    await world.settles()
    assert (await budi.conversation(ani))["status"] != "spam"
    assert "2%" in world.sent_to(ani)[0]


async def test_who_is_in_danger_is_handed_to_a_human_at_once(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says("tolong, saya mau bunuh diri")
    await world.settles()
    (said,) = world.sent_to(ani)
    assert "112" in said
    assert world.model.briefs == []
    (handoff,) = await budi.handoffs(ani)
    assert (handoff["reason"], handoff["lane"]) == ("sensitive", "support")


async def test_fifty_messages_in_ten_seconds_are_one_cheap_turn(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    for i in range(50):
        await ani.says(f"denda telat berapa {i}?")
    await world.settles()
    assert len(world.sent_to(ani)) <= 1
    assert world.model.briefs == []
    conversation = await budi.conversation(ani)
    assert conversation["status"] != "spam"
