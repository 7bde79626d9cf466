"""Fitting what says that an answer is there: on which texts, to which weights, and what a bad set gets to hear."""

import json
import tomllib

import pytest

from knowledge.asked import read, shipped
from knowledge.fit import Asked, area, areas_of, ask, digest, fit, left_out, written
from knowledge.fuse import FITTED, WEIGHED, calibrations
from sahut.errors import ConfigurationError


def test_the_weights_that_ship_belong_to_the_texts_that_ship():
    file = tomllib.loads(FITTED.read_text(encoding="utf-8"))
    assert file.pop("fitted_on") == digest(), "run `python -m knowledge.fit`: its texts have changed"
    assert file.keys() == calibrations().keys()
    assert tomllib.loads(written(file)) == {"fitted_on": digest(), **file}


def test_every_set_that_ships_asks_for_what_it_says_and_for_what_it_does_not():
    for texts in shipped():
        answered = [question for question in texts.questions if question.gold]
        assert {name for question in answered for name in question.gold} == texts.documents.keys()
        assert 10 < len(texts.questions) - len(answered) < len(answered)
        assert len({question.text for question in texts.questions}) == len(texts.questions)
        assert {*texts.halves[0], *texts.halves[1]} == texts.documents.keys()


def asked(kind, meaning, *, texts="a", language="en"):
    return Asked(texts, kind, language, (meaning, 0.5, 0.1, 0.0))


def test_what_tells_answers_apart_gets_the_weight_and_a_set_left_out_teaches_nothing():
    rows = [asked("whole", 0.5 + n / 100) for n in range(20)] + [asked("half", 0.6 + n / 100) for n in range(20)]
    rows += [asked(kind, 0.3 + n / 100) for kind in ("miss", "gone", "stranger") for n in range(15)]
    weights = fit(rows)
    assert weights["meaning"] > 5 > abs(weights["words"])
    assert fit(rows) == weights
    assert areas_of(rows, weights) == {"unanswerable": 1.0, "gold removed": 1.0, "out of scope": 1.0}
    # Where meaning speaks against the answer, weights that never saw it are wrong throughout.
    odd = [asked("whole", 0.1, texts="odd"), asked("miss", 0.9, texts="odd")]
    assert left_out([*rows, *odd])["without odd, on odd"]["unanswerable"] == 0.0
    assert area([0.5, 0.5], [0.5]) == 0.5


async def test_a_set_of_ones_own_is_learned_and_asked(embedder, tmp_path):
    (tmp_path / "corpus.jsonl").write_text(
        "\n".join(
            json.dumps({"id": name, "text": text})
            for name, text in (("dogs", "Dogs stay outside."), ("cars", "Parking is free."), ("cats", "Cats may come."))
        )
    )
    rows = [("Is parking free?", ["cars"], True), ("May a horse come in?", [], False)]
    (tmp_path / "questions.jsonl").write_text(
        "\n".join(json.dumps({"question": q, "gold_docs": gold, "answerable": there}) for q, gold, there in rows)
    )
    found = await ask(embedder, [read(tmp_path)])
    assert sorted(one.kind for one in found) == ["gone", "half", "miss", "whole"]
    seen = {one.kind: dict(zip(WEIGHED, one.seen, strict=True)) for one in found}
    assert seen["whole"]["meaning"] > max(seen["miss"]["meaning"], seen["gone"]["meaning"])


@pytest.mark.parametrize(
    ("line", "reason"), [("{", "line 2: no JSON"), ("[]", "line 2: id, text is missing"), ('{"id": 1}', "line 2: text")]
)
def test_a_bad_set_is_told_by_its_line(tmp_path, line, reason):
    (tmp_path / "corpus.jsonl").write_text(f'{{"id": "a", "text": "b"}}\n{line}\n')
    with pytest.raises(ConfigurationError, match=reason):
        read(tmp_path)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read(tmp_path / "nowhere")
