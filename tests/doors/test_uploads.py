"""Uploads: office files become cited answers, several files are followed one by one, and nothing gets lost."""

import pytest

from api.desk import uploads
from knowledge.learn import learn
from sahut.errors import Conflict, ModelFailed
from tests.journeys.people import Operator
from tests.journeys.stage import World
from tests.knowledge import office

QUESTION = "How much is the fine for a late vehicle tax?"


async def send(budi: Operator, *files: tuple[str, bytes], **query: str):
    more = "&".join(f"{name}={value}" for name, value in query.items())
    return await budi.rest.call("POST", f"documents?{more}", files=[("file", file) for file in files])


async def followed(world: World, budi: Operator, answer):
    """The upload when it has come to its end."""
    assert answer.status_code == 202, answer.text
    await world.house.background.settled()
    return await budi.rest.get(f"documents/uploads/{answer.json()['id']}")


def states(upload):
    return {file["path"]: (file["state"], file["outcome"] or file["reason"]) for file in upload["files"]}


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("fines.docx", office.word),
        ("fines.pdf", lambda: office.pages(["Parking is free on page {}.", office.FINE])),
        ("fines.xlsx", lambda: office.saved(office.workbook({"F": [["Question", "Answer"], [QUESTION, office.FINE]]}))),
    ],
)
async def test_an_uploaded_office_document_is_cited_from_its_text(world: World, name, make):
    ani, budi = world.customer("Ani"), await world.operator()
    answer = await send(budi, (name, make()))
    assert (answer.status_code, answer.json()["outcome"]) == (201, "added")
    await ani.says(QUESTION)
    await world.settles()
    assert "2%" in world.sent_to(ani)[0]
    citation = (await budi.receipt(ani, ani.received[0]))["citations"][0]
    assert citation["document"] == name
    text = await budi.text_of(name, citation["version"])
    assert text[citation["start"] : citation["end"]] == citation["quote"]
    assert citation["page"] == (2 if name.endswith(".pdf") else None)


async def test_several_files_are_learned_behind_the_answer_and_bad_ones_have_reasons(world: World):
    budi = await world.operator()
    archive = office.zipped(
        {
            "fees/plates.pdf": office.pdf(),
            "fees/scan.pdf": office.scan(),
            "inner.zip": b"PK",
            "a.png": b"x",
            "../b.md": b"x",
        }
    )
    files = [("hours.pptx", office.slides()), ("handbook.zip", archive), ("x.exe", b"MZ"), ("hours.pptx", b"twice")]
    answer = await send(budi, *files)
    begun = answer.json()
    assert (begun["state"], begun["total"], begun["failed"]) == ("waiting", 4, 2)
    upload = await followed(world, budi, answer)
    assert (upload["state"], upload["done"], upload["failed"]) == ("done", 2, 5)
    assert [file["path"] for file in upload["files"]].count("hours.pptx") == 2
    found = states(upload)
    assert found["fees/plates.pdf"] == ("done", "added")
    assert found["a.png"] == ("skipped", uploads.NOT_READ)
    reasons = {path: reason for path, (state, reason) in found.items() if state == "failed"}
    assert "scan" in reasons["fees/scan.pdf"]
    assert "archive within an archive" in reasons["inner.zip"]
    assert "leads out" in reasons["../b.md"]
    assert "kind of file" in reasons["x.exe"]
    assert {item["path"] for item in await budi.rest.items("documents")} == {"hours.pptx", "fees/plates.pdf"}
    assert list((world.house.settings.home / "uploads").iterdir()) == []


async def test_an_upload_outlives_the_pruning_of_folders_and_can_be_deleted(world: World, tmp_path):
    budi = await world.operator()
    await followed(world, budi, await send(budi, ("up.zip", office.zipped({"fees/fines.docx": office.word()}))))
    folder = tmp_path / "handbook"
    (folder / "fees").mkdir(parents=True)
    (folder / "fees" / "other.md").write_text("# Other\n\nWords.")
    house = world.house
    assert (await learn(house.store, house.embedder, [folder], prune=True, clock=house.clock)).removed == ()
    (mine,) = [item for item in await budi.rest.items("documents") if item["path"] == "fees/fines.docx"]
    assert (await budi.rest.call("DELETE", f"documents/{mine['id']}")).status_code == 204
    assert [item["path"] for item in await budi.rest.items("documents")] == ["fees/other.md"]


async def test_one_file_can_be_followed_too(small: World):
    budi = await small.operator()
    upload = await followed(small, budi, await send(budi, ("fines.docx", office.word()), background="true"))
    assert states(upload) == {"fines.docx": ("done", "added")}
    assert upload["finished_at"] is not None


async def test_an_upload_that_was_cut_off_is_taken_up_again(world: World):
    """The service stops when the second of three documents is being learned."""
    budi, house = await world.operator(), world.house
    incoming = [uploads.Incoming(f"{n}.md", _bytes(f"# {n}\n\nWords of {n}.")) for n in (1, 2)]
    packed = office.zipped({"3.md": b"# 3\n\nWords of 3.", "4.txt": b""})
    incoming += [uploads.Incoming("a.zip", _bytes(packed)), uploads.Incoming("../bad.md", _bytes("x"))]
    upload_id = await uploads.receive(house, incoming, collection="default", by="budi")
    steps = uploads.learn(house, upload_id)
    assert (await anext(steps)).path == "1.md"
    with pytest.raises(Conflict):
        await anext(uploads.learn(house, upload_id))
    await steps.aclose()
    assert (await budi.rest.get(f"documents/uploads/{upload_id}"))["state"] == "learning"

    await uploads.resume(house)
    await house.background.settled()
    upload = await budi.rest.get(f"documents/uploads/{upload_id}")
    assert upload["state"] == "done"
    found = states(upload)
    assert found["1.md"] == ("done", "unchanged")
    assert [found[path][0] for path in ("2.md", "3.md", "4.txt", "../bad.md")] == ["done", "done", "failed", "failed"]
    await uploads.resume(house)  # nothing is left to do
    await house.background.settled()


async def test_an_upload_whose_files_are_gone_says_so(small: World):
    budi, house = await small.operator(), small.house
    upload_id = await uploads.receive(house, [uploads.Incoming("a.md", _bytes("x"))], collection="default", by="budi")
    uploads.folder_of(house, upload_id).rename(house.settings.home / "gone")
    await uploads.resume(house)
    upload = await budi.rest.get(f"documents/uploads/{upload_id}")
    assert (upload["state"], upload["failed"]) == ("failed", 1)
    assert "upload them again" in upload["reason"]


async def test_an_embedder_that_is_down_fails_the_upload_and_says_so(small: World, monkeypatch):
    budi = await small.operator()

    async def down(texts):
        raise ModelFailed("The embedding server does not answer.")

    monkeypatch.setattr(small.house.embedder, "embed", down)
    upload = await followed(small, budi, await send(budi, ("a.md", b"# A\n\nWords."), background="true"))
    assert (upload["state"], upload["failed"]) == ("failed", 1)
    assert "does not answer" in upload["reason"]


async def test_an_unknown_upload_is_404(small: World):
    budi = await small.operator()
    assert (await budi.rest.call("GET", "documents/uploads/nothing")).status_code == 404


async def _bytes(text: str | bytes):
    yield text.encode() if isinstance(text, str) else text
