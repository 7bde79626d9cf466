"""What lies in the house itself: database, people, knowledge, index, forms and tools."""

import asyncio
from pathlib import Path

from api.doctor.finding import Finding
from sahut.settings import Settings
from sahut.text import counted


async def database(settings: Settings) -> Finding:
    """The database answers, and at which revision."""
    from api.mind import open_store
    from sahut.migrations import revision

    async with open_store(settings) as store:
        await store.ping()
        kind = f"SQLite ({_file(settings)})" if store.is_sqlite else "PostgreSQL"
        return Finding("ok", "database", f"{kind} answers, at revision {await revision(store)}")


def _file(settings: Settings) -> Path:
    from sqlalchemy import make_url

    return Path(make_url(settings.store_url).database or "").resolve()


async def operators(settings: Settings) -> Finding:
    """Somebody can sign in."""
    from api.mind import open_store
    from sahut.store import operators

    async with open_store(settings) as store, store.reading() as tx:
        found = [row for row in await operators.listed(tx) if row.disabled_at is None]
    if not found:
        says = "nobody can sign in at the console yet: run `sahut operator add EMAIL --role admin`"
        return Finding("warn", "operators", says)
    return Finding("ok", "operators", f"{len(found)} may sign in")


async def knowledge(settings: Settings) -> Finding:
    """Something is learned."""
    from api.mind import open_store
    from sahut.store import library

    async with open_store(settings) as store, store.reading() as tx:
        documents = await library.listed(tx, limit=200)
    if not documents:
        return Finding("warn", "knowledge", "nothing is learned yet: run `sahut learn FOLDER`")
    many = "200+ documents" if len(documents) == 200 else counted(len(documents), "document")
    return Finding("ok", "knowledge", f"{many} learned")


async def tools(settings: Settings) -> Finding:
    """Every tool can be had: installed ones are loaded; of `tools.toml` the document is read, the server answers."""
    from sahut.outside import Outside
    from tools.outside import SETTING, open_outside, unreached
    from tools.sources import FILE
    from tools.toolbox import Toolbox

    path = settings.home / FILE
    outside = Outside(allow_private=settings.tools_allow_private, setting=SETTING)
    try:
        outer = await open_outside(path, outside)
        troubles = await unreached(path, outside)
    finally:
        await outside.close()
    every = Toolbox.from_entry_points(outer)
    names = {card.name for card in every.cards}
    theirs = {tool.name for tool in outer}
    waits = sorted(name for name in names if (declared := every.authority(name)) and declared.confirms == "operator")
    says = f"installed: {', '.join(sorted(names - theirs))}"
    says += f"; in {path}: {', '.join(sorted(theirs))}" if theirs else f"; none in {path}"
    says += f"; {', '.join(waits)} need an operator's yes" if waits else ""
    if troubles:
        return Finding("fail", "tools", f"{' '.join(troubles)} ({says})")
    return Finding("ok", "tools", says)


async def forms(settings: Settings) -> Finding:
    """The forms of the folder."""
    from sahut.formfile import read_folder

    folder = settings.home / "forms"
    found = await asyncio.to_thread(read_folder, folder)
    if not found:
        return Finding("ok", "forms", f"none in {folder}")
    return Finding("ok", "forms", f"{', '.join(form.name for form in found)} in {folder}")


async def index(settings: Settings) -> Finding:
    """The vector index is derived from the rows; a service in this folder levels its own, a server is asked."""
    if not settings.chroma_url:
        return Finding("ok", "index", "in-process; the service builds it from the database and keeps it level")
    from api.mind import open_store
    from knowledge.embed import make_embedder
    from knowledge.index import open_index
    from knowledge.space import space_of

    index = await asyncio.to_thread(open_index, settings, space_of(make_embedder(settings)).name)
    try:
        async with open_store(settings) as store:
            generation = await index.catch_up(store)
    finally:
        await index.close()
    return Finding("ok", "index", f"the Chroma server answers and is level (generation {generation})")
