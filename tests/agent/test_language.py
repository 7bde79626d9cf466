"""The language of a message: sentences, greetings, other languages, and nothing to go by."""

import pytest

from agent.language.detection import detect
from knowledge.language import identifier


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("id", "denda telat berapa?"),
        ("id", "halo"),
        ("id", "Selamat pagi, STNK saya hilang, harus bagaimana?"),
        ("id", "min, cek pajak"),
        ("en", "What are your opening hours?"),
        ("en", "hi"),
        ("en", "refund"),
        ("pt", "bom dia"),
        ("pt", "qual a multa por atraso?"),
        ("pt", "obrigada"),
        ("es", "hola"),
        ("es", "¿está abierto hoy?"),
        ("es", "donde pago?"),
        ("is", "hæ"),
        ("is", "hvað kostar þetta?"),
        ("is", "Ég týndi skráningarskírteininu mínu"),
    ],
)
def test_the_customers_languages(language, text):
    assert detect(text) == language


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Wann haben Sie geöffnet?"),
        ("tr", "Ofisiniz ne zaman açılıyor?"),
        ("ru", "Здравствуйте, когда вы открыты?"),
        ("zh", "你好，请问几点开门"),
        ("ar", "مرحبا، متى تفتحون؟"),
        ("el", "Πότε είστε ανοιχτά;"),
        ("th", "เปิดกี่โมง"),
        ("vi", "Xin chào, mấy giờ mở cửa?"),
        ("hi", "आपका कार्यालय कब खुलता है?"),
        ("ro", "Bună ziua, la ce oră deschideți mâine?"),
    ],
)
def test_another_major_language_is_named(language, text):
    assert detect(text) == language


@pytest.mark.parametrize(
    "text", ["", "   ", "👍", "12345", "https://example.com/a", "@someone", "?!", "T-KMQRST", "t-7k3m9q"]
)
def test_where_there_is_no_language_the_conversation_decides(text):
    assert detect(text, hint="is") == "is"
    assert detect(text, preferred=("pt", "en")) == "pt"


def test_an_ambiguous_word_follows_the_conversation():
    assert detect("ok", hint="is") == "is"
    assert detect("info", hint="es") == "es"
    assert detect("oficina", hint="es") == "es"


def test_a_clear_sentence_beats_the_conversation():
    assert detect("I lost my card and need a new one", hint="id") == "en"
    assert detect("bom dia", hint="id") == "pt"
    assert detect("takk fyrir", hint="en") == "is"


def test_preferred_languages_may_be_outside_the_usual_set():
    assert detect("Selamat datang ke pejabat kami, sila ambil nombor giliran", preferred=("ms", "en")) == "ms"
    assert detect("text", preferred=("qq",)) != "qq"


def test_hostile_texts_are_survived():
    assert detect("\ud800 \x00 hello there my friend") == "en"
    assert detect("saya mau bayar pajak motor " * 5000) == "id"


def test_one_model_serves_every_choice_of_languages():
    asked = "Where can I pay the tax of my car?"
    few = frozenset(("en", "id"))
    ranked = identifier(few).rank(asked)
    assert [code for code, _ in ranked] == ["en", "id"]
    rare = frozenset(("en", "lb", "qq"))  # one that is not usual, for which the model is loaded again, and none at all
    assert [code for code, _ in identifier(rare).rank(asked)] == ["en", "lb"]
    assert identifier(few).rank(asked) == ranked
    assert identifier(few).tk_nextmove is identifier(rare).tk_nextmove
