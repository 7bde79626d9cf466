"""Tools from outside as `tools.toml` declares them: which operations and servers, and with what authority each.

What is not listed there is no tool. Knows neither HTTP nor MCP.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from dotenv import dotenv_values
from pydantic import AfterValidator, Field, StringConstraints, ValidationError, model_validator

from sahut.authority import BY_EFFECT, Authority, Confirms, Effect, Identity
from sahut.errors import ConfigurationError
from sahut.values import Value

FILE = "tools.toml"
MOST_BYTES = 256 * 1024
# What of the conversation may fill an argument, so that no model says whom a call concerns.
Known = Literal["phone", "contact_id", "conversation_id", "language", "key"]


class Unreachable(ConfigurationError):  # noqa: N818 - named as its siblings
    """What a source names does not answer now; there is nothing wrong with how it is declared."""


def _not_ours(name: str) -> str:
    if name.startswith("SAHUT_"):
        raise ValueError("our own settings are for nobody else: give the tool a variable of its own")
    return name


Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Host = Annotated[str, StringConstraints(pattern=r"^[a-z0-9.-]+(:\d+)?$")]
EnvName = Annotated[str, StringConstraints(pattern=r"^[A-Z_][A-Z0-9_]*$"), AfterValidator(_not_ours)]


class Declaration(Value):
    """What is declared of one tool. Left out, it cannot be undone and needs an operator's yes (docs/tools.md).

    `known` fills arguments from the conversation. `says` is, by language, what the customer is told, with fields of
    the answer as `{placeholders}`; without it the answer itself is told.
    """

    effect: Effect = "irreversible"
    identity: Identity | None = None
    confirms: Confirms | None = None
    per_turn: int | None = Field(None, ge=1, le=20)
    per_day: int | None = Field(None, ge=1, le=10_000)
    description: str = Field("", max_length=1000)
    examples: tuple[str, ...] = ()
    questions: dict[str, str] = Field(default_factory=dict)
    known: dict[str, Known] = Field(default_factory=dict)
    says: dict[str, str] = Field(default_factory=dict)
    timeout_s: float = Field(10, gt=0, le=60)

    @property
    def authority(self) -> Authority:
        """For the rules."""
        given = {name: getattr(self, name) for name in ("identity", "confirms", "per_turn", "per_day")}
        declared: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        return replace(BY_EFFECT[self.effect], **declared)


class Operation(Declaration):
    """One operation of an OpenAPI document, by its `operationId`."""

    operation: str


class ServersTool(Declaration):
    """One tool of an MCP server; `tool` is its name there, where it is another one."""

    tool: str = ""


class Auth(Value):
    """A secret of the environment that goes out in a header, after `scheme` where there is one."""

    env: EnvName
    header: str = Field("Authorization", pattern=r"^[A-Za-z0-9-]+$")
    scheme: str = Field("Bearer", pattern=r"^[A-Za-z0-9-]*$")

    def headers(self) -> dict[str, str]:
        """The header with the secret. Raises `ConfigurationError` where it is not set."""
        secret = from_environment(self.env)
        return {self.header: f"{self.scheme} {secret}".strip()}


class OpenApi(Value):
    """An OpenAPI document, by path (beside the file) or address, and what of it may be used. `hosts` are all that is
    spoken to; `server` overrides the document's own.
    """

    document: str
    hosts: Annotated[tuple[Host, ...], Field(min_length=1)]
    server: str = ""
    auth: Auth | None = None
    tools: dict[Name, Operation]


class Mcp(Value):
    """An MCP server: a `command` that is started here, or the `url` of one that speaks streamable HTTP.

    `env` are names of variables that the command gets beside a few harmless ones.
    """

    command: tuple[str, ...] = ()
    env: tuple[EnvName, ...] = ()
    url: str = ""
    auth: Auth | None = None
    tools: dict[Name, ServersTool]

    @model_validator(mode="after")
    def _one_way(self) -> "Mcp":
        if bool(self.command) == bool(self.url):
            raise ValueError('give either command = ["program", ...] or url = "https://..."')
        return self


class Sources(Value):
    """All of `tools.toml`."""

    openapi: dict[Name, OpenApi] = Field(default_factory=dict)
    mcp: dict[Name, Mcp] = Field(default_factory=dict)


def read_sources(path: Path) -> Sources:
    """What the file declares; nothing where there is no file. Raises `ConfigurationError`, a line for each mistake."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ConfigurationError(f"{path}: is larger than {MOST_BYTES} bytes.")
        given = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return Sources()
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: is no TOML: {error}") from None
    try:
        return Sources.model_validate(given)
    except ValidationError as error:
        raise ConfigurationError("\n".join(f"{path}: {_mistake(item)}" for item in error.errors())) from None


def from_environment(name: str) -> str:
    """A secret by the name of its variable, also from `.env`. Raises `ConfigurationError` where it is not set."""
    value = os.environ.get(name) or dotenv_values(".env").get(name)
    if not value:
        raise ConfigurationError(f"{FILE} names the variable {name}, which is not set: set it, or remove the tool.")
    return value


def told(template: Mapping[str, str], language: str, fields: Mapping[str, Any]) -> str:
    """The sentence for the customer, with what the answer holds; empty where there is none."""
    sentence = template.get(language) or template.get("en") or next(iter(template.values()), "")
    for name, value in fields.items():
        if isinstance(value, str | int | float):
            sentence = sentence.replace(f"{{{name}}}", str(value))
    return sentence


def _mistake(item: Any) -> str:
    place = ".".join(map(str, item["loc"]))
    if item["type"] == "extra_forbidden":
        return f"{place}: is no key that is known here: remove it, or mend its spelling"
    return f"{place}: {str(item['msg']).removeprefix('Value error, ')}"
