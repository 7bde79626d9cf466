"""The settings of the service, read from the environment and `.env`; knows nothing of who uses them."""

import os
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from sahut.errors import ConfigurationError
from sahut.hours import check_zone, parse_hours
from sahut.mistakes import near, told, unreadable
from sahut.personal import KINDS
from sahut.sealing import Seal, check_key

PREFIX = "SAHUT_"
DEFAULT_CHAT_MODEL = "gpt-5-mini"
SHORTEST_SECRET = 32
# What the statistics over bytes (py3langid) can tell apart: a message in another language is never recognised.
_CODES = (
    "af am an ar as az ba be bg bn br bs ca cs cy da de dz el en eo es et eu fa fi fo fr fy ga gd gl gu ha he hi "
    "hr ht hu hy id ig is it ja jv ka kk km kn ko ku ky la lb lg ln lo lt lv mg mk ml mn mr ms mt my ne nl nn no "
    "oc om or pa pl ps pt qu ro ru rw sa se si sk sl sn so sq sr st sv sw ta te tg th tk tl tr tt ug uk ur uz vi "
    "vo wa xh yo zh zu"
)
KNOWN_LANGUAGES = tuple(_CODES.split())


class Settings(BaseSettings):
    """Every setting of the service, typed. The environment beats `.env`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file_encoding="utf-8", extra="ignore", frozen=True, populate_by_name=True
    )

    home: Path = Field(Path(".sahut"), description="data folder: database, index, `forms/`, `tools.toml`")
    database_url: str = Field("", description="`postgresql+psycopg://...` to scale out; empty: SQLite in the home")
    chroma_url: str = Field("", description="a Chroma server, `http://host:port`; empty: in-process")
    model: str = Field("", description="chat model name, or `extractive`; empty: by whether a key is set")
    embedder: str = Field("local", description="`local` or an OpenAI-compatible embedding model name")
    openai_api_key: SecretStr = Field(
        SecretStr(""), validation_alias="OPENAI_API_KEY", description="key of the OpenAI-compatible server"
    )
    openai_base_url: str = Field("", validation_alias="OPENAI_BASE_URL", description="its address")

    transcriber: str = Field(
        "",
        description="model of the OpenAI-compatible audio endpoint that voice notes are transcribed by; empty: the "
        "customer is asked to type",
    )
    window_margin_s: float = Field(
        60, ge=0, le=3600, description="free form is refused this long before the window closes"
    )
    window_warning_s: float = Field(
        7200,
        ge=0,
        le=43_200,
        description="operators are told so long before a window ends in which a customer waits for a human; 0 never",
    )
    closing: bool = Field(True, description="thank at a session's end and ask, by three buttons, how it was")
    closing_before_s: float = Field(
        3600, ge=120, le=43_200, description="how long before the end of its window an open session is closed"
    )
    max_wrong: float = Field(0.05, gt=0, lt=1, description="error budget for answers sent without a human")
    spam_threshold: float = Field(0.8, gt=0, le=1, description="probability from which a message is spam")
    screen_by_model: bool = Field(
        True, description="ask the chat model, if there is one, where the screen is unsure whether a message is spam"
    )
    rerank: bool = Field(
        False,
        description="ask the chat model, if there is one, to order the passages that were found for a question: one "
        "request more for each",
    )
    burst_wait_ms: int = Field(
        1500,
        ge=0,
        le=60_000,
        description="silence that ends a burst: shorter after a question, longer after a greeting; 0 answers at once",
    )
    unknown_send_s: float = Field(60, gt=0, description="how long a status may settle a send whose answer was lost")
    redact: str = Field(
        "email,card,id,phone",
        description="personal data that a chat model sees stand-ins for: of `email`, `card`, `id` (NIK, CPF, CNPJ, "
        "kennitala), `phone`, `plate`; `none`: it sees all",
    )
    turn_timeout_s: float = Field(30, gt=0, le=600, description="time for one turn before the fallback answers")
    spend_limit_usd_per_day: float = Field(
        5, ge=0, description="model spending per day (UTC's); beyond it the extractive answer, 0 asks no model"
    )
    spend_limit_tokens_per_day: int | None = Field(
        None, ge=0, description="the same in tokens, for models without a listed price; empty: no limit"
    )
    spend_limit_usd_per_contact: float | None = Field(
        0.5, ge=0, description="model spending per day for one contact; empty: no limit"
    )
    spend_limit_tokens_per_contact: int | None = Field(
        400_000, ge=0, description="the same in tokens, some eighty answers; empty: no limit"
    )
    fallback_model: str = Field(
        "", description="chat model that is asked while the first one fails, dawdles or rests; empty: none"
    )
    fallback_base_url: str = Field("", description="its server's address; empty: the first model's server")
    fallback_api_key: SecretStr = Field(
        SecretStr(""), description="its key; empty: the first model's, on the same server"
    )

    files_kept_days: int = Field(
        365, ge=0, le=36_500, description="how long customers' files are kept, with what was read in them; 0: for ever"
    )
    calls: Literal["invite", "silent"] = Field(
        "invite", description="who calls our number is asked to write (`invite`) or meets silence (`silent`)"
    )
    app_silence_s: float = Field(
        86_400,
        ge=0,
        le=30 * 86_400,
        description="how long the assistant is silent after a colleague wrote from the WhatsApp Business app",
    )

    whatsapp_graph_url: str = Field("https://graph.facebook.com", description="host of the Graph API")
    whatsapp_graph_version: str = Field("v26.0", pattern=r"^v\d+\.\d+$", description="version of the Graph API")
    whatsapp_phone_number_id: str = Field("", description="id of our number")
    whatsapp_business_account_id: str = Field("", description="id of the WhatsApp business account")
    whatsapp_access_token: SecretStr = Field(SecretStr(""), description="system user token")
    whatsapp_app_secret: SecretStr = Field(SecretStr(""), description="app secret; comma-separated to rotate")
    whatsapp_verify_token: SecretStr = Field(SecretStr(""), description="the word of Meta's handshake")

    whatsapp_messages_per_s: float = Field(
        80, ge=1, le=1000, description="messages that Meta lets one number send in a second"
    )

    organisation: str = Field("our office", min_length=1, description="who the assistant speaks for")
    persona: str = Field("", description="tone and standing guidance for the chat model")
    languages: str = Field(
        "id,en,pt,es,is",
        description="languages that customers write in, comma-separated codes; the first is the default",
    )
    business_hours: str = Field("", description="when operators are there, `Mon-Fri 08:00-16:00, Sat 08:00-12:00`")
    timezone: str = Field("UTC", description="zone of the organisation's clock")
    public_url: str = Field(
        "", description="address at which customers reach `/t/...`, `https://help.example.com`; empty: no links"
    )
    webhooks_allow_private: bool = Field(
        False, description="let outgoing webhooks go to private and loopback addresses"
    )

    tools_allow_private: bool = Field(
        False, description="let the tools of `tools.toml` speak to private and loopback addresses"
    )

    learn_allow_private: bool = Field(False, description="let web sites be learned from private and loopback addresses")
    relearn_hours: float = Field(
        24, ge=0, le=8760, description="how often `serve` reads learned web sites again; 0 never"
    )

    secret_key: SecretStr = Field(SecretStr(""), description="signs sessions; `serve` refuses to start without it")
    encryption_keys: SecretStr = Field(
        SecretStr(""),
        description="seal the tokens and app secrets of numbers that are kept in the database; comma-separated to "
        "change one, the newest first",
    )

    @field_validator("languages")
    @classmethod
    def _codes(cls, value: str) -> str:
        codes = [code.strip().lower() for code in value.split(",") if code.strip()]
        if not codes or any(len(code) != 2 or not code.isalpha() for code in codes):
            raise ValueError("give two-letter codes, for example id,en")
        unknown = [code for code in codes if code not in KNOWN_LANGUAGES]
        if unknown:
            raise ValueError(f"{', '.join(unknown)} is not known; known are {', '.join(KNOWN_LANGUAGES)}")
        return ",".join(codes)

    @field_validator(
        "spend_limit_tokens_per_day", "spend_limit_usd_per_contact", "spend_limit_tokens_per_contact", mode="before"
    )
    @classmethod
    def _no_limit(cls, value: Any) -> Any:
        return None if value == "" else value

    @field_validator("redact")
    @classmethod
    def _kinds(cls, value: str) -> str:
        kinds = [kind.strip().lower() for kind in value.split(",") if kind.strip()]
        if not kinds or (kinds != ["none"] and not set(kinds) <= set(KINDS)):
            raise ValueError(f"give some of {', '.join(KINDS)}, comma-separated, or none")
        return ",".join(kinds)

    @field_validator("secret_key")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < SHORTEST_SECRET:
            raise ValueError(
                f"is too short to sign with: give {SHORTEST_SECRET} characters or more (`sahut init` makes one)"
            )
        return value

    @field_validator("business_hours")
    @classmethod
    def _hours(cls, value: str) -> str:
        parse_hours(value, "UTC")
        return value

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        check_zone(value)
        return value

    @field_validator("encryption_keys")
    @classmethod
    def _keys(cls, value: SecretStr) -> SecretStr:
        for key in _parts(value):
            check_key(key)
        return value

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: str) -> str:
        if value and not value.startswith(("postgresql+psycopg://", "sqlite")):
            raise ValueError("give postgresql+psycopg://user:password@host/name, or leave it empty for SQLite")
        return value

    @field_validator("chroma_url", "whatsapp_graph_url", "openai_base_url", "fallback_base_url", "public_url")
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
    def hidden_kinds(self) -> tuple[str, ...]:
        """The kinds of personal data that a chat model does not see."""
        return () if self.redact == "none" else tuple(self.redact.split(","))

    @property
    def app_secrets(self) -> tuple[str, ...]:
        """The app secrets in force; an empty one is never a key, since anybody can compute its HMAC."""
        return _parts(self.whatsapp_app_secret)

    @property
    def seal(self) -> Seal:
        """What secrets in the database are sealed and opened with."""
        return Seal(_parts(self.encryption_keys))


def _parts(value: SecretStr) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.get_secret_value().split(",") if part.strip())


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

    has_file = env_file is not None and env_file.is_file()
    if env_file is not None and has_file and (lines := unreadable(env_file)):
        raise ConfigurationError("\n".join(lines))
    in_file = dotenv_values(env_file) if has_file else {}
    known = setting_names()
    unknown = sorted(n for n in {*in_file, *os.environ} if n.startswith(PREFIX) and n not in known)
    problems = [f"{name}: there is no such setting{near(name, known)}" for name in unknown]
    try:
        settings = Settings(_env_file=env_file, **overrides)
    except ValidationError as error:
        back = {field: name for name, field in known.items()}
        for item in error.errors():
            field = str(item["loc"][0])
            problems.append(f"{back.get(field, field)}: {told(item, Settings.model_fields[known.get(field, field)])}")
        settings = None
    if problems or settings is None:
        raise ConfigurationError("\n".join(problems))
    return settings
