"""Uploads through the real client, and the double's rules of media."""

from pathlib import Path

import pytest

from api.simulator.faults import Down, LoseAnswer, Refuse
from sahut.errors import SendNotMade, SendRefused, SendUnknown
from tests.whatsapp.world import World, code_of

PDF = b"%PDF-1.7 form"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / 'a"b\r\nc.pdf'
    file.write_bytes(PDF)
    return file


async def test_an_upload_is_what_the_message_carries(file: Path):
    world = World()
    await world.ana.says("Halo")
    media_id = await world.client.upload(world.double.number, file, "application/pdf")
    body = {"type": "document", "document": {"id": media_id, "filename": "form.pdf", "caption": "Here"}}
    await world.client.send(world.double.number, {"to": "+6281255501234", **body})
    (sent,) = world.ana.received
    assert world.double.cupboard.get(sent.body["document"]["id"]).content == PDF
    assert sent.text == "Here"


@pytest.mark.parametrize("media_type", ["application/zip", "text/html", "application/vnd.android.package-archive", ""])
async def test_types_that_meta_does_not_take_are_refused(file: Path, media_type: str):
    world = World()
    with pytest.raises(SendRefused):
        await world.client.upload(world.double.number, file, media_type)


@pytest.mark.parametrize(
    ("fault", "error"), [(Down(), SendNotMade), (LoseAnswer(), SendUnknown), (Refuse(190), SendRefused)]
)
async def test_an_upload_fails_as_a_send_does(file: Path, fault, error):
    world = World()
    world.double.fail_next(fault)
    with pytest.raises(error):
        await world.client.upload(world.double.number, file, "application/pdf")


async def test_a_media_id_is_good_for_its_kind_and_for_thirty_days(file: Path):
    world = World()
    await world.ana.says("Halo")
    media_id = await world.client.upload(world.double.number, file, "application/pdf")
    for kind, name in (("image", media_id), ("document", "12345")):
        content = {"to": "+6281255501234", "type": kind, kind: {"id": name}}
        with pytest.raises(SendRefused) as refused:
            await world.client.send(world.double.number, content)
        assert refused.value.code == 131053
    world.clock.advance(30 * 24 * 3600)
    body = {"to": "+6281255501234", "type": "document", "document": {"id": media_id}}
    with pytest.raises(SendRefused):
        await world.client.send(world.double.number, body)


async def test_another_number_and_a_wrong_token_upload_nothing(file: Path):
    world = World()
    assert await code_of(world.client.upload("999", file, "application/pdf")) == 33
    world.double.token = "another"
    assert await code_of(world.client.upload(world.double.number, file, "application/pdf")) == 190
    assert world.double.cupboard.uploads == []
