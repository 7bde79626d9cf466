"""The organisation's own files: sent where the customer asks for them, uploaded once, and never a file beyond those."""

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest

from api.simulator.customers import Customer, Sent
from api.simulator.faults import Down, Late, LoseAnswer, LoseRequest, Refuse
from knowledge.attachments import attach
from sahut.brief import Draft
from sahut.models import Attachment, MediaUpload
from sahut.toolcall import ToolCall
from tests.journeys.lines import FINE
from tests.journeys.stage import World

PDF = b"%PDF-1.7\nFormulir balik nama kendaraan"
PNG = b"\x89PNG\r\n\x1a\n a map"
PRICES = b"%PDF-1.4\nTarif"
DAY_S = 24 * 3600


@pytest.fixture
async def folder(world: World, tmp_path: Path) -> Path:
    """A handbook with a form, a price list and a map, learned."""
    folder = tmp_path / "handbook"
    folder.mkdir()
    (folder / "formulir-balik-nama.pdf").write_bytes(PDF)
    (folder / "formulir-balik-nama.pdf.caption").write_text(
        "Formulir balik nama\nChange of ownership form\nFormulário de transferência\n"
        "Formulario de cambio de propietario\nEyðublað fyrir eigendaskipti\n"
    )
    (folder / "harga.pdf").write_bytes(PRICES)
    (folder / "harga.pdf.caption").write_text(
        "Daftar harga\nPrice list\nTabela de preços\nLista de precios\nVerðlisti\n"
    )
    (folder / "peta.png").write_bytes(PNG)
    (folder / "peta.png.caption").write_text("Peta lokasi kantor\nMap of the office\nMapa\nKort\n")
    await learns(world, folder)
    return folder


async def learns(world: World, folder: Path, **more: bool) -> None:
    report = await attach(world.house.store, world.house.shelf, [folder], clock=world.clock, **more)
    assert report.failed == ()


def carried(world: World, sent: Sent) -> bytes:
    """The bytes that the customer got."""
    file = world.double.cupboard.get(sent.body[sent.kind]["id"])
    assert file is not None
    return file.content


async def asks(world: World, customer: Customer, text: str) -> Sent:
    await customer.says(text)
    await world.settles()
    return customer.received[-1]


ASKED = [
    ("kirim formulirnya dong", "document", PDF),
    ("Boleh minta daftar harganya kak?", "document", PRICES),
    ("tolong kirim peta lokasinya", "image", PNG),
    ("can you send me the price list?", "document", PRICES),
    ("Please send me the change of ownership form", "document", PDF),
    ("show me the map of the office", "image", PNG),
    ("Pode me enviar a tabela de preços?", "document", PRICES),
    ("me manda o mapa, por favor", "image", PNG),
    ("¿Me puede enviar la lista de precios?", "document", PRICES),
    ("Envíeme el formulario de cambio de propietario", "document", PDF),
    ("Getið þið sent mér verðlistann?", "document", PRICES),
    ("Getið þið sent mér eyðublaðið fyrir eigendaskipti?", "document", PDF),
]


@pytest.mark.parametrize(("text", "kind", "content"), ASKED)
async def test_a_file_is_sent_where_it_is_asked_for(world: World, folder: Path, text: str, kind: str, content: bytes):
    sent = await asks(world, world.customer("Ani"), text)
    assert sent.kind == kind
    assert carried(world, sent) == content
    assert sent.text


async def test_the_caption_the_file_name_and_the_receipt(world: World, folder: Path):
    ani, budi = world.customer("Ani"), await world.operator()
    sent = await asks(world, ani, "kirim formulirnya dong")

    assert sent.body["document"]["filename"] == "formulir-balik-nama.pdf"
    assert sent.text == "Ini “Formulir balik nama”."
    (call,) = (await budi.receipt(ani, sent))["tools"]
    assert (call["name"], call["state"], call["arguments"]) == (
        "send_document",
        "done",
        {"name": "Formulir balik nama"},
    )
    assert call["file"]["hash"] == hashlib.sha256(PDF).hexdigest()
    assert (await budi.messages(ani))[-1]["kind"] == "document"


