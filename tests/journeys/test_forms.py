"""Forms filled in chat: begun by a wish, asked one by one, corrected, cancelled, resumed, and sent once."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from api.mind import load_forms
from api.simulator.customers import Customer
from knowledge.embed import LocalEmbedder
from sahut.models import FillingRow, Submission, Ticket
from tests.journeys.lines import FINE
from tests.journeys.stage import World, open_world

FORMS = Path(__file__).parents[2] / "examples" / "tax-office" / "forms"
WISH = "saya mau minta pengembalian dana"
DAY_S = 86_400


@pytest.fixture
async def world(learned_url: str, embedder: LocalEmbedder, tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(learned_url, embedder, tmp_path) as world:
        await load_forms(world.house.store, FORMS, world.clock)
        yield world


async def tell(world: World, who: Customer, *lines: str) -> str:
    """The customer says one line after the other; what they read at last."""
    for line in lines:
        await who.says(line)
        await world.settles()
    return world.sent_to(who)[-1]


async def at_summary(world: World, who: Customer) -> str:
    return await tell(world, who, WISH, "B 1234 XY", "Bayar dua kali", "3 Maret 2026", "250.000", "lewati")


async def test_a_form_is_asked_one_by_one_and_sent_after_the_yes(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    first = await tell(world, ani, WISH)
    assert first.startswith("Permohonan pengembalian")
    assert first.endswith("Berapa nomor polisi kendaraannya?")

    assert await tell(world, ani, "B 1234 XY") == "Apa alasan pengembaliannya?"
    assert ani.received[-1].choices == [
        "Bayar dua kali",
        "Bayar terlalu besar",
        "Kendaraan dijual",
        "Kendaraan rusak total",
    ]
    row = ani.received[-1].body["interactive"]["action"]["sections"][0]["rows"][0]
    await ani.sends(ani.chooses(row["id"], row["title"], quote=ani.received[-1].wamid))
    await world.settles()
    assert "Kapan" in world.sent_to(ani)[-1]
    assert "rupiah" in await tell(world, ani, "3 Maret 2026")
    await tell(world, ani, "Rp 250.000")
    assert ani.received[-1].choices == ["Lewati"]
    summary = await tell(world, ani, "Lewati")
    assert (
        "Nomor polisi: B 1234 XY\nAlasan: Bayar dua kali\nTanggal bayar: 3 Maret 2026\nJumlah (Rp): 250.000" in summary
    )
    assert ani.received[-1].choices == ["Kirim", "Ubah", "Batal"]
    assert await world.rows(Submission) == []

    thanks = await tell(world, ani, "Kirim")
    (sent,) = await budi.rest.items("submissions")
    assert sent["answers"] == {
        "plate": "B 1234 XY",
        "reason": "paid_twice",
        "paid_on": "2026-03-03",
        "amount": 250000,
        "email": None,
    }
    assert (sent["form"], sent["language"], sent["flagged"]) == ("refund", "id", False)
    (ticket,) = await budi.rest.items("tickets")
    assert sent["ticket_id"] == ticket["id"]
    assert sent["reference"] == ticket["reference"]
    assert sent["reference"] in thanks
    receipt = await budi.receipt(ani, ani.received[-1])
    assert [(call["name"], call["state"]) for call in receipt["tools"]] == [("send_form", "done")]


async def test_what_is_wrong_is_said_in_the_customers_words(world: World):
    ani = world.customer("Ani")
    assert (await tell(world, ani, WISH, "mobil saya")).startswith(
        "Bentuknya belum sesuai. Contoh nomor polisi: B 1234 XY."
    )
    await tell(world, ani, "b1234xy")
    assert "pilih salah satu" in await tell(world, ani, "😂😂😂")
    await tell(world, ani, "kendaraan dijual kak")
    assert "paling akhir" in await tell(world, ani, "besok")
    await tell(world, ani, "kemarin")
    assert "paling sedikit 1.000" in await tell(world, ani, "5")
    assert "bukti pengembalian" in await tell(world, ani, "1,5 juta")


async def test_answers_are_corrected_by_word_and_by_list(world: World):
    ani = world.customer("Ani")
    await tell(world, ani, WISH, "B 1234 XY", "Bayar dua kali")
    told = await tell(world, ani, "salah, platnya B 9999 ZZ")
    assert told.startswith("Saya ubah: Nomor polisi menjadi B 9999 ZZ.")
    assert told.endswith("Tulis tanggal, bulan dan tahun.")
    assert "Apa alasan" in await tell(world, ani, "kembali")
    summary = await tell(world, ani, "Kendaraan dijual", "3/3/2026", "250rb", "skip")
    assert "Kendaraan dijual" in summary
    assert "Jawaban mana" in await tell(world, ani, "Ubah")
    assert ani.received[-1].choices[2] == "Tanggal bayar"
    assert "Kapan" in await tell(world, ani, "Tanggal bayar")
    assert "4 Maret 2026" in await tell(world, ani, "4 Maret 2026")
    assert "Jumlah (Rp): 300.000" in await tell(world, ani, "jumlahnya 300.000")
    await tell(world, ani, "ya")
    (sent,) = await world.rows(Submission)
    assert (sent.answers["plate"], sent.answers["amount"]) == ("B 9999 ZZ", 300000)


@pytest.mark.parametrize("word", ["batal", "cancel", "desisto", "déjelo", "hætta við"])
async def test_a_form_is_cancelled_in_five_languages(world: World, word: str):
    ani = world.customer("Ani")
    assert "Tidak ada yang dikirim" in await tell(world, ani, WISH, "B 1234 XY", word)
    assert [row.state for row in await world.rows(FillingRow)] == ["cancelled"]
    assert "2%" in await tell(world, ani, FINE)
    assert await world.rows(Submission) == []


async def test_a_form_goes_on_after_three_days(world: World):
    ani = world.customer("Ani")
    await tell(world, ani, WISH, "B 1234 XY")
    before = len(ani.received)
    await world.passes(3 * DAY_S)
    assert len(ani.received) == before
    told = await tell(world, ani, "halo")
    assert told.endswith("Apa alasan pengembaliannya?")
    await tell(world, ani, "Bayar dua kali", "3 Maret 2026", "250000", "lewati", "ya")
    assert len(await world.rows(Submission)) == 1


async def test_a_form_that_was_forgotten_is_over(world: World):
    ani = world.customer("Ani")
    await tell(world, ani, WISH, "B 1234 XY")
    await world.passes(8 * DAY_S)
    assert "2%" in await tell(world, ani, FINE)
    assert "alasan" not in world.sent_to(ani)[-1]
    assert (await tell(world, ani, WISH)).endswith("Berapa nomor polisi kendaraannya?")
    assert [row.state for row in await world.rows(FillingRow)] == ["expired", "open"]


async def test_a_question_in_the_middle_is_answered_and_the_form_goes_on(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await tell(world, ani, WISH)
    told = await tell(world, ani, FINE)
    assert "2%" in told
    assert told.endswith("Berapa nomor polisi kendaraannya?")
    assert (await budi.receipt(ani, ani.received[-1]))["citations"]
    await tell(world, ani, "B 1234 XY")
    told = await tell(world, ani, "Kantor lagi buka lowongan pegawai nggak tahun ini?")
    assert told.startswith("Jawaban yang pasti untuk itu tidak ada")
    assert ani.received[-1].choices[0] == "Bayar dua kali"
    assert await budi.rest.items("handoffs") == []


async def test_a_photo_is_an_answer_only_where_one_was_asked_for(world: World):
    ani = world.customer("Ani")
    await tell(world, ani, "saya mau ganti alamat", "Ani Lestari")
    await ani.sends(ani.message("image", {"id": "1", "mime_type": "image/jpeg"}))
    await world.settles()
    told = world.sent_to(ani)[-1]
    assert "tidak bisa saya buka" in told
    assert told.endswith("Berapa nomor polisi kendaraannya?")
    await tell(world, ani, "B 1234 XY", "Jalan Melati 5, Kota Nusa 12345", "Ya")
    await ani.sends(ani.message("image", {"id": "2", "mime_type": "image/jpeg", "caption": "ini kak"}))
    await world.settles()
    assert "Surat domisili: (kiriman diterima)" in world.sent_to(ani)[-1]
    await tell(world, ani, "Kirim")
    (sent,) = await world.rows(Submission)
    assert sent.answers["letter"]["kind"] == "image"
    assert sent.answers["same_province"] is True
    assert sent.ticket_id is None


async def test_one_form_at_a_time(world: World):
    ani = world.customer("Ani")
    await tell(world, ani, WISH)
    told = await tell(world, ani, "saya mau ganti alamat")
    assert told.startswith("Kita masih mengisi “Permohonan pengembalian”.")
    assert "“Perubahan alamat”" in told
    assert told.endswith("Berapa nomor polisi kendaraannya?")
    await tell(world, ani, "batal")
    assert (await tell(world, ani, "saya mau ganti alamat")).endswith("seperti di STNK?")


async def test_an_operator_pauses_a_form_and_gives_it_back(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await tell(world, ani, WISH, "B 1234 XY")
    await budi.takes_over(ani)
    before = len(ani.received)
    await tell(world, ani, "Bayar dua kali")
    assert len(ani.received) == before
    await budi.returns(ani)
    assert (await tell(world, ani, "halo lagi")).endswith("Apa alasan pengembaliannya?")


async def test_a_wish_for_a_human_wins_and_the_form_waits(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await tell(world, ani, WISH, "B 1234 XY", "saya mau bicara dengan petugas saja")
    (handoff,) = await budi.handoffs(ani)
    assert handoff["reason"] == "asked_for_human"
    assert "form refund: 1 of 5" in handoff["summary"]
    await budi.returns(ani)
    assert "Kapan" in await tell(world, ani, "Bayar dua kali")


async def test_a_closed_matter_ends_its_form(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await tell(world, ani, WISH)
    await budi.resolves(ani)
    assert "2%" in await tell(world, ani, FINE)
    assert "nomor polisi" not in world.sent_to(ani)[-1]


async def test_too_many_useless_answers_bring_a_human(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await tell(world, ani, WISH, "itu", "yang itu", "pokoknya itu")
    (handoff,) = await budi.handoffs(ani)
    assert handoff["reason"] == "rule"


async def test_a_crash_between_yes_and_recording_sends_it_once(world: World):
    ani = world.customer("Ani")
    await at_summary(world, ani)
    real, fell = world.house.store.transaction, []

    def falls_once() -> Any:
        # The claim commits, the next transaction is the recording.
        fell.append(1)
        if len(fell) == 2:
            raise ConnectionError("the process died")
        return real()

    await ani.says("ya")
    world.house.store.transaction = falls_once
    with pytest.raises(ConnectionError):
        await world.settles()
    world.house.store.transaction = real
    await world.dies()
    assert await world.rows(Submission) == []
    await world.passes(60)
    assert len(await world.rows(Submission)) == len(await world.rows(Ticket)) == 1
    await tell(world, ani, "ya", "Kirim")
    assert len(await world.rows(Submission)) == 1


async def test_the_last_word_of_a_burst_counts(world: World):
    ani = world.customer("Ani")
    await at_summary(world, ani)
    await ani.says("ya")
    assert "Tidak ada yang dikirim" in await tell(world, ani, "eh batal")
    assert await world.rows(Submission) == []


async def test_a_yes_with_a_question_is_sent_and_answered(world: World):
    ani = world.customer("Ani")
    await at_summary(world, ani)
    await ani.says("ya")
    told = await tell(world, ani, FINE)
    (sent,) = await world.rows(Submission)
    assert sent.reference in told
    assert "2%" in told


async def test_a_question_and_an_answer_in_one_breath(world: World):
    ani = world.customer("Ani")
    await tell(world, ani, WISH)
    await ani.says(FINE)
    told = await tell(world, ani, "B 1234 XY")
    assert "2%" in told
    assert told.endswith("Apa alasan pengembaliannya?")


async def test_several_answers_in_one_message(world: World):
    ani = world.customer("Ani")
    told = await tell(world, ani, "saya mau refund untuk B 1234 XY")
    assert told.endswith("Apa alasan pengembaliannya?")
    summary = await tell(world, ani, "Bayar dua kali, 3 Maret 2026, ani@example.com", "250000")
    assert "E-mail: ani@example.com" in summary
    assert ani.received[-1].choices == ["Kirim", "Ubah", "Batal"]


async def test_a_changed_form_does_not_break_who_is_in_the_middle(world: World):
    ani, tirta, budi = world.customer("Ani"), world.customer("Tirta"), await world.operator()
    await tell(world, ani, WISH)
    form = await budi.rest.get("forms/refund")
    definition = form["definition"]
    definition["fields"] = definition["fields"][3:4]
    answer = await budi.rest.call("PUT", "forms/refund", json=definition)
    assert (answer.status_code, answer.json()["edition"]) == (200, 2)
    assert "Apa alasan" in await tell(world, ani, "B 1234 XY")
    assert (await tell(world, tirta, WISH)).endswith("Berapa rupiah yang dibayar?")
    assert (await budi.rest.call("DELETE", "forms/refund")).status_code == 204
    await tell(world, tirta, "250000", "ya")
    (sent,) = await budi.rest.items("submissions?form=refund")
    assert (sent["answers"], sent["edition"]) == ({"amount": 250000}, 2)


async def test_a_stranger_with_the_number_is_shown_nothing_of_a_form_that_was_begun_before(world: World):
    ani = world.customer("Ani", user_id="ID.1")
    assert "B 1234 XY" in await at_summary(world, ani)
    world.clock.advance(60)
    await ani.deliver({**ani.text("halo"), "from_user_id": "ID.2"})
    await world.settles()
    assert "B 1234 XY" not in world.sent_to(ani)[-1]
    await ani.deliver({**ani.text("ya"), "from_user_id": "ID.2"})
    await world.settles()
    assert await world.rows(Submission) == []
