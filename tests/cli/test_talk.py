"""`ask`, `search` and `screen`: their JSON is the contract's, one by one and in batches."""

import json
from pathlib import Path
from typing import Any

import pytest

from api.cli.batch import run_batch
from api.demo.stage import demo_settings
from sahut.errors import ModelFailed
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


@pytest.mark.parametrize("verb", ["ask", "search", "screen"])
def test_what_cannot_be_done_is_told_before_any_model_is_loaded(
    sahut: Sahut, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, verb
):
    # A home that cannot be made: whoever went on to the assistant would stumble over it first.
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("SAHUT_HOME", str(tmp_path / "file" / "home"))
    empty = sahut(verb, "  ")
    assert (empty.code, "give a " in empty.err) == (2, True)
    absent = sahut(verb, "--batch", "nofile", "--out", "out.jsonl")
    assert (absent.code, absent.err.strip()) == (2, "nofile cannot be read: No such file or directory.")
    Path("in.jsonl").write_text("")
    nowhere = sahut(verb, "--batch", "in.jsonl", "--out", "nowhere/out.jsonl")
    assert (nowhere.code, "there is no folder nowhere" in nowhere.err) == (2, True)


def test_nothing_learned_and_a_model_that_is_down_are_told_beside_the_answer(
    sahut: Sahut, office: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    assert "did not answer" not in sahut("ask", FINE).err
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    down = sahut("ask", FINE)
    assert (down.code, "The chat model did not answer" in down.err, "2%" in down.out) == (0, True, True)
    monkeypatch.setenv("SAHUT_HOME", str(tmp_path / "empty"))
    for verb in ("ask", "search"):
        assert "Nothing is learned yet: `sahut learn FOLDER`" in sahut(verb, FINE).err


def test_a_line_that_nobody_can_use_costs_that_line_alone(sahut: Sahut, office: Path):
    bad = [
        r'{"id": "\ud800", "question": "Halo"}',
        r'{"id": 2, "question": "\ud800"}',
        '{"id": NaN, "question": "Halo"}',
        '{"id": 1e999, "question": "Halo"}',
        '{"id": 5, "messages": 5}',
        '{"id": 6, "messages": "Halo"}',
    ]
    Path("in.jsonl").write_text("\n".join([*bad, '{"id": 7, "question": "Halo"}']), encoding="utf-8")
    for verb in ("ask", "search"):
        ran = sahut(verb, "--batch", "in.jsonl", "--out", "out.jsonl")
        said = [line for line in ran.err.splitlines() if line.startswith("in.jsonl:")]
        assert ran.code == 1
        assert [line.split(":")[1] for line in said] == ["1", "2", "3", "4", "5", "6"]
        assert [n for n, line in enumerate(said, start=1) if ": not JSON" in line] == [3]
        assert [answer["id"] for answer in lines(Path("out.jsonl"))] == [7]


def half_files(folder: Path) -> list[Path]:
    return list(folder.glob("*.part"))


async def test_failed_work_is_told_for_its_line_and_leaves_no_half_file(tmp_path: Path, capsys):
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text('{"id": 1}\n{"id": 2}\n', encoding="utf-8")

    async def work(row: dict[str, Any]) -> dict[str, Any]:
        if row["id"] == 1:
            raise ModelFailed("the model is down")
        return {"done": True}

    async def broken(row: dict[str, Any]) -> dict[str, Any]:
        raise RuntimeError("a defect")

    assert await run_batch(source, out, work) == 1
    assert f"{source}:1: the model is down" in capsys.readouterr().err
    assert lines(out) == [{"id": 2, "done": True}]
    with pytest.raises(RuntimeError):
        await run_batch(source, tmp_path / "other.jsonl", broken)
    assert not half_files(tmp_path)


def test_a_typo_in_cites_is_told_before_anything_is_played(sahut: Sahut, office: Path):
    case = {"id": "a", "turns": [{"user": FINE, "expect": {"cites": ["denda-keterlambatn.md"]}}]}
    Path("cases.jsonl").write_text(json.dumps(case) + "\n", encoding="utf-8")
    ran = sahut("eval", "run", "cases.jsonl")
    assert ran.code == 2
    assert "perhaps `denda-keterlambatan.md`?" in ran.err


def test_a_database_that_is_none_is_one_clear_line(sahut: Sahut, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "sahut.db").write_bytes(b"no database" * 500)
    monkeypatch.setenv("SAHUT_HOME", str(tmp_path / "home"))
    ran = sahut("ask", "Halo")
    assert ran.code == 2
    assert ran.err.strip().splitlines() == ["The database cannot be used: file is not a database."]


def test_the_demo_takes_over_the_models_and_nothing_else(monkeypatch: pytest.MonkeyPatch):
    taken = {"SAHUT_MODEL": "m", "SAHUT_EMBEDDER": "e", "OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "http://x.example"}
    other = {"SAHUT_TURN_TIMEOUT_S": "1", "SAHUT_TIMEZONE": "Asia/Jakarta", "SAHUT_DATABASE_URL": "sqlite:///x.db"}
    for name, value in {**taken, **other}.items():
        monkeypatch.setenv(name, value)
    settings = demo_settings(graph="http://127.0.0.1:1", public_url="http://127.0.0.1:2")
    assert (settings.chat_model, settings.embedder, settings.openai_base_url) == ("m", "e", "http://x.example")
    assert settings.openai_api_key.get_secret_value() == "k"
    assert (settings.turn_timeout_s, settings.timezone) == (30, "UTC")
    assert settings.store_url == "sqlite:///.sahut/demo/sahut.db"