@pytest.mark.parametrize("text", [FINE, "Berapa harga balik nama?", "kirim ijazah saya dong", "where is the form?"])
async def test_no_file_where_something_else_is_asked(world: World, folder: Path, text: str):
    assert (await asks(world, world.customer("Ani"), text)).kind in ("text", "interactive")
    assert world.double.cupboard.uploads == []


async def test_without_files_the_request_is_answered_as_any_other(world: World):
    assert (await asks(world, world.customer("Ani"), "kirim formulirnya dong")).kind in ("text", "interactive")


# --- the upload


async def test_a_file_is_uploaded_once_for_all_customers_and_again_after_its_time(world: World, folder: Path):
    for name in ("Ani", "Bela"):
        await asks(world, world.customer(name), "kirim formulirnya dong")
    assert len(world.double.cupboard.uploads) == 1
    await world.passes(31 * DAY_S)
    sent = await asks(world, world.customer("Ani"), "kirim formulirnya dong")
    assert carried(world, sent) == PDF
    assert len(world.double.cupboard.uploads) == 2


async def test_a_media_id_that_meta_has_forgotten_is_replaced(world: World, folder: Path):
    await asks(world, world.customer("Ani"), "kirim formulirnya dong")
    world.double.cupboard.lose()
    bela = world.customer("Bela")
    await bela.says("kirim formulirnya dong")
    await world.passes(5)
    (sent,) = bela.received
    assert carried(world, sent) == PDF
    assert [code for _, code in world.double.refused] == [131053]


async def test_a_file_that_meta_keeps_refusing_goes_to_a_human(world: World, folder: Path):
    ani, budi = world.customer("Ani"), await world.operator()
    world.double.fault_for = lambda body: Refuse(131053) if body.get("type") == "document" else None
    await ani.says("kirim formulirnya dong")
    await world.passes(60)
    assert ani.received == []
    assert len(world.double.cupboard.uploads) == 2
    assert len(await budi.handoffs(ani)) == 1


@pytest.mark.parametrize("fault", [LoseRequest(), LoseAnswer(), Down(), Refuse(131016), Refuse(2), Late(300)])
async def test_an_upload_that_fails_is_made_again_and_one_message_arrives(world: World, folder: Path, fault):
    ani = world.customer("Ani")
    world.double.fail_next(fault)
    await ani.says("kirim formulirnya dong")
    await world.passes(600)
    (sent,) = ani.received
    assert carried(world, sent) == PDF
    assert len(world.double.sent) == 1


@pytest.mark.parametrize("fault", [LoseAnswer(), LoseRequest()])
async def test_a_send_whose_answer_was_lost_arrives_once(world: World, folder: Path, fault):
    ani = world.customer("Ani")
    world.double.fault_for = once(fault)
    await ani.says("kirim formulirnya dong")
    await world.passes(600)
    assert [carried(world, sent) for sent in ani.received] == [PDF]
    assert len(world.double.cupboard.uploads) == 1


def once(fault):
    """The first message (not an upload) fails so."""
    left = [fault]
    return lambda body: left.pop() if left and body.get("type") != "media" else None


async def test_an_upload_refused_for_good_goes_to_a_human(world: World, folder: Path):
    ani, budi = world.customer("Ani"), await world.operator()
    world.double.fail_next(Refuse(131053))
    await ani.says("kirim formulirnya dong")
    await world.passes(60)
    assert ani.received == []
    assert len(await budi.handoffs(ani)) == 1


async def test_a_takeover_while_the_file_waits_for_its_upload_keeps_it_here(world: World, folder: Path):
    ani, budi = world.customer("Ani"), await world.operator()
    world.double.fail_next(Down())
    await ani.says("kirim formulirnya dong")
    await world.settles()
    await budi.takes_over(ani)
    await world.passes(600)
    assert world.double.sent == []
    assert world.double.cupboard.uploads == []


