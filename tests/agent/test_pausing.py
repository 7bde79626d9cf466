"""How long the assistant waits for the next bubble, by the shape of the last one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.reading.pausing import ENDS, GOES_ON, PLAIN, patience

WHOLE = (
    "Berapa denda telat bayar?",
    "How much is the fine? 🙏",
    "Onde fica o escritório??",
    "¿Cuánto cuesta?",
    "Hvar er skrifstofan ?",
    "كم الرسوم؟",
)
MORE_TO_COME = (
    "Halo",
    "Selamat pagi kak 🙏",
    "Hi there!",
    "Bom dia",
    "Góðan daginn",
    "mau tanya dong",
    "boleh tanya?",
    "one more thing",
    "só mais uma coisa",
    "una consulta, por favor",
    "má ég spyrja?",
    "My plate number is:",
    "saya sudah bayar tapi",
    "I paid yesterday but...",
    "queria saber se",
)
PLAIN_ONES = ("saya sudah bayar kemarin", "I lost my card.", "B 1234 XYZ", "👍", "perdi meu documento", "ok")


@pytest.mark.parametrize("text", WHOLE)
def test_a_question_ends_a_burst(text: str):
    assert patience("text", text) == ENDS


@pytest.mark.parametrize("text", MORE_TO_COME)
def test_what_only_begins_is_waited_on_for_longer(text: str):
    assert patience("text", text) == GOES_ON


@pytest.mark.parametrize("text", PLAIN_ONES)
def test_anything_else_has_the_usual_wait(text: str):
    assert patience("text", text) == PLAIN


def test_a_tap_is_whole_and_a_picture_says_nothing_of_what_follows():
    assert patience("interactive", "Halo") == patience("button", "Yes") == ENDS
    assert patience("image", "this one?") == PLAIN


@given(st.sampled_from(["text", "image", "interactive"]), st.text(max_size=300))
def test_any_text_has_one_of_the_three(kind: str, text: str):
    assert patience(kind, text) in (ENDS, PLAIN, GOES_ON)
