"""Documents over REST: what is uploaded is known at once, its versions stay readable, what is deleted is not known."""

from typing import Any

import pytest

from sahut.models import AuditEntry
from tests.journeys.people import Operator
from tests.journeys.stage import World

PARKING = b"# Parking\n\nParking at the main office is free for two hours, then it costs Rp 3.000 an hour.\n"
QUESTION = "How much does parking at the main office cost?"


async def upload(budi: Operator, name: str, content: bytes, collection: str = "default") -> Any:
    return await budi.rest.call("POST", f"documents?collection={collection}", files={"file": (name, content)})


async def test_an_uploaded_document_is_known_at_once(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    answer = await upload(budi, "parking.md", PARKING)
    assert (answer.status_code, answer.json()["outcome"], answer.json()["title"]) == (201, "added", "Parking")
    await ani.says(QUESTION)
    await world.settles()
    assert "3.000" in world.sent_to(ani)[0]

    (known,) = await budi.rest.items("documents")
    assert known["path"] == "parking.md"
    citation = (await budi.receipt(ani, ani.received[0]))["citations"][0]
    text = await budi.text_of("parking.md", citation["version"])
    assert text[citation["start"] : citation["end"]] == citation["quote"]


async def test_complaint_09_a_citation_outlives_the_version_it_points_into(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    first = (await upload(budi, "parking.md", PARKING)).json()
    await ani.says(QUESTION)
    await world.settles()
    assert (await upload(budi, "parking.md", PARKING)).json()["outcome"] == "unchanged"
    changed = (await upload(budi, "parking.md", PARKING.replace(b"3.000", b"4.000"))).json()
    assert (changed["outcome"], changed["id"]) == ("changed", first["id"])
    assert changed["version"] != first["version"]

    citation = (await budi.receipt(ani, ani.received[0]))["citations"][0]
    text = await budi.text_of("parking.md", citation["version"])
    assert text[citation["start"] : citation["end"]] == citation["quote"]
    assert "3.000" in text
    await ani.says(QUESTION)
    await world.settles()
    assert "4.000" in world.sent_to(ani)[1]


async def test_complaint_11_a_deleted_document_is_not_cited_any_more(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    document = (await upload(budi, "parking.md", PARKING)).json()
    assert (await budi.rest.call("DELETE", f"documents/{document['id']}")).status_code == 204
    assert await budi.rest.items("documents") == []
    assert (await budi.rest.call("GET", f"documents/{document['id']}")).status_code == 404
    assert (await budi.rest.call("DELETE", f"documents/{document['id']}")).status_code == 404
    assert [row.action for row in await world.rows(AuditEntry)] == ["document_delete"]
    await ani.says(QUESTION)
    await world.settles()
    assert "3.000" not in world.sent_to(ani)[0]


async def test_a_collection_has_documents_of_its_own(small: World):
    budi = await small.operator()
    for collection in ("default", "branch"):
        await upload(budi, "parking.md", PARKING, collection)
    assert len(await budi.rest.items("documents")) == 2
    assert [item["collection"] for item in await budi.rest.items("documents?collection=branch")] == ["branch"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("parking.exe", PARKING),
        ("parking", PARKING),
        ("parking.md", b""),
        ("parking.md", b"# Only a heading\n"),
        ("x" * 2000 + ".md", PARKING),
    ],
)
async def test_a_file_that_cannot_be_read_is_422(small: World, name, content):
    budi = await small.operator()
    answer = await upload(budi, name, content)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert await budi.rest.items("documents") == []


async def test_a_weird_name_stays_a_name(world: World):
    budi = await world.operator()
    for name in ("../../etc/passwd.md", "a\x00b.md", "dokumen 👍.md", "C:\\temp\\x.md"):
        assert (await upload(budi, name, PARKING)).status_code in {201, 422}
    for item in await budi.rest.items("documents"):
        assert "\x00" not in item["path"]


async def test_no_file_is_422(small: World):
    budi = await small.operator()
    assert (await budi.rest.call("POST", "documents")).status_code == 422
