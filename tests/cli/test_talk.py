"""`ask`, `search` and `screen`: their JSON is the contract's, one by one and in batches."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Sahut
from tests.databases import HANDBOOK
from tests.journeys.lines import FINE, LOST, SPAM, UNKNOWN

ANSWER = {
    "decision": str,
    "text": str,
    "language": str,
    "confidence": float,
    "citations": list,
    "tool_calls": list,
    "verdict": dict,
    "reason": str | None,
    "ms": float,
    "usage": dict,
}
HIT = {"rank": int, "document": str, "chunk": str, "score": float, "start": int, "end": int, "text": str}
SCREENING = {
    "label": str,
    "score": float,
    "injection": float,
    "wants_human": float,
    "language": str,
    "reasons": list,
}


def check(value: dict[str, Any], shape: dict[str, Any], **more: Any) -> None:
    shape = {**more, **shape}
    assert set(value) == set(shape)
    for name, kind in shape.items():
        assert isinstance(value[name], kind), name


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.mark.parametrize(("question", "language", "word"), [(FINE, "id", "2%"), (LOST, "en", "police")])
def test_ask_answers_with_citations_that_quote_the_document(sahut: Sahut, office: Path, question, language, word):
    ran = sahut("ask", question, "--json")
    answer = json.loads(ran.out)
    check(answer, ANSWER)
    assert (ran.code, answer["decision"], answer["language"]) == (0, "reply", language)
    assert word in answer["text"]
    assert 0 <= answer["confidence"] <= 1
    assert set(answer["usage"]) == {"input_tokens", "output_tokens", "cost_usd"}
    assert set(answer["verdict"]) == {"label", "score", "reasons"}
    for citation in answer["citations"]:
        assert set(citation) == {"document", "version", "start", "end", "quote"}
        assert citation["quote"] in (HANDBOOK / citation["document"]).read_text("utf-8")


def test_ask_hands_off_what_nobody_wrote_down_and_keeps_spam_apart(sahut: Sahut, office: Path):
    unknown, spam = (json.loads(sahut("ask", text, "--json").out) for text in (UNKNOWN, SPAM))
    assert (unknown["decision"], spam["decision"]) == ("hand_off", "hand_off")
    assert unknown["reason"] in {"no_answer", "low_confidence"}
    assert (spam["reason"], spam["text"], spam["verdict"]["label"]) == ("spam", "", "spam")


def test_search_finds_passages(sahut: Sahut, office: Path):
    found = json.loads(sahut("search", FINE, "--top", "3", "--json").out)
    assert set(found) == {"question", "answerable", "hits"}
    assert 0 <= found["answerable"] <= 1
    for rank, hit in enumerate(found["hits"], start=1):
        check(hit, HIT)
        assert hit["rank"] == rank
    assert found["hits"][0]["document"] == "denda-keterlambatan.md"
    scores = [hit["score"] for hit in found["hits"]]
    assert scores == sorted(scores, reverse=True)


def test_screen_names_label_and_reasons(sahut: Sahut):
    screened = json.loads(sahut("screen", SPAM, "--json").out)
    check(screened, SCREENING)
    assert screened["label"] == "spam"
    assert screened["reasons"]


@pytest.mark.parametrize(
    ("verb", "field", "shape"),
    [
        ("ask", "question", ANSWER),
        ("search", "question", {"answerable": float, "hits": list}),
        ("screen", "text", SCREENING),
    ],
)
def test_a_batch_keeps_the_order_and_names_the_bad_lines(sahut: Sahut, office: Path, verb, field, shape):
    rows = [{"id": n, field: text} for n, text in enumerate((LOST, FINE, "Halo"), start=1)]
    bad = ["{", "[1]", json.dumps({"id": "no text"}), json.dumps({field: "no id"}), "\udcff"]
    content = [json.dumps(rows[0]), "", *bad, json.dumps(rows[1], ensure_ascii=False), json.dumps(rows[2])]
    Path("in.jsonl").write_bytes("\r\n".join(content).encode("utf-8", "surrogateescape"))
    ran = sahut(verb, "--batch", "in.jsonl", "--out", "out.jsonl")

    assert ran.code == 1
    for number in range(3, 8):
        assert f"in.jsonl:{number}: " in ran.err
    answers = lines(Path("out.jsonl"))
    assert [answer["id"] for answer in answers] == [1, 2, 3]
    for answer in answers:
        check(answer, shape, id=int)
    assert not Path("out.jsonl.part").exists()


def test_a_batch_of_conversations_is_read_as_far_as_it_goes(sahut: Sahut, office: Path):
    talk = [
        {"role": "user", "content": "Halo"},
        {"role": "assistant", "content": "Halo! Ada yang bisa saya bantu?"},
        {"role": "user", "content": FINE},
    ]
    Path("in.jsonl").write_text(json.dumps({"id": "a", "messages": talk}) + "\n", encoding="utf-8")
    for verb in ("ask", "search"):
        assert sahut(verb, "--batch", "in.jsonl", "--out", f"{verb}.jsonl").code == 0
    assert "2%" in lines(Path("ask.jsonl"))[0]["text"]
    assert lines(Path("search.jsonl"))[0]["hits"][0]["document"] == "denda-keterlambatan.md"


@pytest.mark.parametrize("verb", ["ask", "search", "screen"])
@pytest.mark.parametrize("words", [(), ("x", "--batch", "in.jsonl", "--out", "o"), ("--batch", "in.jsonl")])
def test_half_a_command_says_what_it_wants(sahut: Sahut, verb, words):
    ran = sahut(verb, *words)
    assert ran.code == 2
    assert "--batch" in ran.err


def test_a_batch_file_that_is_not_there_is_one_line(sahut: Sahut, office: Path):
    ran = sahut("screen", "--batch", "nowhere.jsonl", "--out", "out.jsonl")
    assert ran.code == 2
    assert ran.err.strip().splitlines()[-1] == "nowhere.jsonl cannot be read: No such file or directory."
