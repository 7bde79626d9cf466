"""`sahut eval run` as a real process: stopped in the middle, started beside itself, and gone on with."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SAHUT = Path(sys.executable).parent / "sahut"
# Enough that what is left after the signal takes longer than hearing it.
MANY = 60
WAIT_S = 60


@pytest.fixture
def suite(learned_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Different questions, in a home of their own."""
    shutil.copytree(learned_home, tmp_path / "mine")
    monkeypatch.setenv("SAHUT_HOME", str(tmp_path / "mine"))
    rows = [
        {"id": f"c{i}", "turns": [{"user": f"({i}) When do you close on Fridays?", "expect": {"decision": "reply"}}]}
        for i in range(MANY)
    ]
    path = tmp_path / "many.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def start(*words: str | Path) -> subprocess.Popen[str]:
    command = [SAHUT, "eval", "run", *words]
    # Whoever runs the tests in the background has them ignore the signal, and what they start would ignore it too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ})


def played(folder: Path) -> list[str]:
    """The ids of the cases whose play stands whole in the folder."""
    plays = folder / "plays.jsonl"
    lines = plays.read_bytes().split(b"\n")[:-1] if plays.exists() else []
    return [json.loads(line)["id"] for line in lines]


def wait_until(folder: Path, many: int, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + WAIT_S
    while len(played(folder)) < many:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < end, "the run does not get on"
        time.sleep(0.005)


def test_a_run_that_is_stopped_says_how_it_goes_on_and_plays_only_the_rest(suite: Path, tmp_path: Path):
    out = tmp_path / "run"
    running = start(suite, "--out", out, "--fresh", "--at-once", "1")
    try:
        wait_until(out, MANY * 6 // 10, running)
        running.send_signal(signal.SIGINT)
        said = running.communicate(timeout=WAIT_S)[1]
    finally:
        running.kill()
    before = played(out)
    assert running.returncode == 130
    assert f"{len(before)} of {MANY} plays are kept in {out}. The same command with --out {out} plays" in said
    assert MANY * 6 // 10 <= len(before) < MANY
    assert not (out / "report.json").exists()

    again = start(suite, "--out", out, "--fresh")
    said = again.communicate(timeout=WAIT_S)[1]
    assert (again.returncode, f"unchanged {len(before)}" in said) == (0, True), said
    assert played(out)[: len(before)] == before
    assert sorted(played(out)) == sorted(f"c{i}" for i in range(MANY))
    assert json.loads((out / "report.json").read_text(encoding="utf-8"))["cases"] == MANY


def test_a_second_run_into_a_folder_is_refused_while_the_first_goes_on(suite: Path, tmp_path: Path):
    out = tmp_path / "run"
    first = start(suite, "--out", out, "--at-once", "1")
    try:
        wait_until(out, 1, first)
        first.send_signal(signal.SIGSTOP)  # however slow the second is to start, the first is still under way
        second = start(suite, "--out", out)
        said = second.communicate(timeout=WAIT_S)[1]
        first.send_signal(signal.SIGCONT)
        assert (second.returncode, f"{out}: a run is under way in it: wait for it" in said) == (2, True), said
        told = first.communicate(timeout=WAIT_S)[1]
        assert first.returncode == 0, told
    finally:
        first.kill()
    assert sorted(played(out)) == sorted(f"c{i}" for i in range(MANY))
