"""Settings: each bad value is one clear line, and a secret is never printed."""

from pathlib import Path

import pytest

from sahut.errors import ConfigurationError
from sahut.settings import KNOWN_LANGUAGES, Settings, read_settings, setting_names

SECRET = "s3cr3t-value-that-nobody-may-see"
KEY = "s" * 43 + "="


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in setting_names():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def lines_of(error: pytest.ExceptionInfo[ConfigurationError]) -> list[str]:
    return str(error.value).splitlines()


def test_nothing_needs_to_be_set():
    settings = read_settings()
    assert settings.store_url == "sqlite:///.sahut/sahut.db"
    assert settings.chat_model == "extractive"
    assert settings.app_secrets == ()


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("SAHUT_WINDOW_MARGIN_S", "-1", "give a number between 0 and 3600, for example 60"),
        ("SAHUT_WINDOW_MARGIN_S", "soon", "give a number between 0 and 3600"),
        ("SAHUT_MAX_WRONG", "1", "give a number between 0 and 1, for example 0.05"),
        ("SAHUT_MAX_WRONG", "nan", "give a number"),
        ("SAHUT_SPAM_THRESHOLD", "2", "give a number between 0 and 1, for example 0.8"),
        ("SAHUT_BURST_WAIT_MS", "1.5", "give a whole number between 0 and 60000, for example 1500"),
        ("SAHUT_LANGUAGES", "indonesian", "two-letter"),
        ("SAHUT_LANGUAGES", "id,xx", "xx is not known; known are af, "),
        ("SAHUT_MAX_WRONG", "", "is empty: remove the line or give a number between 0 and 1, for example 0.05"),
        ("SAHUT_UNKNOWN_SEND_S", "0", "give a number above 0, for example 60"),
        ("SAHUT_SPEND_LIMIT_USD_PER_DAY", "-1", "give a number of 0 or more, for example 5"),
        ("SAHUT_CLOSING", "perhaps", "give true or false"),
        ("SAHUT_CALLS", "loud", "give invite or silent"),
        ("SAHUT_SECRET_KEY", "x", "give 32 characters or more"),
        ("SAHUT_TIMEZONE", "Jakarta/Asia", "IANA"),
        ("SAHUT_BUSINESS_HOURS", "whenever", ""),
        ("SAHUT_DATABASE_URL", "mysql://root@localhost/x", "postgresql+psycopg://"),
        ("SAHUT_CHROMA_URL", "localhost:8000", "http://"),
        ("OPENAI_BASE_URL", "ftp://x", "http://"),
        ("SAHUT_WHATSAPP_GRAPH_VERSION", "26", "v26.0"),
        ("SAHUT_ORGANISATION", "", "is empty"),
    ],
)
def test_a_bad_value_is_one_line_that_names_the_setting(monkeypatch: pytest.MonkeyPatch, name, value, word):
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as error:
        read_settings()
    (line,) = lines_of(error)
    assert line.startswith(f"{name}: ")
    assert word in line


