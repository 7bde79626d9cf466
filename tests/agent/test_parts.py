"""A message taken apart into its questions; what may be one question stays one."""

import pytest

from agent.reading.parts import MOST, parts_of


@pytest.mark.parametrize(
    ("message", "asked"),
    [
        (
            "What does it cost and where is the office? And do you open on Saturday?",
            ["What does it cost?", "where is the office?", "do you open on Saturday?"],
        ),
        (
            "biaya mutasi motor berapa, kantornya di mana ya, dan buka jam berapa",
            ["biaya mutasi motor berapa", "kantornya di mana ya", "buka jam berapa"],
        ),
        (
            "Quanto custa a segunda via e por quanto tempo vale a licença? Abrem no sábado?",
            ["Quanto custa a segunda via?", "por quanto tempo vale a licença?", "Abrem no sábado?"],
        ),
        (
            "¿Cuánto cuesta la placa y dónde está la oficina? ¿Abren los sábados?",
            ["Cuánto cuesta la placa?", "dónde está la oficina?", "Abren los sábados?"],
        ),
        ("halo min\nBerapa dendanya?\nBus keliling terima kartu debit nggak?", 2),
        ("Hi! Can I pay online? Is the app free? Thanks", 2),
    ],
)
def test_each_question_of_a_message_is_found(message: str, asked: list[str] | int) -> None:
    found = [part.asked for part in parts_of(message)]
    assert found == asked if isinstance(asked, list) else len(found) == asked


@pytest.mark.parametrize(
    "message",
    [
        "What is the late fine?",
        "Hello! What is the late fine? Thank you",
        "Can you help me please? How do I delete my account?",
        "When I pay late, what happens?",
        "when and where can I pay?",
        "I lost my number plates. How long until new ones are ready?",
        "How much is it for a car and a motorcycle?",
        "Berapa denda mobil dan motor kalau telat?",
        "É verdade que a taxa subiu e que agora custa 50?",
        "The app says error. Why? How can I fix this?",
        "Is the fine 2%? Is that correct?",
        "What strains of y. pestis were found?",
        "Late fine? late fine?",
        "?",
        "",
    ],
)
def test_one_question_stays_one(message: str) -> None:
    assert parts_of(message) == ()


def test_what_the_message_opens_with_is_looked_up_with_each_question() -> None:
    found = parts_of("STNK saya hilang. Apa syarat penggantiannya? Dan berapa biayanya?")
    assert [part.asked for part in found] == ["Apa syarat penggantiannya?", "berapa biayanya?"]
    assert all(part.question.startswith("STNK saya hilang.\n") for part in found)


def test_a_question_that_makes_no_sense_alone_leans_on_the_one_before() -> None:
    _, leaning = parts_of("What is the late fine on a car? And for motorcycles?")
    assert leaning == ("for motorcycles?", "What is the late fine on a car?\nfor motorcycles?")


def test_a_message_of_very_many_questions_is_taken_apart_in_no_time_and_in_order() -> None:
    found = parts_of(" ".join(f"How much is plate number {at} for trucks?" for at in range(40)))
    assert len(found) == 40 > MOST
    assert [part.asked for part in found][39] == "How much is plate number 39 for trucks?"
