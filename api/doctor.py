"""`sahut doctor`: looks at every part of an installation and says what to do.

It changes nothing but a schema that is behind.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Literal

from dotenv import dotenv_values

from api.whatsapp.client import GraphClient
from sahut.errors import ConfigurationError, SahutError
from sahut.settings import Settings, read_settings, setting_names

OURS = ("sahut", "knowledge", "tools", "agent", "evals", "api")
_SECRET = ("KEY", "SECRET", "TOKEN", "DATABASE_URL")


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `says` tells what to do unless `state` is ok."""

    state: Literal["ok", "warn", "fail"]
    what: str
    says: str


Check = Callable[[Settings], Awaitable[Finding]]


async def examine() -> list[Finding]:
    """Every finding; with settings that cannot be read only those."""
    try:
        settings = read_settings()
    except ConfigurationError as error:
        return [Finding("fail", "settings", line) for line in str(error).splitlines()]
    found = _origins(settings)
    for check in (_database, _operators, _knowledge, _index, _model, _number, _webhook, _names):
        found.append(await _careful(check, settings))
    return found


async def _careful(check: Check, settings: Settings) -> Finding:
    try:
        return await check(settings)
    except (SahutError, OSError) as error:
        return Finding("fail", check.__name__.strip("_"), str(error))


def _origins(settings: Settings) -> list[Finding]:
    """Where each setting that is not at its default came from; secrets are never shown."""
    in_file = dotenv_values(".env") if Path(".env").is_file() else {}
    found = []
    for name, field in setting_names().items():
        origin = "the environment" if name in os.environ else ".env" if in_file.get(name) else None
        if origin:
            value = "set" if any(word in name for word in _SECRET) else str(getattr(settings, field))
            found.append(Finding("ok", name, f"{value} (from {origin})"))
    if not settings.secret_key.get_secret_value():
        found.append(Finding("fail", "SAHUT_SECRET_KEY", "not set, so `sahut serve` will not start: run `sahut init`"))
    return found


async def _database(settings: Settings) -> Finding:
    from api.build import open_store
    from sahut.migrations import revision

    async with open_store(settings) as store:
        await store.ping()
        kind = "SQLite" if store.is_sqlite else "PostgreSQL"
        return Finding("ok", "database", f"{kind} answers, at revision {await revision(store)}")


async def _operators(settings: Settings) -> Finding:
    from api.build import open_store
    from sahut.store import operators

    async with open_store(settings) as store, store.reading() as tx:
        found = [row for row in await operators.listed(tx) if row.disabled_at is None]
    if not found:
        says = "nobody can sign in at the console yet: run `sahut operator add EMAIL --role admin`"
        return Finding("warn", "operators", says)
    return Finding("ok", "operators", f"{len(found)} may sign in")


async def _knowledge(settings: Settings) -> Finding:
    from api.build import open_store
    from sahut.store import library

    async with open_store(settings) as store, store.reading() as tx:
        documents = await library.listed(tx, limit=200)
    if not documents:
        return Finding("warn", "knowledge", "nothing is learned yet: run `sahut learn FOLDER`")
    return Finding("ok", "knowledge", f"{len(documents)}{'+' if len(documents) == 200 else ''} documents learned")


async def _model(settings: Settings) -> Finding:
    name = settings.chat_model
    if name == "extractive":
        return Finding("ok", "model", "extractive: answers quote the documents, no server needed")
    from openai import AsyncOpenAI, OpenAIError

    key = settings.openai_api_key.get_secret_value() or "none"
    client = AsyncOpenAI(api_key=key, base_url=settings.openai_base_url or None, timeout=10, max_retries=0)
    try:
        await client.models.list()
    except OpenAIError as error:
        says = f"the server does not answer ({type(error).__name__}): check OPENAI_API_KEY and OPENAI_BASE_URL"
        return Finding("fail", "model", says)
    finally:
        await client.close()
    return Finding("ok", "model", f"{name}: the server answers")


async def _index(settings: Settings) -> Finding:
    """The vector index is derived from the rows; a service in this folder levels its own, a server is asked."""
    if not settings.chroma_url:
        return Finding("ok", "index", "in-process; the service builds it from the database and keeps it level")
    from api.build import open_store
    from knowledge.embed import make_embedder
    from knowledge.index import open_index

    index = await asyncio.to_thread(open_index, settings, make_embedder(settings).name)
    try:
        async with open_store(settings) as store:
            generation = await index.catch_up(store)
    finally:
        await index.close()
    return Finding("ok", "index", f"the Chroma server answers and is level (generation {generation})")


async def _number(settings: Settings) -> Finding:
    if not _can_call(settings):
        says = "set SAHUT_WHATSAPP_ACCESS_TOKEN and SAHUT_WHATSAPP_PHONE_NUMBER_ID to send and receive"
        return Finding("warn", "number", says)
    async with _graph(settings) as client:
        status = await client.number_status(settings.whatsapp_phone_number_id)
    name, standing = status.get("verified_name", "?"), status.get("status", "?")
    quality = status.get("quality_rating", "?")
    says = f"{status.get('display_phone_number', '?')} ({name}), {standing}, quality {quality}"
    return Finding("ok" if standing == "CONNECTED" else "warn", "number", says)


async def _webhook(settings: Settings) -> Finding:
    missing = [
        name
        for name, value in (
            ("SAHUT_WHATSAPP_APP_SECRET", "".join(settings.app_secrets)),
            ("SAHUT_WHATSAPP_VERIFY_TOKEN", settings.whatsapp_verify_token.get_secret_value()),
        )
        if not value
    ]
    if missing:
        return Finding("warn", "webhook", f"set {' and '.join(missing)}, else Meta's events are refused")
    account = settings.whatsapp_business_account_id
    if not account or not _can_call(settings):
        says = "the secrets are set; set SAHUT_WHATSAPP_BUSINESS_ACCOUNT_ID to check the subscription too"
        return Finding("warn", "webhook", says)
    async with _graph(settings) as client:
        apps = await client.subscribed_apps(account)
    if not apps:
        says = f"no app is subscribed to the account: POST /{account}/subscribed_apps, else no event ever comes"
        return Finding("fail", "webhook", says)
    return Finding("ok", "webhook", f"the secrets are set and {len(apps)} app(s) get the account's events")


def _can_call(settings: Settings) -> bool:
    return bool(settings.whatsapp_access_token.get_secret_value() and settings.whatsapp_phone_number_id)


@asynccontextmanager
async def _graph(settings: Settings) -> AsyncIterator[GraphClient]:
    client = GraphClient(
        url=settings.whatsapp_graph_url,
        version=settings.whatsapp_graph_version,
        token=settings.whatsapp_access_token.get_secret_value(),
    )
    try:
        yield client
    finally:
        await client.close()


async def _names(_: Settings) -> Finding:
    """Our import names are generic: another distribution that installs one of them would break us."""
    owners = await asyncio.to_thread(packages_distributions)
    clashes = {name: sorted(set(owners.get(name, [])) - {"sahut"}) for name in OURS}
    found = [f"{name} (also in {', '.join(others)})" for name, others in clashes.items() if others]
    if found:
        return Finding("fail", "names", f"these packages clash: {'; '.join(found)}; use an environment of its own")
    return Finding("ok", "names", "no other package uses Sahut's import names")