async def test_a_worker_that_died_in_the_middle_of_an_upload(world: World, folder: Path):
    ani = world.customer("Ani")
    world.double.fail_next(Late(10))
    await ani.says("kirim formulirnya dong")
    await world.settles()
    await world.dies()
    await world.passes(600)
    assert [carried(world, sent) for sent in ani.received] == [PDF]


# --- what may be sent


async def test_a_file_that_is_taken_away_before_it_left_is_not_sent(world: World, folder: Path):
    ani, budi = world.customer("Ani"), await world.operator()
    world.double.fail_next(Down())
    await ani.says("kirim formulirnya dong")
    await world.settles()
    (folder / "formulir-balik-nama.pdf").unlink()
    await learns(world, folder, prune=True)
    await world.passes(60)
    assert ani.received == []
    assert "may be sent" in (await budi.handoffs(ani))[0]["summary"]


async def test_bytes_that_are_gone_are_read_again_from_where_they_were_learned(world: World, folder: Path):
    for file in (world.house.settings.home / "media").iterdir():
        file.write_bytes(b"broken")
    sent = await asks(world, world.customer("Ani"), "kirim formulirnya dong")
    assert carried(world, sent) == PDF


async def test_bytes_that_are_gone_for_good_go_to_a_human(world: World, folder: Path):
    ani, budi = world.customer("Ani"), await world.operator()
    for file in (world.house.settings.home / "media").iterdir():
        file.unlink()
    (folder / "formulir-balik-nama.pdf").write_bytes(b"%PDF-1.7 another one")
    await ani.says("kirim formulirnya dong")
    await world.settles()
    assert ani.received == []
    assert len(await budi.handoffs(ani)) == 1


async def test_a_changed_file_is_uploaded_under_its_new_content(world: World, folder: Path):
    await asks(world, world.customer("Ani"), "kirim formulirnya dong")
    (folder / "formulir-balik-nama.pdf").write_bytes(PDF + b" 2027")
    await learns(world, folder)
    sent = await asks(world, world.customer("Ani"), "kirim formulirnya dong")
    assert carried(world, sent) == PDF + b" 2027"
    assert len(await world.rows(Attachment)) == 3


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "harga.pdf", "Formulir balik nama\u202e", "sahut:" + "0" * 64]
)
async def test_a_model_can_name_no_file_beyond_those(world: World, folder: Path, name: str):
    call = ToolCall(name="send_document", arguments={"name": name})
    world.model.says(Draft(decision="reply", tool_calls=(call,), model="scripted"))
    sent = await asks(world, world.customer("Ani"), "kirim dong")
    assert sent.kind in ("text", "interactive")
    assert world.double.cupboard.uploads == []


async def test_an_operator_sends_a_file_by_its_content_and_no_other_one(world: World, folder: Path):
    ani, budi = world.customer("Ani"), await world.operator()
    await asks(world, ani, "Halo")
    form = next(item for item in await budi.rest.items("attachments") if item["path"] == "harga.pdf")
    conversation = (await budi.conversation(ani))["id"]
    for digest in (form["hash"], "0" * 64, "../../etc/passwd"):
        body = {"type": "document", "document": {"id": f"sahut:{digest}", "filename": "x.pdf"}}
        assert (await budi.rest.post(f"conversations/{conversation}/messages", body)).status_code == 202
        await world.settles()
    assert [sent.kind for sent in ani.received] == ["text", "document"]
    assert [message["state"] for message in await budi.messages(ani)][-2:] == ["failed", "failed"]


async def test_a_number_of_ours_has_uploads_of_its_own(world: World, folder: Path):
    await asks(world, world.customer("Ani"), "kirim formulirnya dong")
    (upload,) = await _uploads(world)
    assert upload.number == world.double.number
    assert upload.uploaded_at <= world.clock.now() + timedelta(seconds=1)


async def _uploads(world: World) -> list[MediaUpload]:
    from sqlmodel import select

    async with world.house.store.reading() as tx:
        return list((await tx.execute(select(MediaUpload))).scalars())
