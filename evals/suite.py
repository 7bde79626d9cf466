"""Reads suites (YAML) and their cases strictly: what is wrong is told with file and line.

Whatever is doubtful is an error, so that no report is green on bad input. Knows nothing of running a case.
"""

import difflib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from evals.cases import RUBRIC, Burst, Case, CaseTurn, Expectation, Text
from evals.gates import Gate, parse_gate
from evals.messages import case_from_message, case_from_question
from evals.reading import Flaws, JsonLine, YamlFile, read_json_lines, read_yaml, sentences
from evals.scorers import builtin_scorers, same_document
from evals.sheet import read_table
from evals.transcripts import case_from_transcript
from evals.whatsapp import read_chat
from sahut.errors import ConfigurationError
from sahut.values import Value

SUITE_SUFFIXES = (".yaml", ".yml")


# What a row without `turns` is, by the key that it has.
_OTHER_SHAPES = {
    "messages": case_from_transcript,
    "question": case_from_question,
    "label": case_from_message,
}


class TurnRow(Value):
    """A turn as a case file writes it."""

    user: Burst
    expect: Expectation | None = None


class CaseRow(Value):
    """A line of a case file."""

    id: Text
    language: Text | None = None
    topic: Text | None = None
    critical: bool = Field(default=False, strict=True)
    turns: tuple[TurnRow, ...] = Field(min_length=1)


class _SuiteRow(Value):
    name: Text
    cases: Text
    scorers: tuple[Text, ...] | None = Field(default=None, min_length=1)
    k: int = Field(default=1, ge=1, strict=True)
    gates: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True)
class Suite:
    """What a run plays and must keep. `scorers` are names; `None` means those that each `expect` names."""

    name: str
    path: Path
    cases: tuple[Case, ...]
    scorers: tuple[str, ...] | None = None
    k: int = 1
    gates: tuple[Gate, ...] = ()

    @property
    def has_rubrics(self) -> bool:
        """Whether a judge is asked about any case."""
        asked = (turn.expect for case in self.cases for turn in case.turns)
        return (self.scorers is None or RUBRIC in self.scorers) and any(one and one.rubric for one in asked)


def load_suite(path: Path, *, corpus: Collection[str] | None = None, scorers: Collection[str] = ()) -> Suite:
    """The suite of a YAML file, or of a JSONL file of cases or transcripts, which is named after its file.

    `corpus` holds the paths of the known documents: a case that cites another is an error. `scorers` are names
    beyond the built-in ones. Raises `ConfigurationError` with a line for every flaw: `file:line: what is wrong`.
    """
    if path.suffix.lower() not in SUITE_SUFFIXES:
        return Suite(name=path.stem, path=path, cases=load_cases(path, corpus=corpus))
    source = read_yaml(path)
    try:
        row = _SuiteRow.model_validate(source.data)
    except ValidationError as error:
        raise Flaws.of((source.at(where), text) for where, text in sentences(error)) from error
    flaws = Flaws()
    gates = _gates(source, row, flaws)
    known = {*builtin_scorers(), RUBRIC, *scorers}
    for place, name in enumerate(row.scorers or ()):
        if name not in known:
            flaws.add(source.at(("scorers", place)), f"unknown scorer `{name}`; known are {', '.join(sorted(known))}")
    cases_path = path.parent / row.cases
    if not cases_path.is_file():
        flaws.add(source.at(("cases",)), f"there is no file {cases_path}")
    flaws.raise_if_any()
    cases = load_cases(cases_path, corpus=corpus)
    _check_scorers(source, row, cases)
    _check_groups(source, gates, cases)
    return Suite(name=row.name, path=path, cases=cases, scorers=row.scorers, k=row.k, gates=gates)


