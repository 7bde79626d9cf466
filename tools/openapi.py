"""An operation of an OpenAPI document as a tool: arguments checked by its schema, one bounded request to a known host.

Secrets go into headers alone, which no model sees. Knows no conversation but through the context.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx
import yaml
from openapi_pydantic import parse_obj
from pydantic import ValidationError

from sahut.errors import ConfigurationError
from sahut.outside import Fetched, Outside, Refused
from sahut.tool import ToolContext
from tools import schemas
from tools.declared import declared_tool
from tools.known import fill, unknown
from tools.sources import FILE, OpenApi, Operation, Unreachable, told
from tools.tool import Arguments, BadArgumentsError, Tool, ToolFailed
from tools.wording import say

MOST_DOCUMENT_BYTES = 4 * 1024 * 1024
MOST_ANSWER_BYTES = 64 * 1024
MOST_TOLD = 4000
METHODS = ("get", "put", "post", "delete", "patch")
_JSON = "application/json"
_NOT_FOUND = 404

Json = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """How one operation is asked: where each argument goes."""

    method: str
    url: str
    path: tuple[str, ...]
    query: tuple[str, ...]
    body: tuple[str, ...]
    schema: schemas.Schema


async def open_api(name: str, source: OpenApi, folder: Path, outside: Outside) -> list[Tool]:
    """The tools of one document. Raises `ConfigurationError` for what cannot be a tool."""
    document = _parsed(await _document(source, folder, outside), where=f"openapi.{name}")
    headers = source.auth.headers() if source.auth else {}
    return [
        _tool(
            tool, declared, _request(document, source, declared, where=f"openapi.{name}.tools.{tool}"), headers, outside
        )
        for tool, declared in source.tools.items()
    ]


async def servers_of(name: str, source: OpenApi, folder: Path, outside: Outside) -> set[str]:
    """The addresses that the tools of one document are asked at, without their paths. Raises as `open_api`."""
    document = _parsed(await _document(source, folder, outside), where=f"openapi.{name}")
    asked = [_request(document, source, tool, where=f"openapi.{name}.tools.{at}") for at, tool in source.tools.items()]
    return {urlsplit(one.url)._replace(path="", query="", fragment="").geturl() for one in asked}


async def _document(source: OpenApi, folder: Path, outside: Outside) -> str:
    if not source.document.startswith(("http://", "https://")):
        path = folder / source.document
        try:
            if path.stat().st_size > MOST_DOCUMENT_BYTES:  # once, at the start
                raise ConfigurationError(f"{path}: is larger than {MOST_DOCUMENT_BYTES} bytes.")
            return path.read_text("utf-8")
        except FileNotFoundError:
            raise ConfigurationError(
                f"{FILE}: the document {source.document} is not in the folder {folder}: put it there, or mend its name."
            ) from None
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{path}: cannot be read: {error}") from None
    _check_host(source.document, source.hosts, source.document)
    try:
        found = await outside.ask("GET", source.document, most_bytes=MOST_DOCUMENT_BYTES)
    except Refused as error:
        raise ConfigurationError(f"{source.document}: cannot be fetched: {error}") from None
    except (httpx.HTTPError, OSError, TimeoutError) as error:
        raise Unreachable(f"{source.document}: cannot be fetched: {error or type(error).__name__}") from None
    if found is None or found.status != 200:
        kind = Unreachable if found and found.status >= 500 else ConfigurationError
        raise kind(f"{source.document}: answers {found.status if found else 'with too much'}.")
    return found.body.decode("utf-8", "replace")


def _parsed(text: str, *, where: str) -> Json:
    """The document, if it is one of OpenAPI 3."""
    try:
        given = yaml.safe_load(text)
        parse_obj(given)
    except (yaml.YAMLError, RecursionError):
        raise ConfigurationError(f"{where}: its document is neither JSON nor YAML.") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ConfigurationError(f"{where}: its document is no OpenAPI 3 ({place}: {first['msg']}).") from None
    document: Json = given
    return document


def _request(document: Json, source: OpenApi, declared: Operation, *, where: str) -> Request:
    """The operation by its id, with its server, and its parameters and body as one object of arguments."""
    method, path, item, operation = _operation(document, declared.operation, where)
    server = source.server or next((one.get("url", "") for one in document.get("servers", [])), "")
    url = f"{server.rstrip('/')}{path}"
    _check_host(url, source.hosts, where)
    parameters = _parameters((*item.get("parameters", []), *operation.get("parameters", [])), document, where)
    body = _body(operation, document, where)
    twice = sorted(parameters.keys() & body.get("properties", {}).keys())
    if twice:
        raise ConfigurationError(f"{where}: {', '.join(twice)} is a parameter and in the body: it cannot be a tool.")
    properties = {name: schemas.whole(one.get("schema", {}), document, where=where) for name, one in parameters.items()}
    required = [name for name, one in parameters.items() if one.get("required")]
    schema = {
        "type": "object",
        "properties": properties | body.get("properties", {}),
        "required": [*required, *body.get("required", [])],
    }
    return Request(
        method=method.upper(),
        url=url,
        path=tuple(name for name, one in parameters.items() if one["in"] == "path"),
        query=tuple(name for name, one in parameters.items() if one["in"] == "query"),
        body=tuple(body.get("properties", {})),
        schema=schemas.checked(schema, where=where),
    )


def _parameters(given: Iterable[Json], document: Json, where: str) -> dict[str, Mapping[str, Any]]:
    """What goes into path and query, by name; headers and cookies are nobody's to set."""
    found: dict[str, Mapping[str, Any]] = {}
    for one in given:
        parameter = schemas.resolved(one, document, where=where)
        if parameter["in"] in ("path", "query"):
            found[parameter["name"]] = parameter
        elif parameter.get("required"):
            raise ConfigurationError(f"{where}: it needs a {parameter['in']} parameter, which no tool may set.")
    return found


