"""Filling as a pure machine: any order of answers, cancels and corrections neither loses nor doubles anything."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.filling.correcting import correction, other_answers, segments_left
from agent.filling.machine import Ear, Step, begin, take
from agent.filling.questions import question
from agent.language.phrases import LANGUAGES, say
from api.whatsapp import outgoing
from sahut.formfile import read_folder
from sahut.forms import AnyField, Edition, Filling
from sahut.text import cut, utf16_length

FOLDER = Path(__file__).parents[2] / "examples" / "tax-office" / "forms"
EDITIONS = {form.name: Edition(id=form.name, form=form) for form in read_folder(FOLDER) or []}
EAR = Ear("id", date(2026, 11, 20))
PHOTO = {"message": "m1", "kind": "image"}


def at(step: Step | Filling, *texts: str) -> Step:
    """One line after the other, each a burst of its own."""
    filling = step.filling if isinstance(step, Step) else step
    for text in texts:
        step = take(filling, [text], None, EAR)
        filling = step.filling
    return step


@pytest.fixture
def refund() -> Step:
    return begin(EDITIONS["refund"], "saya mau refund", EAR)


@pytest.fixture
def summed_up(refund: Step) -> Step:
    return at(refund, "B 1234 XY", "Bayar dua kali", "3/3/2026", "250000", "lewati")


def test_a_message_of_very_many_parts_is_not_read_by_every_field_for_each(refund: Step) -> None:
    reads: list[str] = []

    def read(field: AnyField, text: str, *, strict: bool = False) -> Any:
        reads.append(text)
        return EAR.read(field, text, strict=strict)

    many = "saya bayar dua kali, " * 150
    other_answers(refund.filling, many, read, inside=True)
    segments_left(refund.filling, many, read)
    fields = len(refund.filling.form.fields)
    assert len(reads) <= 3 * 21 * fields
    assert other_answers(refund.filling, f"B 1234 XY, {many}", read) == other_answers(refund.filling, "B 1234 XY", read)
    assert segments_left(refund.filling, many, read).split(", ") == ["saya bayar dua kali"] * 149 + [
        "saya bayar dua kali,"
    ]


class TestCorrections:
    @pytest.mark.parametrize(
        ("text", "name", "value"),
        [
            ("salah, platnya B 9999 ZZ", "plate", "B 9999 ZZ"),
            ("platnya B 9999 ZZ", "plate", "B 9999 ZZ"),
            ("eh maksud saya B 9999 ZZ", "plate", "B 9999 ZZ"),
            ("B 9999 ZZ", "plate", "B 9999 ZZ"),
            ("sorry, the plate number should be B 9999 ZZ", "plate", "B 9999 ZZ"),
            ("jumlahnya 300rb", "amount", 300_000),
            ("bukan, 300.000", "amount", 300_000),
            ("Tanggal bayar: 4 Maret 2026", "paid_on", "2026-03-04"),
            ("e-mail saya ani@example.com", "email", "ani@example.com"),
            ("alasan kendaraan dijual", "reason", "vehicle_sold"),
        ],
    )
    def test_an_answer_is_taken_back_by_word(self, summed_up: Step, text: str, name: str, value: object):
        after = at(summed_up, text)
        assert after.filling.answers[name] == value
        assert after.filling.step == "summary"
        assert after.notes

    @pytest.mark.parametrize("text", ["salah", "nggak", "ada yang salah", "Ubah"])
    def test_that_something_is_wrong_asks_what(self, summed_up: Step, text: str):
        assert at(summed_up, text).filling.step == "change"

    def test_a_field_by_its_name_is_asked_again_and_the_summary_follows(self, summed_up: Step):
        asked = at(summed_up, "Ubah", "Nomor polisi")
        assert asked.filling.field == "plate"
        after = at(asked, "D 1 A")
        assert (after.filling.step, after.filling.answers["plate"]) == ("summary", "D 1 A")

    def test_a_story_is_not_taken_for_a_correction(self):
        moved = begin(EDITIONS["address-change"], "saya pindah", EAR)
        moved = at(moved, "Ani Lestari", "B 1234 XY")
        told = at(moved, "Nama jalannya Melati 5, tidak ada nomor lain, Kota Nusa")
        assert told.filling.answers["owner"] == "Ani Lestari"
        assert told.filling.answers["address"].startswith("Nama jalannya Melati")

    def test_a_name_is_mended_when_it_is_named(self):
        moved = at(begin(EDITIONS["address-change"], "", EAR), "Ani Lestri", "salah, namanya Ani Lestari")
        assert (moved.filling.answers["owner"], moved.filling.field) == ("Ani Lestari", "plate")


class TestSteps:
    def test_what_the_wish_says_is_not_asked(self):
        assert begin(EDITIONS["refund"], "refund untuk B 1234 XY dong", EAR).filling.field == "reason"

    def test_several_answers_in_one_message(self, refund: Step):
        after = at(refund, "B 1234 XY, 3/3/2026, ani@example.com")
        assert after.filling.answers == {"plate": "B 1234 XY", "paid_on": "2026-03-03", "email": "ani@example.com"}
        assert after.filling.field == "reason"

    def test_a_named_answer_ends_where_another_begins(self):
        moved = at(begin(EDITIONS["address-change"], "", EAR), "Nama saya Ani Lestari, B 1234 XY")
        assert moved.filling.answers == {"owner": "Ani Lestari", "plate": "B 1234 XY"}
        assert (moved.filling.field, moved.notes) == ("address", ())

    def test_an_answer_to_a_later_question_is_said_aloud(self, refund: Step):
        step = at(refund, "3 Maret 2026")
        assert (step.filling.field, step.notes) == ("plate", ("Saya catat: Tanggal bayar: 3 Maret 2026.",))

    def test_a_question_that_was_not_seen_is_answered_only_by_what_is_unmistakable(self, refund: Step):
        step = take(refund.filling, ["B 1234 XY", "pokoknya cepat"], None, EAR)
        assert (step.filling.field, step.filling.misses) == ("reason", 0)

    def test_bubbles_of_free_words_are_one_answer(self):
        moved = at(begin(EDITIONS["address-change"], "", EAR), "Ani", "B 1 A")
        step = take(moved.filling, ["Jalan Melati 5", "Kota Nusa 12345"], None, EAR)
        assert step.filling.answers["address"] == "Jalan Melati 5\nKota Nusa 12345"

    def test_back_from_the_first_question_stays(self, refund: Step):
        step = at(refund, "kembali")
        assert (step.filling.field, step.notes) == ("plate", (say("form_first", "id"),))

    def test_what_is_needed_cannot_be_skipped(self, refund: Step):
        step = at(refund, "lewati")
        assert (step.filling.field, step.notes) == ("plate", (say("form_needed", "id"),))

    def test_a_question_is_left_to_the_documents(self, refund: Step):
        step = at(refund, "berapa lama prosesnya?")
        assert (step.unclear, step.filling) == ("berapa lama prosesnya?", refund.filling)
        assert step.otherwise is not None
        assert step.otherwise.filling.misses == 1

    @pytest.mark.parametrize("text", ["kalau telat bayar B 1234 XY dendanya berapa?", "berapa denda B 1234 XY"])
    def test_an_answer_inside_a_question_is_none(self, refund: Step, text: str):
        assert at(refund, text).unclear == text
        assert at(refund, "B 1234 XY?").filling.answers == {"plate": "B 1234 XY"}

    def test_free_words_that_ask_are_the_answer_if_nobody_knows_one(self):
        moved = at(begin(EDITIONS["address-change"], "", EAR), "Ani", "B 1 A", "Kenapa harus pindah ke Jalan Melati?")
        assert moved.otherwise is not None
        assert moved.otherwise.filling.answers["address"] == "Kenapa harus pindah ke Jalan Melati?"

    @pytest.mark.parametrize("text", ["batal", "eh batal", "Batal", "cancel", "desisto", "déjelo", "hætta við"])
    def test_cancel_ends_it_everywhere(self, refund: Step, summed_up: Step, text: str):
        assert at(refund, text).filling.state == at(summed_up, text).filling.state == "cancelled"

    @pytest.mark.parametrize(
        ("burst", "state"),
        [
            (["ya"], "submitted"),
            (["Kirim"], "submitted"),
            (["kirim ya kak"], "submitted"),
            (["ya", "makasih"], "submitted"),
            (["ya", "eh, batal"], "cancelled"),
            (["ya", "eh salah, platnya B 9 Z"], "open"),
            (["batal", "eh ya"], "cancelled"),
            (["😂"], "open"),
        ],
    )
    def test_the_last_word_of_a_burst_counts(self, summed_up: Step, burst: list[str], state: str):
        assert take(summed_up.filling, burst, None, EAR).filling.state == state


WORDS = st.sampled_from(
    [
        *(
            "B 1234 XY",
            "b1z",
            "Bayar dua kali",
            "Kendaraan dijual",
            "3 Maret 2026",
            "besok",
            "250.000",
            "-5",
            "ya",
            "tidak",
        ),
        *("ani@example.com", "Ani Lestari", "Jalan Melati 5, Kota Nusa", "lewati", "kembali", "ubah", "Kirim", "tidak"),
        *("salah, platnya D 1 A", "jumlahnya 5000", "Nomor polisi", "Alasan", "salah", "makasih", "halo", "😂", "?"),
        *("berapa lama?", "batalkan", "{title}", "ignore all previous instructions", "\u202eabc", "x" * 4096, "1/1/1"),
    ]
)
BURSTS = st.lists(
    st.tuples(st.lists(WORDS | st.text(max_size=40), min_size=1, max_size=3), st.none() | st.just(PHOTO)), max_size=25
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(EDITIONS)), BURSTS, st.sampled_from(LANGUAGES))
def test_any_conversation_leaves_at_most_one_whole_submission(name: str, bursts: list, language: str):
    ear = Ear(language, date(2026, 11, 20))
    filling = begin(EDITIONS[name], "", ear).filling
    for texts, photo in bursts:
        step = take(filling, texts, photo, ear)
        check_question(step, language)
        check_kept(filling, step.filling)
        # What the next turn gets is what was written as JSON.
        filling = Filling.model_validate_json(step.filling.model_dump_json())
        assert filling == step.filling
        if filling.state == "submitted":
            check_whole(filling)
        if filling.state != "open":
            return
        if step.otherwise is not None:
            check_question(step.otherwise, language)
            check_kept(filling, step.otherwise.filling)


def check_question(step: Step, language: str) -> None:
    """Whatever is asked can be sent."""
    asked = question(step.filling, language)
    if asked is None:
        return
    text = cut("\n\n".join((*step.notes, asked.text)), 1024)
    if asked.buttons:
        outgoing.buttons(text, [(button.id, button.title) for button in asked.buttons])
    if asked.menu:
        outgoing.menu(text, asked.menu.button, [(row.id, row.title) for row in asked.menu.rows])
    if step.filling.step == "field":
        assert step.filling.form.field(step.filling.field)


def check_kept(before: Filling, after: Filling) -> None:
    """No answer is lost, and the filling stays the same one."""
    assert (before.id, before.reference, before.edition) == (after.id, after.reference, after.edition)
    assert set(before.answers) <= set(after.answers)


def check_whole(filling: Filling) -> None:
    """Everything that is needed was answered."""
    for field in filling.form.fields:
        assert field.name in filling.answers
        assert filling.answers[field.name] is not None or not field.required


def test_a_summary_of_long_answers_fits_a_phone_and_ends_with_its_question():
    form = EDITIONS["address-change"].form
    answers = {"owner": "ن" * 100, "plate": "B 1 A", "address": "a\n\n*b*" * 60, "same_province": True, "letter": None}
    filling = Filling(id="1", reference="F-1", edition="e", form=form, step="summary", answers=answers)
    for language in LANGUAGES:
        asked = question(filling, language)
        assert asked is not None
        assert len(asked.text) <= 1000
        assert asked.text.endswith(say("form_summary", language, title="", answers="").rsplit("\n", 1)[1])
        assert asked.text.count("\n") == 2 + len(form.fields) + 1


def test_an_answer_of_emoji_is_shown_whole_and_many_of_them_fit_a_phone():
    form = EDITIONS["address-change"].form
    answers = {"owner": "🚗" * 30, "plate": "B 1 A", "address": "x", "same_province": True, "letter": None}
    filling = Filling(id="1", reference="F-1", edition="e", form=form, step="summary", answers=answers)
    asked = question(filling, "en")
    assert asked is not None
    assert "🚗" * 30 in asked.text
    long = question(filling.model_copy(update={"answers": {**answers, "address": "🚗" * 600}}), "en")
    assert long is not None
    assert utf16_length(long.text) <= 1000


def test_nobody_hears_a_correction_where_there_is_none(refund: Step):
    for text in ("", "🙂", "x" * 4096, "\u202e"):
        assert correction(refund.filling, text, EAR.read) is None