def test_an_unknown_name_is_named_with_its_neighbour(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SAHUT_WINDOW_MARGIN", "60")
    with pytest.raises(ConfigurationError) as error:
        read_settings()
    assert lines_of(error) == ["SAHUT_WINDOW_MARGIN: there is no such setting; did you mean SAHUT_WINDOW_MARGIN_S?"]


@pytest.mark.parametrize("name", ["SAHUT_NONSENSE", "SAHUT_TOOL_ALLOW_PRIVATE", "SAHUT_LEARN_ALLOW_PRIVAT"])
def test_no_guess_is_made_from_afar_nor_towards_a_loosened_guard(monkeypatch: pytest.MonkeyPatch, name):
    monkeypatch.setenv(name, "true")
    with pytest.raises(ConfigurationError) as error:
        read_settings()
    assert lines_of(error) == [f"{name}: there is no such setting"]


def test_a_line_of_the_file_that_cannot_be_read_is_named(caplog: pytest.LogCaptureFixture):
    Path(".env").write_text("SAHUT_PERSONA=kind\n\nSAHUT_MAX_WRONG: 0.01\n")
    with pytest.raises(ConfigurationError) as error:
        read_settings()
    assert lines_of(error) == [".env:3: cannot be read: write NAME=value, or # before a remark"]
    assert caplog.records == []


def test_the_known_languages_are_those_that_can_be_told_apart():
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    labels = LanguageIdentifier.from_model_file(MODEL_FILE).labels
    assert set(KNOWN_LANGUAGES) == {label for label in labels if len(label) == 2}


def test_several_mistakes_are_told_at_once(monkeypatch: pytest.MonkeyPatch):
    Path(".env").write_text("SAHUT_NONSENSE=1\nSAHUT_MAX_WRONG=7\nOTHER=fine\n")
    monkeypatch.setenv("SAHUT_LANGUAGES", "x")
    with pytest.raises(ConfigurationError) as error:
        read_settings()
    assert [line.partition(":")[0] for line in lines_of(error)] == [
        "SAHUT_NONSENSE",
        "SAHUT_MAX_WRONG",
        "SAHUT_LANGUAGES",
    ]


def test_the_environment_beats_the_file(monkeypatch: pytest.MonkeyPatch):
    Path(".env").write_text("SAHUT_ORGANISATION=the file\nSAHUT_PERSONA=kind\n")
    monkeypatch.setenv("SAHUT_ORGANISATION", "the environment")
    settings = read_settings()
    assert (settings.organisation, settings.persona) == ("the environment", "kind")


def test_a_secret_is_never_printed(monkeypatch: pytest.MonkeyPatch):
    secrets = [name for name, field in setting_names().items() if "SecretStr" in str(Settings.model_fields[field])]
    assert {"SAHUT_SECRET_KEY", "SAHUT_WHATSAPP_APP_SECRET", "OPENAI_API_KEY"} <= set(secrets)
    for name in secrets:
        monkeypatch.setenv(name, KEY if name == "SAHUT_ENCRYPTION_KEYS" else SECRET)
    settings = read_settings()
    for shown in (repr(settings), str(settings), settings.model_dump_json(), str(settings.model_dump())):
        assert SECRET not in shown
        assert KEY not in shown
    monkeypatch.setenv("SAHUT_MAX_WRONG", "7")
    with pytest.raises(ConfigurationError) as error:
        read_settings()
    assert SECRET not in str(error.value)


@pytest.mark.parametrize("given", [SECRET, f"{KEY},{SECRET}", KEY[:-1], "é" * 44, f"{KEY}\n,x"])
def test_a_bad_encryption_key_is_told_how_to_make_and_never_printed(monkeypatch: pytest.MonkeyPatch, given: str):
    monkeypatch.setenv("SAHUT_ENCRYPTION_KEYS", given)
    with pytest.raises(ConfigurationError, match=r"^SAHUT_ENCRYPTION_KEYS: .*urandom") as error:
        read_settings()
    assert given not in str(error.value)


def test_a_password_in_a_bad_url_is_never_printed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SAHUT_DATABASE_URL", f"postgres://sahut:{SECRET}@host/db")
    with pytest.raises(ConfigurationError) as error:
        read_settings()
    assert SECRET not in str(error.value)


@pytest.mark.parametrize(("given", "kept"), [("", ()), (" , ", ()), ("one", ("one",)), ("old, new ,", ("old", "new"))])
def test_an_empty_app_secret_is_no_secret(given, kept):
    assert Settings(_env_file=None, whatsapp_app_secret=given).app_secrets == kept


@pytest.mark.parametrize(
    ("settings", "model"),
    [
        ({}, "extractive"),
        ({"openai_base_url": "http://localhost:1234/v1"}, "gpt-5-mini"),
        ({"openai_api_key": "k"}, "gpt-5-mini"),
        ({"openai_api_key": "k", "model": "extractive"}, "extractive"),
        ({"model": "qwen"}, "qwen"),
    ],
)
def test_the_chat_model_follows_the_key_unless_told(settings, model):
    assert Settings(_env_file=None, **settings).chat_model == model
