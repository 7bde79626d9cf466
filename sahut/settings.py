"""The settings of the service, read from the environment and `.env`; knows nothing of who uses them."""

import os
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from sahut.errors import ConfigurationError
from sahut.hours import parse_hours

PREFIX = "SAHUT_"
DEFAULT_CHAT_MODEL = "gpt-5-mini"


class Settings(BaseSettings):
    """Every setting of the service, typed. The environment beats `.env`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file_encoding="utf-8", extra="ignore", frozen=True, populate_by_name=True
    )

    home: Path = Field(Path(".sahut"), description="data folder: database and index")
    database_url: str = Field("", description="`postgresql+psycopg://...` to scale out; empty: SQLite in the home")
    chroma_url: str = Field("", description="a Chroma server, `http://host:port`; empty: in-process")
    model: str = Field("", description="chat model name, or `extractive`; empty: by whether a key is set")
    embedder: str = Field("local", description="`local` or an OpenAI-compatible embedding model name")
    openai_api_key: SecretStr = Field(
        SecretStr(""), validation_alias="OPENAI_API_KEY", description="key of the OpenAI-compatible server"
    )
    openai_base_url: str = Field("", validation_alias="OPENAI_BASE_URL", description="its address")

    window_margin_s: float = Field(
        60, ge=0, le=3600, description="free form is refused this long before the window closes"
    )
    max_wrong: float = Field(0.05, gt=0, lt=1, description="error budget for answers sent without a human")
    spam_threshold: float = Field(0.8, gt=0, le=1, description="probability from which a message is spam")
    burst_wait_ms: int = Field(1500, ge=0, le=60_000, description="silence that ends a burst; 0 answers at once")
    unknown_send_s: float = Field(60, gt=0, description="how long a status may settle a send whose answer was lost")
    turn_timeout_s: float = Field(30, gt=0, le=600, description="time for one turn before the fallback answers")
    spend_limit_usd_per_day: float = Field(
        5, ge=0, description="model spending per day; beyond it the extractive answer"
    )

    whatsapp_graph_url: str = Field("https://graph.facebook.com", description="host of the Graph API")
    whatsapp_graph_version: str = Field("v26.0", pattern=r"^v\d+\.\d+$", description="version of the Graph API")
    whatsapp_phone_number_id: str = Field("", description="id of our number")
    whatsapp_business_account_id: str = Field("", description="id of the WhatsApp business account")
    whatsapp_access_token: SecretStr = Field(SecretStr(""), description="system user token")
    whatsapp_app_secret: SecretStr = Field(SecretStr(""), description="app secret; comma-separated to rotate")
    whatsapp_verify_token: SecretStr = Field(SecretStr(""), description="the word of Meta's handshake")

    organisation: str = Field("our office", min_length=1, description="who the assistant speaks for")
    persona: str = Field("", description="tone and standing guidance for the chat model")
    languages: str = Field("id,en,pt,es,is", description="languages that customers write in, comma-separated codes")
    business_hours: str = Field("", description="when operators are there, `Mon-Fri 08:00-16:00, Sat 08:00-12:00`")
    timezone: str = Field("UTC", description="zone of the organisation's clock")

    secret_key: SecretStr = Field(SecretStr(""), description="signs sessions; `serve` refuses to start without it")

    @field_validator("languages")
    @classmethod
    def _codes(cls, value: str) -> str:
        codes = [code.strip().lower() for code in value.split(",") if code.strip()]
        if not codes or any(len(code) != 2 or not code.isalpha() for code in codes):
            raise ValueError("give two-letter codes, for example id,en")
        return ",".join(codes)

    @field_validator("business_hours")
    @classmethod
    def _hours(cls, value: str) -> str:
        parse_hours(value, "UTC")
        return value

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        from zoneinfo import ZoneInfo

        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError("give an IANA zone, for example Asia/Jakarta") from None
        return value

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: str) -> str:
        if value and not value.startswith(("postgresql+psycopg://", "sqlite")):
            raise ValueError("give postgresql+psycopg://user:password@host/name, or leave it empty for SQLite")
        return value

    @field_validator("chroma_url", "whatsapp_graph_url", "openai_base_url")
    @classmethod
    def _http(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("give an address that begins with http:// or https://")
        return value.rstrip("/")

    @property
    def store_url(self) -> str:
        """The database's URL, whichever way it was set."""
        return self.database_url or f"sqlite:///{self.home / 'sahut.db'}"

    @property
    def chat_model(self) -> str:
        """The chat model in force: as set, else by whether a key is there."""
        if self.model:
            return self.model
        return DEFAULT_CHAT_MODEL if self.openai_api_key.get_secret_value() or self.openai_base_url else "extractive"

    @property
    def language_codes(self) -> tuple[str, ...]:
        return tuple(self.languages.split(","))

    @property
    def app_secrets(self) -> tuple[str, ...]:
        """The app secrets in force; an empty one is never a key, since anybody can compute its HMAC."""
        parts = self.whatsapp_app_secret.get_secret_value().split(",")
        return tuple(part.strip() for part in parts if part.strip())


def setting_names() -> dict[str, str]:
    """Environment name -> field name."""
    names = {}
    for field, info in Settings.model_fields.items():
        alias = info.validation_alias
        names[alias if isinstance(alias, str) else f"{PREFIX}{field.upper()}"] = field
    return names


def read_settings(env_file: Path | None = Path(".env"), **overrides: Any) -> Settings:
    """Settings from the environment and `.env`. Raises `ConfigurationError` with one line for each bad value."""
    from dotenv import dotenv_values

    in_file = dotenv_values(env_file) if env_file and env_file.is_file() else {}
    known = setting_names()
    unknown = sorted(n for n in {*in_file, *os.environ} if n.startswith(PREFIX) and n not in known)
    problems = [f"{name}: there is no such setting{_nearest(name, known)}" for name in unknown]
    try:
        settings = Settings(_env_file=env_file, **overrides)
    except ValidationError as error:
        back = {field: name for name, field in known.items()}
        for item in error.errors():
            field = str(item["loc"][0])
            problems.append(f"{back.get(field, field)}: {item['msg'].removeprefix('Value error, ')}")
        settings = None
    if problems or settings is None:
        raise ConfigurationError("\n".join(problems))
    return settings


def _nearest(name: str, known: dict[str, str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""
