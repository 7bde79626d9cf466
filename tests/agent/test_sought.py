"""What kind of thing a question seeks, and which kinds a sentence names, in five languages."""

import pytest

from agent.language.sought import held, named, sought


@pytest.mark.parametrize(
    ("kind", "questions"),
    [
        (
            "place",
            ["Where is the office?", "kantornya di mana?", "Onde fica?", "¿Dónde están?", "Hvar er skrifstofan?"],
        ),
        ("amount", ["What is the fine?", "dendanya berapa?", "Qual é a taxa?", "¿Cuánto cuesta?", "Hvað kostar það?"]),
        (
            "duration",
            ["How long is it valid?", "Berapa lama?", "Quanto tempo demora?", "¿Cuánto tiempo?", "Hversu lengi?"],
        ),
        ("time", ["When do you open?", "buka jam berapa?", "A que horas abre?", "¿A qué hora?", "Hvenær er opið?"]),
        ("email", ["What is your e-mail address?", "alamat email apa?", "Para que e-mail escrevo?", "¿A qué correo?"]),
    ],
)
def test_the_words_of_a_question_tell_what_it_seeks(kind: str, questions: list[str]) -> None:
    assert [question for question in questions if kind not in sought(question)] == []


def test_an_email_address_is_no_place() -> None:
    assert "place" not in sought("What is the e-mail address of the office?")


def test_a_question_may_seek_nothing_of_a_kind() -> None:
    assert sought("Can I pay with my card?") == frozenset()


@pytest.mark.parametrize(
    "question",
    [
        "Can I object to the late fine that I got?",
        "Denda saya bisa dicicil setiap bulan?",
        "Posso pagar a multa em duas vezes?",
        "¿Puedo recurrir la multa por carta?",
    ],
)
def test_a_question_of_yes_or_no_seeks_no_thing_that_it_speaks_of(question: str) -> None:
    assert sought(question) == frozenset()


@pytest.mark.parametrize("question", ["Late fine?", "denda telat?", "Multa?", "¿La multa?"])
def test_a_thing_named_alone_is_sought(question: str) -> None:
    assert sought(question) == {"amount"}


@pytest.mark.parametrize(
    ("sentence", "kinds"),
    [
        ("The main office is at Jalan Layar Kencana No. 17.", {"place"}),
        ("Bus berhenti di Terminal Bukit Sela.", {"place"}),
        ("The late fine is 2% a month.", {"amount"}),
        ("You can object within 30 days after the payment.", {"duration"}),
        ("It is answered within 5 working days.", {"duration"}),
        ("Pengaduan dijawab dalam lima hari kerja.", {"duration"}),
        ("Abre de segunda a sexta das 08:00 às 15:00.", {"time"}),
        ("Opið er á laugardögum klukkan 9.", {"time"}),
        ("Write to refunds@office.example.com.", {"email"}),
        ("Keep the ticket number.", set()),
    ],
)
def test_a_sentence_names_things_of_a_kind(sentence: str, kinds: set[str]) -> None:
    assert held(sentence) >= kinds
    assert bool(held(sentence)) == bool(kinds)


def test_a_street_says_where_something_is_more_surely_than_a_name_does():
    place = frozenset({"place"})
    address, elsewhere = "The main office is at Jalan Layar Kencana No. 17.", "Kendaraan dipindahkan ke Nusa Raya."
    assert [named(place, address), named(place, elsewhere), named(place, "Keep the ticket number.")] == [1, 0.5, 0]
