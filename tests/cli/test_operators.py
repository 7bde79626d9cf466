"""`sahut operator`: people come, get another password, and go."""

import io
import json

import pytest

from tests.cli.conftest import Sahut


@pytest.fixture(autouse=True)
def _not_at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("panjang sekali\n"))


def test_an_operator_is_added_with_a_password_shown_once(sahut: Sahut):
    added = sahut("operator", "add", "Budi@Example.com", "--role", "admin", "--name", "Budi")
    assert (added.code, "budi@example.com" in added.out, "Password: " in added.out) == (0, True, True)
    password = added.out.partition("Password: ")[2].split()[0]
    listed = sahut("operator", "list")
    assert listed.out.split() == ["budi@example.com", "admin", "Budi"]
    assert password not in listed.out
    again = sahut("operator", "add", "budi@example.com")
    assert (again.code, again.out) == (2, "")
    assert "already" in again.err


def test_scripts_get_json(sahut: Sahut):
    added = json.loads(sahut("operator", "add", "budi@example.com", "--role", "supervisor", "--json").out)
    assert (added["email"], added["role"], len(added["password"]) >= 16) == ("budi@example.com", "supervisor", True)
    (listed,) = json.loads(sahut("operator", "list", "--json").out)
    assert listed == {key: value for key, value in added.items() if key != "password"}


def test_a_password_may_come_from_standard_input(sahut: Sahut):
    added = sahut("operator", "add", "budi@example.com", "--password-stdin")
    assert (added.code, "assword" in added.out) == (0, False)


def test_an_operator_goes_and_comes_back(sahut: Sahut):
    sahut("operator", "add", "budi@example.com")
    assert sahut("operator", "disable", "budi@example.com").code == 0
    assert sahut("operator", "list").out.split() == ["budi@example.com", "disabled"]
    assert sahut("operator", "enable", "BUDI@example.com").code == 0
    assert sahut("operator", "list").out.split() == ["budi@example.com", "operator"]
    fresh = json.loads(sahut("operator", "password", "budi@example.com", "--json").out)
    assert len(fresh["password"]) >= 16


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("add", "budi"), "e-mail address"),
        (("add", "budi@example.com", "--role", "boss"), "operator, supervisor, admin"),
        (("disable", "nobody@example.com"), "sahut operator list"),
        (("enable", "nobody@example.com"), "sahut operator list"),
        (("password", "nobody@example.com"), "sahut operator list"),
    ],
)
def test_what_makes_no_sense_is_said(sahut: Sahut, words: tuple[str, ...], says: str):
    ran = sahut("operator", *words)
    assert (ran.code, ran.out) == (2, "")
    assert says in ran.err


def test_a_short_password_is_refused(sahut: Sahut, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    ran = sahut("operator", "add", "budi@example.com", "--password-stdin")
    assert (ran.code, "10 to 256" in ran.err) == (2, True)


def test_the_doctor_misses_operators(sahut: Sahut):
    def finding() -> dict[str, str]:
        return next(item for item in json.loads(sahut("doctor", "--json").out) if item["what"] == "operators")

    assert (finding()["state"], "sahut operator add" in finding()["says"]) == ("warn", True)
    sahut("operator", "add", "budi@example.com")
    assert finding()["state"] == "ok"
