"""What the assistant says, and the small talk it understands."""

import string

import pytest

from agent.language.phrases import (
    BUTTON_TITLE_LENGTH,
    KEYS,
    LANGUAGES,
    _catalogue,
    _language_names,
    acknowledge,
    is_goodbye,
    is_greeting,
    is_no,
    is_noted,
    is_objection,
    is_opt_out,
    is_thanks,
    is_yes,
    quote_frame,
    say,
)


def placeholders(sentence):
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


def test_every_key_is_said_in_every_language_with_the_same_values():
    assert set(_catalogue()) == set(KEYS)
    for key, sentences in _catalogue().items():
        assert tuple(sorted(sentences)) == tuple(sorted(LANGUAGES)), key
        assert len({frozenset(placeholders(sentence)) for sentence in sentences.values()}) == 1, key


def test_language_names_are_complete():
    assert {frozenset(names) for names in _language_names().values()} == {frozenset(_language_names()["en"])}
    assert set(_language_names()) == set(LANGUAGES)


def test_an_unknown_language_gets_english():
    assert say("clarify", "xx") == say("clarify", "en")


def test_a_missing_value_is_an_error():
    with pytest.raises(KeyError):
        say("confirm", "en")


def test_values_are_not_read_as_templates():
    assert "{organisation}" in say("confirm", "en", action="{organisation}")


def test_button_titles_fit():
    for key in ("confirm_yes", "confirm_no"):
        for sentence in _catalogue()[key].values():
            assert len(sentence) <= BUTTON_TITLE_LENGTH


def test_button_titles_are_understood_when_they_come_back():
    for language in LANGUAGES:
        assert is_yes(say("confirm_yes", language), language)
        assert is_no(say("confirm_no", language), language)


def test_every_reason_is_acknowledged_except_spam():
    for language in LANGUAGES:
        assert acknowledge("spam", language) == ""
        assert acknowledge(None, language) == acknowledge("rule", language) == say("acknowledgement", language)
        assert acknowledge("low_confidence", language) == acknowledge("no_answer", language)
        assert acknowledge("media", language) == say("acknowledgement_media", language)


def test_quotes_are_framed_across_languages():
    assert quote_frame("Biaya", "en", "id") == "Our document “Biaya” (in Indonesian) says:"
    assert quote_frame("Biaya", "id", "id") == "Menurut dokumen kami “Biaya”:"
    assert quote_frame("Fees", "is", "en") == "Í skjalinu „Fees“ (á ensku) segir:"
    assert quote_frame("Fees", "en", "xx") == "Our document “Fees” says:"
    assert quote_frame("Fees", "fr", "id") == "Our document “Fees” (in Indonesian) says:"


@pytest.mark.parametrize(
    "text",
    [
        "ya",
        "Yaaa!",
        "siiim",
        "ok boleh",
        "Sí, por favor",
        "já takk",
        "👍🏽",
        "OK, thanks",
        "okay, go ahead please",
        "yes yes",
        "Ya kak, boleh 🙏",
        "claro que sí",
        "silakan",
        "y",
        "oke",
        "baik pak",
        "betul sekali",
        "yes please open it",
    ],
)
def test_agreement(text):
    assert is_yes(text)
    assert not is_no(text)


@pytest.mark.parametrize(
    "text",
    [
        "no",
        "Tidak.",
        "nggak usah kak",
        "nei takk",
        "Não, obrigado!!!",
        "no thanks",
        "noooo",
        "👎",
        "batal aja",
        "No, gracias",
        "ya tidak",
    ],
)
def test_refusal(text):
    assert is_no(text)
    assert not is_yes(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yes or no",
        "ya, tapi berapa biayanya?",
        "ok but change the name first",
        "sim não",
        "😊",
        "please",
        "kak",
        "no sé",
        "yes " * 60,
        "thanks",
        "...",
        "si no",
    ],
)
def test_neither(text):
    assert not is_yes(text)


def test_look_alikes_of_another_language_do_not_count():
    assert is_yes("ya")
    assert is_yes("ya", "id")
    assert not is_yes("ya", "es")
    assert is_no("tak", "id")
    assert not is_no("tak", "en")


@pytest.mark.parametrize("text", ["ok", "oke", "baik pak", "siap", "hahaha", "wkwkwk", "oke hehe", "👍", "😂😂", "no"])
def test_what_only_takes_note(text):
    assert is_noted(text)


@pytest.mark.parametrize("text", ["ok, berapa denda?", "tolong", "haha kapan buka", "🤔", "", "itu"])
def test_what_does_more_than_take_note(text):
    assert not is_noted(text)


@pytest.mark.parametrize("text", ["salah", "that is wrong!", "are you sure?", "bukan itu", "no, that's wrong"])
def test_objections(text):
    assert is_objection(text)


@pytest.mark.parametrize("text", ["no", "what is wrong with my form?", "ok", ""])
def test_no_objections(text):
    assert not is_objection(text)


@pytest.mark.parametrize(
    "text",
    [
        "Halo",
        "selamat pagi min 🙏",
        "hi there!",
        "olá, bom dia",
        "¡Hola! buenas tardes",
        "góðan daginn",
        "hæhæ",
        "hellooo",
        "assalamualaikum wr. wb.",
        "👋",
    ],
)
def test_greetings(text):
    assert is_greeting(text)


@pytest.mark.parametrize("text", ["halo, denda berapa?", "hi I lost my card", "oi quero pagar", "", "selamat"])
def test_more_than_a_greeting(text):
    assert not is_greeting(text)


@pytest.mark.parametrize(
    "text",
    [
        "makasih banyak kak",
        "Thank youuu 🙏",
        "ok thanks",
        "muito obrigada!",
        "muchas gracias por la ayuda",
        "takk kærlega",
        "terima kasih atas bantuannya",
    ],
)
def test_thanks(text):
    assert is_thanks(text)
    assert not is_thanks(f"{text}, but where is my refund")


@pytest.mark.parametrize("text", ["bye", "ok bye, thanks", "sampai jumpa", "até logo", "hasta luego", "bless bless"])
def test_goodbyes(text):
    assert is_goodbye(text)


@pytest.mark.parametrize("text", ["STOP", "stop.", "Berhenti!", "unsubscribe", "parar", "baja", "hætta", "Opt out"])
def test_the_whole_message_opts_out(text):
    assert is_opt_out(text)


@pytest.mark.parametrize("text", ["please stop", "stop the bot", "berhenti dulu ya", "", "the app stops", "sair daqui"])
def test_a_word_inside_a_message_does_not_opt_out(text):
    assert not is_opt_out(text)
