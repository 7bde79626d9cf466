"""Other tools' files in and out: chats, tables, questions, labelled messages, OpenAI's and inspect's shapes."""

import json

import pytest
from eval_play import case, write_lines

from evals.exchange import schema, to_row
from evals.redact import Redactor
from evals.suite import load_cases, load_suite
from evals.whatsapp import read_chat
from sahut.errors import ConfigurationError

# By locale: what stands before `Ana: ...`, before `Office: ...` a minute later, and on the next morning.
CHATS = {
    "iphone, day first": ("[31/12/23, 21:15:03] ", "[31/12/23, 21:16:10] ", "[01/01/24, 09:00:00] "),
    "android, american": ("12/31/23, 9:15\u202fPM - ", "12/31/23, 9:16\u202fPM - ", "1/1/24, 9:00\u202fAM - "),
    "android, indonesian": ("31/12/23 21.15 - ", "31/12/23 21.16 - ", "01/01/24 09.00 - "),
    "german": ("31.12.23, 21:15 - ", "31.12.23, 21:16 - ", "01.01.24, 09:00 - "),
    "spanish": ("31/12/23, 9:15 p.\u00a0m. - ", "31/12/23, 9:16 p.\u00a0m. - ", "1/1/24, 9:00 a.\u00a0m. - "),
    "iso": ("2023-12-31, 21:15 - ", "2023-12-31, 21:16 - ", "2024-01-01, 09:00 - "),
}


@pytest.mark.parametrize("locale", CHATS)
def test_a_chat_of_any_locale(tmp_path, locale):
    path = tmp_path / "_chat.txt"
    asked, answered, thanked = CHATS[locale]
    said = f"{asked}Ana: berapa denda?\nmotor ya\n{answered}Office: 2% per bulan\n{thanked}Ana: makasih\n"
    path.write_text(said, encoding="utf-8")
    (read,) = load_cases(path)
    assert [turn.user for turn in read.turns] == [("berapa denda?\nmotor ya",), ("makasih",)]
    assert [turn.reference for turn in read.turns] == ["2% per bulan", None]


def test_system_lines_and_pictures_are_no_words_and_a_pause_begins_a_new_case(tmp_path):
    path = tmp_path / "chat.txt"
    path.write_text(
        "12/05/24, 08:00 - Messages and calls are end-to-end encrypted.\n"
        "12/05/24, 08:00 - Office: Selamat datang\n"
        "12/05/24, 08:01 - Ana: halo\n"
        "12/05/24, 08:02 - Ana: <Media tidak disertakan>\n"
        "12/05/24, 08:03 - Ana: jam buka?\n"
        "15/05/24, 10:00 - Ana: https://example.com: apa ini?\n",
        encoding="utf-8",
    )
    first, second = read_chat(path, us="Office")
    assert [line.content for line in first.opening] == ["Selamat datang"]
    assert first.turns[0].user == ("halo", "jam buka?")
    assert second.turns[0].user == ("https://example.com: apa ini?",)


def test_a_chat_that_cannot_be_read_says_what_to_do(tmp_path):
    path = tmp_path / "chat.txt"
    for text, told in (
        ("hello\n", r"chat.txt:1: is no line of a WhatsApp export"),
        ("", "no message"),
        ("12/05/24, 08:00 - A: x\n12/05/24, 08:00 - B: y\n12/05/24, 08:00 - C: z\n", "several people write .*--us"),
        ("40/40/24, 08:00 - A: x\n", "dates of this export"),
    ):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ConfigurationError, match=told):
            read_chat(path)
    path.write_text("12/05/24, 08:00 - A: x\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="nobody writes as 'B'"):
        read_chat(path, us="B")


def test_a_table(tmp_path):
    path = tmp_path / "cases.csv"
    path.write_text(
        "id,language,user,decision,contains\na,en,How much?,reply,2%;24 months\na,en,And cars?,,\nb,id,Halo,reply,\n",
        encoding="utf-8",
    )
    first, second = load_cases(path)
    assert [turn.user for turn in first.turns] == [("How much?",), ("And cars?",)]
    assert first.turns[0].expect is not None
    assert first.turns[0].expect.contains == ("2%", "24 months")
    assert (second.id, second.language) == ("b", "id")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("id,users\n", "cases.csv:1: unknown column `users`"),
        ("id\na\n", "the column `user` is missing"),
        ("id,user\na,b,c\n", "cases.csv:2: the row has more"),
        ("id,user,decision\na,b,maybe\n", "cases.csv:2: .*decision"),
        ("id,user,spam\na,b,perhaps\n", "cases.csv:2: `spam`: must be true or false"),
        ("id,user\na,x\nb,y\na,z\n", "the id `a` is already used in line 2"),
        ("id,user\n", "there is no case"),
    ],
)
def test_a_table_that_is_wrong_is_told_with_its_line(tmp_path, text, told):
    path = tmp_path / "cases.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=told):
        load_cases(path)


