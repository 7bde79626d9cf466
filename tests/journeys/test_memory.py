"""What is remembered of a customer: seen, corrected by the newest word, forgotten on a click, erased with them."""

from sqlmodel import select

from agent.memory import TokenCounter
from api.background.remembering import Remembering
from sahut.brief import Brief, Draft
from sahut.errors import ModelFailed
from sahut.models import ContactFact, ConversationSummary, Message
from tests.journeys.lines import FINE
from tests.journeys.people import Json, Operator
from tests.journeys.stage import World


async def facts(operator: Operator, contact: str) -> list[tuple[str, str]]:
    return [(item["kind"], item["value"]) for item in await operator.rest.items(f"contacts/{contact}/facts")]


async def contact_of(operator: Operator, customer) -> str:
    conversation: Json = await operator.conversation(customer)
    return str(conversation["contact"]["id"])


async def test_what_a_customer_says_of_themselves_is_kept_with_its_source_and_the_newest_name_counts(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says(f"Nama saya Ani Wijaya, plat saya B 1234 XYZ. {FINE}")
    await world.settles()
    contact = await contact_of(budi, ani)
    assert await facts(budi, contact) == [("name", "Ani Wijaya"), ("plate", "B 1234 XYZ")]
    (name, _) = await budi.rest.items(f"contacts/{contact}/facts")
    source = next(line for line in await budi.messages(ani) if line["id"] == name["message_id"])
    assert "Ani Wijaya" in source["text"]

    for text in ("Nama saya Ani Wijaya", "Nama saya Ani Kusuma", "plat saya D 99 AB"):
        # Whoever waits for a person is not heard by the assistant.
        await budi.returns(ani)
        await ani.says(f"{text}. {FINE}")
        await world.settles()
    assert await facts(budi, contact) == [("plate", "B 1234 XYZ"), ("name", "Ani Kusuma"), ("plate", "D 99 AB")]
    assert [(one.kind, one.value) for one in world.model.briefs[-1].turn.known] == [
        ("plate", "B 1234 XYZ"),
        ("name", "Ani Kusuma"),
    ]


async def test_what_is_said_to_a_person_is_known_once_the_assistant_answers_again(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says("Saya mau bicara dengan petugas")
    await world.settles()
    await budi.claims(ani)
    await ani.says("Nama saya Ani Wijaya, plat saya B 1234 XYZ")
    for at in range(12):
        await ani.says(f"Dan ini keterangan saya yang ke-{at}")
        await budi.writes(ani, "Baik, kami catat. Pesanan 9911 bukan milik Anda.")
    await world.settles()
    contact = await contact_of(budi, ani)
    assert await facts(budi, contact) == []
    await budi.returns(ani)
    await ani.says(FINE)
    await world.settles()
    # Only the customer's own words are taken, in the turn itself too, each with the message that says it.
    said = [("name", "Ani Wijaya"), ("plate", "B 1234 XYZ")]
    assert await facts(budi, contact) == said
    assert [(one.kind, one.value) for one in world.model.briefs[-1].turn.known] == said

    (name, _) = await budi.rest.items(f"contacts/{contact}/facts")
    assert (await budi.rest.call("DELETE", f"contacts/{contact}/facts/{name['id']}")).status_code == 204
    await ani.says(FINE)
    await world.settles()
    # What was forgotten stays so.
    assert await facts(budi, contact) == said[1:]


async def test_an_operator_forgets_a_fact_and_no_other_contact_loses_one(world: World):
    ani, citra, budi = world.customer("Ani"), world.customer("Citra"), await world.operator()
    for customer in (ani, citra):
        await customer.says(f"Plat saya B 1234 XYZ. {FINE}")
        await world.settles()
    mine, theirs = await contact_of(budi, ani), await contact_of(budi, citra)
    listed = await budi.rest.get(f"contacts/{mine}/facts")
    assert (set(listed), listed["next_cursor"]) == ({"items", "next_cursor"}, None)
    (fact,) = listed["items"]
    wrong = await budi.rest.call("DELETE", f"contacts/{theirs}/facts/{fact['id']}")
    assert wrong.status_code == 404
    assert (await budi.rest.call("DELETE", f"contacts/{mine}/facts/{fact['id']}")).status_code == 204
    assert await facts(budi, mine) == []
    assert await facts(budi, theirs) == [("plate", "B 1234 XYZ")]


async def test_older_turns_are_summed_up_before_the_history_loses_them(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says("Mobil saya B 1234 XYZ diderek tanggal 12 Maret dari Jalan Kenanga No. 5.")
    await world.settles()
    await budi.claims(ani)
    await budi.writes(ani, "Baik, kami catat.")
    await budi.returns(ani)
    await world.settles()
    conversation = (await budi.conversation(ani))["id"]
    assert await world.house.remembering.look() == 0
    assert await budi.rest.get(f"conversations/{conversation}/summary") is None

    for _ in range(12):
        await ani.says(FINE)
        await world.settles()
    assert await world.house.remembering.look() == 1
    summary = await budi.rest.get(f"conversations/{conversation}/summary")
    assert "B 1234 XYZ diderek tanggal 12 Maret" in summary["text"]
    assert summary["made_by"] == "extractive"
    # What is summed up is summed up once.
    assert await world.house.remembering.look() == 0

    await ani.says(FINE)
    await world.settles()
    turn = world.model.briefs[-1].turn
    assert not any("diderek" in line.content for line in turn.history)
    assert "diderek tanggal 12 Maret" in turn.earlier
    (row,) = await _summaries(world)
    held = [message.id for message in await world.rows(Message) if message.text and message.id > row.until_id]
    assert len(held) >= len(turn.history) - 6


class Chronicler:
    """A chat model that sums up as it is told to, and remembers what it was given."""

    name = "chronicler"

    def __init__(self, *answers: str | Exception) -> None:
        self.answers, self.given = list(answers), []

    async def think(self, brief: Brief) -> Draft:
        raise ModelFailed("it only sums up")

    async def sum_up(self, text: str, language: str, tokens: int, *, contact_id: str) -> str:
        assert contact_id
        self.given.append((text, language))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def test_a_chat_model_sums_up_and_what_nobody_said_is_taken_out(world: World):
    ani = world.customer("Ani")
    for _ in range(12):
        await ani.says(FINE)
        await world.settles()
    model = Chronicler("Ani asked about the late fine of 2%. She was promised Rp999.000.", ModelFailed("down"))
    remembering = Remembering(world.house.store, model, world.clock, TokenCounter())
    assert await remembering.look() == 1
    (first,) = await _summaries(world)
    assert (first.text, first.made_by) == ("Ani asked about the late fine of 2%.", "chronicler")
    assert model.given[0][1] == "id"

    for _ in range(6):
        await ani.says(FINE)
        await world.settles()
    # The model is down: what it had said stays, with the telling sentences since.
    assert await remembering.look() == 1
    (second,) = await _summaries(world)
    assert second.made_by == "extractive"
    assert second.text.startswith("Ani asked about the late fine of 2%.\nCustomer: ")
    assert second.until_id > first.until_id
    assert model.given[1][0].startswith("Ani asked about the late fine of 2%.\n")


async def test_what_is_remembered_goes_with_the_person(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says(f"Plat saya B 1234 XYZ. {FINE}")
    await world.settles()
    admin = world.rest(await world.key("admin", "admin"))
    answer = await admin.post(f"contacts/{await contact_of(budi, ani)}/erase")
    assert answer.json()["erased"]["contact_fact"] == 1
    assert await world.rows(ContactFact) == []


async def _summaries(world: World) -> list[ConversationSummary]:
    async with world.house.store.reading() as tx:
        return list((await tx.execute(select(ConversationSummary))).scalars())
