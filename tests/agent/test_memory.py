"""Token budgets, offline."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import memory
from agent.memory import TokenCounter, clip, fit
from sahut.turn import Line


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tokens")


@pytest.fixture
def count(folder):
    return TokenCounter(folder)


def test_counts_as_tiktoken_does_without_a_network(count, folder):
    assert count("hello world") == 2
    assert count("") == 0
    assert count("<|endoftext|>") > 1  # a customer's text is never a control token
    assert [file.name for file in folder.iterdir()] == ["fb374d419588a4632f3f557e76b4b70aebbca790"]


def test_the_environment_is_left_as_it_was(tmp_path, monkeypatch):
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "/somewhere/else")
    TokenCounter(tmp_path)("hello")
    assert os.environ["TIKTOKEN_CACHE_DIR"] == "/somewhere/else"
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR")
    TokenCounter(tmp_path / "b")("hello")
    assert "TIKTOKEN_CACHE_DIR" not in os.environ


def test_several_at_once(tmp_path):
    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(lambda _: TokenCounter(tmp_path / "shared")("hello world"), range(8)))
    assert counts == [2] * 8
    assert len(list((tmp_path / "shared").iterdir())) == 1


def test_a_folder_that_cannot_be_written_gives_an_estimate_from_above(tmp_path, count):
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a folder")
    estimate = TokenCounter(in_the_way)("denda telat berapa, kak?")
    assert estimate >= count("denda telat berapa, kak?")


def test_a_spoilt_table_is_replaced(tmp_path):
    spoilt = tmp_path / "fb374d419588a4632f3f557e76b4b70aebbca790"
    spoilt.write_bytes(b"nonsense")
    assert TokenCounter(tmp_path)("hello world") == 2
    assert spoilt.stat().st_size > 3_000_000


def test_without_the_official_table_the_network_is_not_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "_SHA256", "another")
    assert TokenCounter(tmp_path)("hello world") == len("hello world") // 2
    memory._encoding.cache_clear()


def test_a_novel_is_not_counted_word_by_word(count):
    assert count("a" * 2_000_000) > 900_000


def lines(*texts):
    return [Line(role="user", content=text) for text in texts]


def words(text):
    return len(text.split())


def test_the_newest_lines_are_kept():
    kept = fit(lines("one two three", "four", "five six"), 2 + 4 + 1 + 4, words)
    assert [line.content for line in kept] == ["four", "five six"]


def test_nothing_older_than_the_first_too_many():
    kept = fit(lines("a", "b " * 50, "c"), 20, words)
    assert [line.content for line in kept] == ["c"]


@given(st.lists(st.text(max_size=30), max_size=12), st.integers(-5, 80))
def test_a_fit_is_an_ending_within_the_budget(texts, budget):
    given_lines = lines(*texts)
    kept = fit(given_lines, budget, len)
    assert list(kept) == given_lines[len(given_lines) - len(kept) :]
    assert sum(len(line.content) + 4 for line in kept) <= max(budget, 0)


def test_clipping(count):
    assert clip("short", 10, count) == "short"
    cut = clip("satu dua tiga empat lima enam tujuh " * 20, 12, count)
    assert cut.endswith("…")
    assert count(cut) <= 13


def test_no_table_is_written_beside_the_package():
    folder = os.path.dirname(sys.modules["tiktoken"].__file__)  # noqa: PTH120
    assert not [name for name in os.listdir(folder) if name.startswith("fb374")]  # noqa: PTH208