def load_cases(path: Path, *, corpus: Collection[str] | None = None) -> tuple[Case, ...]:
    """The cases of a file, in its order: JSONL (cases, transcripts, questions, labelled messages), CSV, or a chat.

    Raises `ConfigurationError` like `load_suite`.
    """
    flaws = Flaws()
    cases: list[Case] = []
    lines: dict[str, int] = {}
    for case in _read(path, flaws):
        place = f"{path}:{case.line}"
        if case.id in lines:
            flaws.add(place, f"the id `{case.id}` is already used in line {lines[case.id]}")
        lines.setdefault(case.id, case.line)
        cases.append(case)
        _check_documents(case, place, corpus, flaws)
    flaws.raise_if_any()
    if not cases:
        raise ConfigurationError(f"{path}:1: there is no case in this file")
    return tuple(cases)


def _read(path: Path, flaws: Flaws) -> Iterator[Case]:
    """The cases of a file by its ending: JSON lines, a table, or a chat exported from WhatsApp."""
    suffix = path.suffix.lower()
    if suffix == ".txt":
        yield from read_chat(path)
        return
    lines = read_table(path, flaws) if suffix == ".csv" else read_json_lines(path, flaws)
    for line in lines:
        case = _case(line, flaws)
        if case is not None:
            yield case


def _case(line: JsonLine, flaws: Flaws) -> Case | None:
    if not isinstance(line.data, dict):
        flaws.add(line.place, "a case is a JSON object")
        return None
    try:
        return _parsed(line.data, line.number)
    except ValidationError as error:
        for _, text in sentences(error):
            flaws.add(line.place, text)
    except ValueError as error:
        flaws.add(line.place, str(error))
    return None


def _parsed(row: dict[str, Any], line: int) -> Case:
    """One row by its shape. Raises `ValueError` (Pydantic's errors are such)."""
    if "turns" not in row:
        for key, read in _OTHER_SHAPES.items():
            if key in row:
                return read(row, line=line)
    parsed = CaseRow.model_validate(row)
    turns = tuple(CaseTurn(user=turn.user, expect=turn.expect) for turn in parsed.turns)
    return Case(**parsed.model_dump(exclude={"turns"}), turns=turns, line=line)


def _check_documents(case: Case, place: str, corpus: Collection[str] | None, flaws: Flaws) -> None:
    if corpus is None:
        return
    asked = [turn.expect for turn in case.turns if turn.expect]
    for key in ("cites", "retrieves"):
        for document in dict.fromkeys(name for expect in asked for name in getattr(expect, key) or ()):
            if document not in corpus and not any(same_document(document, path) for path in corpus):
                flaws.add(place, f"`{key}` names an unknown document `{document}`{_perhaps(document, corpus)}")


def _perhaps(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"; perhaps `{near[0]}`?" if near else ""


def _gates(source: YamlFile, row: _SuiteRow, flaws: Flaws) -> tuple[Gate, ...]:
    gates = []
    for name, limit in row.gates.items():
        place = source.at(("gates", name))
        try:
            gates.append(parse_gate(name, limit))
        except ValidationError as error:
            for _, text in sentences(error):
                flaws.add(place, f"gate `{name}`: {text}")
        except ValueError as error:
            flaws.add(place, f"gate `{name}`: {error}")
    return tuple(gates)


def _check_scorers(source: YamlFile, row: _SuiteRow, cases: tuple[Case, ...]) -> None:
    """Scorers of the house read what is expected: where no case expects any of it, a run would be green unjudged."""
    named = set(row.scorers or ())
    expected = [turn.expect for case in cases for turn in case.turns if turn.expect]
    if (
        named
        and named <= {*builtin_scorers(), RUBRIC}
        and not any(one.asks(name) for one in expected for name in named)
    ):
        raise Flaws.of(
            [(source.at(("scorers",)), "`scorers`: no case expects any of these, so nothing would be judged")]
        )


def _check_groups(source: YamlFile, gates: tuple[Gate, ...], cases: tuple[Case, ...]) -> None:
    """A gate on a language or topic that no case has would never be measured."""
    groups = {f"by_language.{case.language}" for case in cases} | {f"by_topic.{case.topic}" for case in cases}
    flaws = Flaws()
    for gate in gates:
        group = gate.name.rpartition(".")[0]
        if group.startswith(("by_language.", "by_topic.")) and group not in groups:
            flaws.add(source.at(("gates", gate.name)), f"gate `{gate.name}`: no case belongs to it")
    flaws.raise_if_any()
