"""The database's history, one Alembic revision a file, and the function that brings a database up to date."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from sahut import engine
from sahut.errors import ConfigurationError
from sahut.store import Store

# Any constant does: it keeps two processes that start together from migrating at once.
_LOCK = 7_245_113


def config() -> Config:
    """Alembic's configuration for this package; it needs no ini file."""
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent))
    return settings


def head() -> str | None:
    """The newest revision this version of Sahut knows."""
    return ScriptDirectory.from_config(config()).get_current_head()


async def migrate(store: Store) -> bool:
    """Create or update every table, the engine's own included; whether anything had to be done.

    Raises `ConfigurationError`, changing nothing, where the database is of a newer version than this.
    """
    async with store.transaction() as tx:
        changed = await (await tx.connection()).run_sync(_upgrade)
    if changed or not store.is_sqlite:
        await engine.install(store.url.render_as_string(hide_password=False))
    return changed


async def revision(store: Store) -> str | None:
    """The revision the database is at."""
    async with store.reading() as tx:
        return await (await tx.connection()).run_sync(_current)


def _known() -> set[str]:
    return {script.revision for script in ScriptDirectory.from_config(config()).walk_revisions()}


def _current(connection: sa.Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _upgrade(connection: sa.Connection) -> bool:
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    current = _current(connection)
    if current == head():
        return False
    if current is not None and current not in _known():
        raise ConfigurationError(
            f"The database is at revision {current}, which this version of Sahut does not know: a newer one has migrated"
            " it. Install that version again, or restore a backup from before. Nothing was changed."
        )
    settings = config()
    settings.attributes["connection"] = connection
    command.upgrade(settings, "head")
    return True
