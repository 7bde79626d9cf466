"""A corpus of JSON lines: each line is a document; what is none is told with file and line, and the rest is learned."""

import json

import pytest

from knowledge import corpus
from knowledge.learn import learn
from knowledge.load import find
from sahut.errors import LoadError
from sahut.store import library

FEES = {"id": "fees", "title": "Fees", "text": "The annual fee is Rp 50.000.\n\nIt is paid in March."}
HOURS = {"_id": 7, "text": "The office is open from 08:00 to 15:00.", "metadata": {"source": "x"}}


def write(path, *rows):
    lines = [row if isinstance(row, bytes) else json.dumps(row, ensure_ascii=False).encode() for row in rows]
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


async def titles(store):
    async with store.reading() as tx:
        known = [await library.find(tx, "default", path) for _, path, _ in await library.present(tx)]
        return {document.path: document.title for document in known if document is not None}


async def test_each_line_is_a_document_called_by_its_id(store, embedder, tmp_path):
    file = write(tmp_path / "corpus.jsonl", b"\xef\xbb\xbf" + json.dumps(FEES).encode(), b"", HOURS)
    report = await learn(store, embedder, [file])
    assert (report.added, report.failed) == (("fees", "7"), ())
    assert await titles(store) == {"fees": "Fees", "7": "7"}
    assert (await learn(store, embedder, [file])).unchanged == ("fees", "7")


async def test_a_changed_line_is_a_new_version_and_a_line_that_is_gone_is_pruned(store, embedder, tmp_path):
    file = write(tmp_path / "c.jsonl", FEES, HOURS)
    await learn(store, embedder, [file])
    write(file, {**FEES, "text": "The annual fee is Rp 60.000."})
    report = await learn(store, embedder, [file], prune=True)
    assert (report.changed, report.removed) == (("fees",), ("7",))


async def test_a_line_that_broke_keeps_the_last_version_of_its_document(store, embedder, tmp_path):
    file = write(tmp_path / "c.jsonl", FEES, HOURS)
    await learn(store, embedder, [file])
    write(file, FEES, b'{"id": 7, "text": ')
    report = await learn(store, embedder, [file], prune=True)
    assert (report.removed, report.unchanged) == ((), ("fees",))
    assert set(await titles(store)) == {"fees", "7"}


BAD = [
    (b"{", "broken JSON: Expecting property name"),
    (b"\xff{}", "not UTF-8 (byte 1)"),
    (b"[" * 100_000, "nested too deep"),
    (b'{"id": ' + b"9" * 5000 + b"}", "a number of too many digits"),
    ([1], "a document is a JSON object"),
    ({"text": "x"}, "`id` must be a text"),
    ({"id": True, "text": "x"}, "`id` must be a text"),
    ({"id": "a", "text": " "}, "`text` must be a text that is not empty"),
    ({"id": "a", "question": "What?"}, "`text` must be a text"),
    ({"id": "a", "text": "x", "title": 3}, "`title` must be a text"),
    ({"id": "../../etc/passwd", "text": "x"}, "leads out of its folder"),
    ({"id": "a\u202eb", "text": "x"}, "control characters"),
    ({"id": "fees", "text": "x"}, "the id 'fees' is already used in line 1"),
]


@pytest.mark.parametrize(("line", "told"), BAD, ids=[told[:28] for _, told in BAD])
async def test_a_bad_line_is_told_with_file_and_line_and_costs_itself_only(store, embedder, tmp_path, line, told):
    file = write(tmp_path / "c.jsonl", FEES, b"", line, HOURS)
    report = await learn(store, embedder, [file])
    ((place, reason),) = report.failed
    assert (place, told in reason) == ("c.jsonl:3", True), reason
    assert report.added == ("fees", "7")


async def test_a_text_of_nothing_readable_is_refused_by_its_id(store, embedder, tmp_path):
    report = await learn(store, embedder, [write(tmp_path / "c.jsonl", FEES, {"id": "x", "text": "\u200b\x00"})])
    assert report.failed == (("x", "it holds no text beyond its headings"),)


async def test_what_is_no_corpus_and_one_without_end_are_refused(store, embedder, tmp_path, monkeypatch):
    report = await learn(store, embedder, [write(tmp_path / "c.jsonl", b"")])
    assert report.failed == (("c.jsonl", "it is empty"),)
    questions = write(tmp_path / "q.jsonl", *({"id": f"q{i}", "question": "What?"} for i in range(9)))
    ((_, reason),) = (await learn(store, embedder, [questions])).failed
    assert reason.startswith("no line of it is a document; q.jsonl:1: `text` must be")
    monkeypatch.setattr(corpus, "MOST_TOLD", 2)
    found = corpus.documents(write(tmp_path / "c.jsonl", FEES, *[b"{"] * 5))
    assert [one.path for one in found] == ["fees", "c.jsonl:2", "c.jsonl:3", "c.jsonl"]
    assert found[-1].refused == "3 more lines are no documents"
    monkeypatch.setattr(corpus, "MOST_LINES", 2)
    with pytest.raises(LoadError, match="more than 2 lines"):
        corpus.documents(write(tmp_path / "c.jsonl", FEES, HOURS, {**FEES, "id": "b"}))
    monkeypatch.setattr(corpus, "MOST_LINE_BYTES", 100)
    long = {"id": "long", "text": "x" * 350}
    found = corpus.documents(write(tmp_path / "c.jsonl", long, HOURS))
    assert [(one.path, bool(one.refused)) for one in found] == [("7", False), ("c.jsonl:1", True)]


async def test_in_a_folder_only_what_is_called_a_corpus_is_one(store, embedder, tmp_path):
    shelf = tmp_path / "shelf"
    (shelf / "b").mkdir(parents=True)
    (shelf / "hours.md").write_text("# Hours\n\nWe open at eight.", encoding="utf-8")
    write(shelf / "b" / "corpus.jsonl", FEES)
    write(shelf / "b" / "questions.jsonl", {"id": "q", "question": "What is the fee?"})
    assert find([shelf]).skipped == ("b/questions.jsonl",)
    report = await learn(store, embedder, [shelf])
    assert (set(report.added), report.failed) == ({"hours.md", "b/fees"}, ())


async def test_two_corpora_with_the_same_ids_are_not_mixed(store, embedder, tmp_path):
    one, other = write(tmp_path / "one.jsonl", FEES), write(tmp_path / "other.jsonl", FEES, HOURS)
    report = await learn(store, embedder, [one, other])
    assert report.added == ("fees", "7")
    assert report.failed[0][0] == "fees"
    assert "learn them one after the other" in report.failed[0][1]
