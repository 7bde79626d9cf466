"""Gaps: what went to humans for want of an answer is gathered, answered once in a document, and asked again."""

from typing import Any

from sahut.brief import Draft, Sentence
from sahut.models import Document, GapQuestion
from tests.journeys.lines import FINE, UNKNOWN
from tests.journeys.people import Operator
from tests.journeys.stage import World

AGAIN = "Ada lowongan pegawai tahun ini di kantor?"
WIFI = "Does the office have wifi for visitors?"
ANSWER = "Tahun ini Samsat Nusa Raya tidak membuka lowongan pegawai. Lowongan berikutnya dibuka pada Maret 2027."


async def asked_and_answered(world: World, budi: Operator) -> Any:
    """Two customers ask the same, one asks something else; Budi answers the first."""
    ani = await world.asked("Ani", UNKNOWN)
    await world.asked("Citra", AGAIN)
    await world.asked("Dewi", WIFI)
    await budi.claims(ani)
    await budi.writes(ani, f"Halo Ibu Ani! {ANSWER}")
    await world.settles()
    await budi.resolves(ani)
    await world.settles()
    return ani


async def test_a_gap_published_turns_the_same_question_from_handoff_to_cited_answer(world: World):
    budi = await world.operator()
    await asked_and_answered(world, budi)
    jobs, wifi = await budi.rest.items("gaps?state=open")
    assert (jobs["questions"], jobs["answered"], jobs["title"]) == (2, 0, UNKNOWN)
    assert (wifi["questions"], wifi["title"]) == (1, WIFI)

    whole = await budi.rest.get(f"gaps/{jobs['id']}")
    assert [row["text"] for row in whole["asked"]] == [AGAIN, UNKNOWN]
    assert [(row["text"], row["author_name"]) for row in whole["answers"]] == [(f"Halo Ibu Ani! {ANSWER}", "budi")]
    assert whole["draft"] == {"title": UNKNOWN, "text": ANSWER}

    published = (await budi.rest.post(f"gaps/{jobs['id']}/publish")).json()
    assert (published["state"], published["answered"]) == ("published", 2)
    assert {tuple(row["cited"]) for row in published["asked"]} == {(published["document"],)}
    assert all("lowongan pegawai" in row["answer"] for row in published["asked"])

    eka = await world.asked("Eka", UNKNOWN)
    assert "tidak membuka lowongan pegawai" in world.sent_to(eka)[0]
    receipt = await budi.receipt(eka, eka.received[0])
    assert (receipt["decision"], receipt["citations"][0]["document"]) == ("reply", published["document"])


async def test_an_article_is_edited_published_again_and_reopened_by_a_new_question(world: World):
    budi = await world.operator()
    await world.asked("Dewi", WIFI)
    (gap,) = await budi.rest.items("gaps")
    path = f"gaps/{gap['id']}"
    assert (await budi.rest.post(f"{path}/publish")).status_code == 422
    assert (await budi.rest.post(f"{path}/draft")).status_code == 409
    written = {"title": "Opening of the canteen", "text": "The canteen opens at 9."}
    assert (await budi.rest.call("PUT", f"{path}/draft", json=written)).json()["draft"] == written
    first = (await budi.rest.post(f"{path}/publish")).json()
    # What does not answer the question is not shown as an answer.
    assert (first["state"], first["answered"], first["asked"][0]["answer"]) == ("published", 0, "")

    right = {
        "title": WIFI,
        "text": "There is no wifi for visitors. A computer that everybody may use stands beside counter 4.",
    }
    second = (await budi.rest.post(f"{path}/publish", right)).json()
    assert (second["document"], second["answered"]) == (first["document"], 1)
    assert len([row for row in await world.rows(Document) if row.path == first["document"]]) == 1

    world.model.says(Draft(decision="hand_off", reason="no_answer"))
    await world.asked("Eka", WIFI)
    (again,) = await budi.rest.items("gaps?state=open")
    assert (again["id"], again["questions"]) == (gap["id"], 2)


async def test_what_is_dismissed_does_not_come_back(world: World):
    budi = await world.operator()
    await world.asked("Dewi", WIFI)
    (gap,) = await budi.rest.items("gaps")
    assert (await budi.rest.post(f"gaps/{gap['id']}/dismiss")).json()["state"] == "dismissed"
    await world.asked("Eka", WIFI)
    assert await budi.rest.items("gaps?state=open") == []
    assert (await budi.rest.get(f"gaps/{gap['id']}"))["questions"] == 2


async def test_only_questions_without_an_answer_are_kept(world: World):
    budi = await world.operator()
    await world.asked("Ani", FINE)
    await world.asked("Citra", "Saya mau bicara dengan petugas")
    await world.asked("Dewi", "Halo")
    assert await budi.rest.items("gaps") == []
    assert await world.rows(GapQuestion) == []


async def test_a_chat_model_drafts_from_what_operators_wrote(world: World):
    budi = await world.operator()
    await asked_and_answered(world, budi)
    jobs, _ = await budi.rest.items("gaps")
    world.model.name = "a-chat-model"
    world.model.says(Draft(decision="reply", sentences=(Sentence(text="Lowongan dibuka Maret 2027."),)))
    drafted = (await budi.rest.post(f"gaps/{jobs['id']}/draft")).json()
    assert drafted["draft"]["text"] == "Lowongan dibuka Maret 2027."


async def test_a_gap_that_is_not_there_is_404_and_bounds_are_422(world: World):
    budi = await world.operator()
    assert (await budi.rest.call("GET", "gaps/nothing")).status_code == 404
    assert (await budi.rest.post("gaps/nothing/publish", {"title": "x", "text": "y"})).status_code == 404
    assert (await budi.rest.post("gaps/nothing/publish", {"title": "x" * 400})).status_code == 422
    assert (await world.rest(None).call("GET", "gaps")).status_code == 401