def test_questions_and_labelled_messages(tmp_path):
    rows = (
        {
            "id": "q1",
            "question": "When?",
            "gold_docs": ["a"],
            "gold_answer": "at 8",
            "answerable": True,
            "history": ["Hi"],
        },
        {"id": "q2", "question": "Why?", "answerable": False},
        {"text": "win a prize", "label": "spam"},
    )
    path = write_lines(tmp_path / "mixed.jsonl", *rows)
    first, second, third = load_suite(path, corpus={"a.txt"}).cases
    expects = [read.turns[0].expect for read in (first, second, third)]
    assert (expects[0].cites, expects[0].retrieves, expects[0].contains) == (("a",), ("a",), ("at 8",))
    assert first.opening[0].content == "Hi"
    assert expects[1].decision == "hand_off"
    assert expects[2].spam is True
    for row, told in (
        ({"question": " "}, "`question` must be a text"),
        ({"question": "x", "answerable": "yes"}, "`answerable` must be true or false"),
        ({"text": "x", "label": "maybe"}, "unknown label 'maybe'"),
        ({"question": "x", "history": [3]}, "entry 1 is no message"),
        ({"id": "a", "turns": [{"user": "x", "expect": {"matches": ["("]}}]}, "is no regular expression"),
    ):
        with pytest.raises(ConfigurationError, match=f"bad.jsonl:1: .*{told}"):
            load_cases(write_lines(tmp_path / "bad.jsonl", row))


def test_what_goes_out_comes_in_again(tmp_path):
    asked = case("a", ("x", {"decision": "reply", "contains": ["2%"], "supported": True}), ("y", None), language="en")
    path = write_lines(tmp_path / "again.jsonl", to_row(asked, "cases"))
    assert load_cases(path)[0].model_copy(update={"line": 0}) == asked
    chat = to_row(asked, "openai")
    assert chat["messages"] == [{"role": "user", "content": "x"}, {"role": "user", "content": "y"}]
    sample = to_row(asked, "inspect")
    assert sample["input"][-1] == {"role": "user", "content": "y"}
    assert sample["metadata"]["expect"][0]["contains"] == ["2%"]
    assert {"id", "turns"} <= set(schema()["required"])
    assert json.dumps(schema())


def test_persons_are_taken_out_and_what_the_office_publishes_stays():
    redactor = Redactor(names=("Budi Santoso", "+62 812-3456-7890"))
    text = redactor.redact(
        "Halo saya Budi, nama saya Siti Aminah, KTP 3174012345678901, hp 0812-3456-7890, email siti@example.com, "
        "plat B 1234 XYZ, alamat Jalan Melati Indah No. 5, tiket T-7KQ2M9. Budi Santoso bayar Rp1.200.000, denda 2%, "
        "30 hari, jam 08.00."
    )
    for secret in ("Budi", "Santoso", "Siti", "Aminah", "3174", "0812", "siti@", "1234", "Melati", "7KQ2M9"):
        assert secret not in text
    for kept in ("Rp1.200.000", "2%", "30 hari", "08.00"):
        assert kept in text
    assert redactor.redact("kata siti tadi").startswith("kata [name ")
    assert redactor.found["name"] >= 2
    assert {"email", "number", "plate", "address", "id"} <= set(redactor.found)