def _operation(document: Json, wanted: str, where: str) -> tuple[str, str, Json, Json]:
    for path, item in document.get("paths", {}).items():
        for method in METHODS:
            operation = item.get(method)
            if isinstance(operation, dict) and operation.get("operationId") == wanted:
                return method, path, item, operation
    raise ConfigurationError(f"{where}: the document has no operation {wanted!r}.")


def _body(operation: Json, document: Json, where: str) -> schemas.Schema:
    given = operation.get("requestBody")
    if given is None:
        return {}
    content = schemas.resolved(given, document, where=where).get("content", {})
    if _JSON not in content:
        raise ConfigurationError(f"{where}: its body is no JSON: it cannot be a tool.")
    body = schemas.whole(content[_JSON].get("schema", {}), document, where=where)
    if body.get("type") != "object":
        raise ConfigurationError(f"{where}: its body must be an object with named properties.")
    return body


def _check_host(url: str, hosts: tuple[str, ...], where: str) -> None:
    if urlsplit(url).netloc.lower() not in hosts:
        raise ConfigurationError(f"{where}: {urlsplit(url).netloc or url!r} is not among its hosts.")


def _tool(name: str, declared: Operation, request: Request, headers: Mapping[str, str], outside: Outside) -> Tool:
    shown = unknown(request.schema, declared.known, where=f"the tool {name}")

    async def run(context: ToolContext, arguments: Arguments) -> str:
        whole = schemas.read(request.schema, {**arguments, **await fill(declared.known, context)})
        once = {"Idempotency-Key": context.key} if declared.authority.acts else {}
        body, sent = None, {**headers, **once, "Accept": _JSON}
        if request.body:
            body = json.dumps({part: whole[part] for part in request.body if part in whole}).encode()
            sent["Content-Type"] = _JSON
        url = _url(request, whole)
        answer = await outside.ask(request.method, url, most_bytes=MOST_ANSWER_BYTES, headers=sent, body=body)
        return _told(answer, declared, context)

    return declared_tool(name, declared, shown, run, otherwise=f"Does {declared.operation}.")


def _url(request: Request, arguments: Arguments) -> str:
    url = request.url
    for name in request.path:
        value = _text(arguments[name])
        if value in ("", ".", ".."):
            raise BadArgumentsError(f"{name}: cannot be {value!r}")
        url = url.replace(f"{{{name}}}", quote(value, safe=""))
    query = [(name, _text(one)) for name in request.query if name in arguments for one in _listed(arguments[name])]
    return f"{url}?{urlencode(query)}" if query else url


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _told(answer: Fetched | None, declared: Operation, context: ToolContext) -> str:
    """What the customer may be told. Raises for an answer that is none, so that a person looks."""
    if answer is None:
        raise ToolFailed("the answer is too long")
    if answer.status == _NOT_FOUND and not declared.authority.acts:
        return say("nothing_found", context.language)
    if not 200 <= answer.status < 300:
        raise ToolFailed(f"the server answers {answer.status}")
    text = answer.body.decode("utf-8", "replace")
    try:
        found = json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError):
        return schemas.plain_words(text, MOST_TOLD)
    said = told(declared.says, context.language, found if isinstance(found, dict) else {})
    return said or json.dumps(found, ensure_ascii=False)[:MOST_TOLD]
