"""A run as a folder: what was played, by which assistant, and the reports made of it.

It can be scored again without the assistant, and goes on where an interrupt left it; two runs never share one. Must
not know how a case is played or a report is made.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from evals.fingerprint import Fingerprint
from evals.played import Run, dressed
from evals.plays import Plays
from evals.suite import Suite
from evals.trials import Trials
from knowledge.owner import lock
from sahut.errors import ConfigurationError
from sahut.values import Value

MANIFEST = "run.json"
PLAYS = "plays.jsonl"
REPORT = "report.json"
_CACHES = 20


class Manifest(Value):
    """What a folder's run is. `path` is the suite's file; `finished_at` is set once every case was played.

    A simulation has the `tasks` of its environment, which `suite` names, and the model that plays the `customers`.
    """

    suite: str
    path: Path
    k: int
    started_at: datetime
    finished_at: datetime | None = None
    assistant: Fingerprint
    tasks: tuple[str, ...] = ()
    customers: str = ""


@contextmanager
def open_run(folder: Path, manifest: Manifest) -> Iterator[Plays]:
    """The plays of a run in `folder`: a new one, or the same one interrupted before, which goes on.

    Raises `ConfigurationError` where the folder holds another run or a finished one, or one is under way in it.
    """
    with _held(folder, manifest), Plays(folder / PLAYS) as plays:
        yield plays


@contextmanager
def open_simulation(folder: Path, manifest: Manifest) -> Iterator[Trials]:
    """The same for the trials of a simulation."""
    with _held(folder, manifest), Trials(folder / PLAYS) as trials:
        yield trials


@contextmanager
def _held(folder: Path, manifest: Manifest) -> Iterator[None]:
    """The folder, held by this run alone."""
    _make(folder)
    with lock(folder, f"{folder}: a run is under way in it: wait for it, or give another --out"):
        if (folder / MANIFEST).is_file():
            _check_same(folder, read_manifest(folder), manifest)
        elif (folder / REPORT).exists() or (folder / PLAYS).exists():
            raise ConfigurationError(f"{folder}: holds another run: give another --out, or remove the folder")
        else:
            write_whole(folder / MANIFEST, manifest.model_dump_json(indent=2))
        yield


def finish(folder: Path, at: datetime) -> None:
    """Every case was played: nothing is played into the folder any more."""
    manifest = read_manifest(folder).model_copy(update={"finished_at": at})
    write_whole(folder / MANIFEST, manifest.model_dump_json(indent=2))


def read_manifest(folder: Path) -> Manifest:
    """What the folder's run is. Raises `ConfigurationError` where it holds none."""
    path = folder / MANIFEST
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"{folder}: is no run of `sahut eval run` ({error.strerror or error})") from error
    except ValidationError as error:
        what = error.errors(include_url=False)[0]["msg"]
        raise ConfigurationError(f"{path}: is of another version or broken: {what}") from error


def read_run(folder: Path, manifest: Manifest, suite: Suite) -> Run:
    """What was played, beside what `suite` expects now. Raises `ConfigurationError` where a case was not played."""
    with Plays(folder / PLAYS) as plays:
        found = [(case, run, plays.get(case, run)) for case in suite.cases for run in range(1, manifest.k + 1)]
    missing = [f"{case.id} ({run})" for case, run, play in found if play is None]
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise ConfigurationError(
            f"{folder}: not played as the suite says it now: {', '.join(missing[:3])}{more}; run the suite to play it"
        )
    results = tuple(dressed(case, run, play.takes) for case, run, play in found if play is not None)
    return Run(suite, manifest.k, manifest.started_at, results)


def cache_of(home: Path, assistant: Fingerprint) -> Plays:
    """What this very assistant answered in earlier runs. Those of older assistants are let go, but for a few."""
    folder = home / "evals"
    others = sorted(folder.glob("*.jsonl"), key=lambda path: path.stat().st_mtime)
    for path in others[: max(0, len(others) - _CACHES)]:
        path.unlink(missing_ok=True)
    return Plays(folder / f"{assistant.digest}.jsonl", only_whole=True)


def write_whole(path: Path, text: str) -> None:
    """Write a file whole or not at all. Raises `ConfigurationError`."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(text + "\n", encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True) if draft.parent.is_dir() else None
        raise ConfigurationError(f"{path} cannot be written ({error.strerror or error})") from error


def absolute(path: Path) -> Path:
    """Where a file lies, whatever folder the next command runs in."""
    return path.resolve()


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"{folder} cannot be used ({error.strerror or error})") from error


def _check_same(folder: Path, there: Manifest, wanted: Manifest) -> None:
    what = f"{folder}: holds a run of `{there.suite}` of {there.started_at:%Y-%m-%d %H:%M} UTC"
    if there.finished_at is not None:
        again = "" if there.tasks else f", or score it again with `sahut eval score {folder}`"
        raise ConfigurationError(f"{what}: give another --out{again}")
    for name, had, has in _settings(there, wanted):
        if had != has:
            raise ConfigurationError(f"{what}, {name} {had}, that was interrupted: give another --out for {name} {has}")
    if there.assistant != wanted.assistant:
        parts = ", ".join(there.assistant.differs(wanted.assistant))
        raise ConfigurationError(f"{what} that was interrupted, by another assistant ({parts}): give another --out")


def _settings(there: Manifest, wanted: Manifest) -> Iterator[tuple[str, str, str]]:
    """What two runs were asked for, by name."""
    yield "suite", there.suite, wanted.suite
    yield "k", str(there.k), str(wanted.k)
    yield "tasks", ", ".join(there.tasks) or "of a suite", ", ".join(wanted.tasks) or "of a suite"
    yield "customers", there.customers or "by script", wanted.customers or "by script"
