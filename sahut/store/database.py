"""Opening the database and the transaction that every query runs in. Knows no noun.

SQLite: WAL, `synchronous=FULL`, foreign keys, `BEGIN IMMEDIATE` for writers, one writer at a time in this process.
PostgreSQL: the same code over a pool.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Set
from contextlib import asynccontextmanager, nullcontext
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import Session
from sqlmodel import SQLModel

from sahut.errors import StoreUnavailable
from sahut.store import near

Tx = AsyncSession
Connect = Callable[..., Awaitable[Any]]
Announce = Callable[[Set[str]], None]
BUSY_TIMEOUT_S = 5.0
# A database host that vanishes without a word is noticed within half a minute.
POSTGRES_PATIENCE: dict[str, Any] = {
    "connect_timeout": 10,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


class Store:
    """The database behind one URL. Use `transaction()` to write and `reading()` to look."""

    def __init__(self, url: str, *, pool_size: int = 8, connect: Connect | None = None) -> None:
        """`pool_size` is for PostgreSQL; `connect` makes SQLite's connections in another way, in tests."""
        self.url = sa.make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _sqlite_engine(self.url, connect) if self.is_sqlite else _postgres_engine(self.url, pool_size)
        self._one_writer = asyncio.Lock() if self.is_sqlite else nullcontext()
        self._writing = self.engine.execution_options(sahut_writes=True)
        # On PostgreSQL each statement of a look sees the last commit, in a transaction or not: two trips less without.
        looks: dict[str, Any] = {} if self.is_sqlite else {"isolation_level": "AUTOCOMMIT"}
        self.looking = self.engine.execution_options(**looks)
        # Hears of the conversations that a transaction changed, after its commit. Must be quick and never raise.
        self.announce: Announce = _to_nobody

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        """A write transaction: committed at the end of the block, rolled back on any exception.

        Raises `StoreUnavailable` where the database is locked, full or gone.
        """
        async with self._one_writer, self._session(self._writing) as tx:
            yield tx
        if changes := tx.info.get(_CHANGED):
            self.announce(changes)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Tx]:
        """A look that never waits for a writer; on SQLite all of it sees one state."""
        async with self._session(self.looking) as tx:
            yield tx

    @asynccontextmanager
    async def _session(self, bind: AsyncEngine) -> AsyncIterator[Tx]:
        try:
            options: dict[str, Any] = {"expire_on_commit": False, "autoflush": False, "sync_session_class": _Session}
            async with AsyncSession(bind, **options) as session, session.begin():
                yield session
        except (OperationalError, PoolTimeout) as error:
            raise StoreUnavailable(f"The database cannot be used: {_first_line(error)}") from error
        except DBAPIError as error:
            if error.connection_invalidated:
                raise StoreUnavailable(f"The database went away: {_first_line(error)}") from error
            raise

    async def close(self) -> None:
        """Give every connection back."""
        await self.engine.dispose()

    async def ping(self) -> None:
        """Raises `StoreUnavailable` unless the database answers."""
        async with self.reading() as tx:
            await tx.execute(sa.text("SELECT 1"))


_CHANGED = "sahut_changed"


def changed(tx: Tx, conversation_id: str) -> None:
    """Note that a conversation changes in this transaction; it is announced after the commit, once.

    What is inserted or flushed with a `conversation_id` notes it by itself, and so do `rows.update_conversation` and
    `rows.update_message`: this is for other statements that change what operators see.
    """
    tx.info.setdefault(_CHANGED, set()).add(conversation_id)


async def insert_once(tx: Tx, row: SQLModel) -> bool:
    """Insert a row unless a unique key already holds one; whether it was inserted."""
    statement = _insert_unless_there(type(row), tx.get_bind().dialect.name)
    inserted = (await tx.execute(statement, _values(row))).first() is not None
    if inserted:
        _note_changes(tx.info, (row,))
    return inserted


async def insert(tx: Tx, *rows: SQLModel) -> None:
    """Insert rows of one table now; cheaper than the session's own bookkeeping, which never hears of them."""
    if rows:
        await tx.execute(_insert(type(rows[0])), [_values(row) for row in rows])
        _note_changes(tx.info, rows)


def upserting(tx: Tx, model: type[SQLModel]) -> Any:
    """An insert that may say `on_conflict_do_update`, in the dialect of the transaction's database."""
    make: Any = sqlite.insert if tx.get_bind().dialect.name == "sqlite" else postgresql.insert
    return make(table_of(model))


def table_of(model: type[SQLModel]) -> sa.Table:
    """The table behind a model, for statements that need no row as an object."""
    return SQLModel.metadata.tables[str(model.__tablename__)]


class _Session(Session):
    """A session that notes which conversations its rows belong to."""


@sa.event.listens_for(_Session, "after_flush")
def _flushed(session: Session, _context: Any) -> None:
    _note_changes(session.info, (*session.new, *session.dirty))


def _note_changes(info: dict[Any, Any], rows: Iterable[object]) -> None:
    for row in rows:
        conversation_id = getattr(row, "conversation_id", None)
        if conversation_id is not None:
            info.setdefault(_CHANGED, set()).add(conversation_id)


def _to_nobody(_changes: Set[str]) -> None:
    """Nobody listens."""


# Statements are built once: building one costs about as much as running it.
@cache
def _insert(model: type[SQLModel]) -> sa.Insert:
    return sa.insert(table_of(model))


@cache
def _insert_unless_there(model: type[SQLModel], dialect: str) -> Any:
    make: Any = sqlite.insert if dialect == "sqlite" else postgresql.insert
    table = table_of(model)
    key = next(iter(table.primary_key.columns))
    # Not every driver counts the rows of such an insert, but each returns the key of the one it made.
    return make(table).on_conflict_do_nothing().returning(key)


def _values(row: SQLModel) -> dict[str, Any]:
    return {column.key: getattr(row, column.key) for column in table_of(type(row)).columns}


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]


def _postgres_engine(url: sa.URL, pool_size: int) -> AsyncEngine:
    # Parameters are hidden in errors, here and below: they are what customers wrote, and errors go to the log.
    return create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=10,
        hide_parameters=True,
        connect_args=POSTGRES_PATIENCE,
    )


def _of(connection: sa.Connection) -> Any:
    """The SQLite connection behind one of SQLAlchemy's."""
    return connection.connection.driver_connection


def _sqlite_engine(url: sa.URL, connect: Connect | None) -> AsyncEngine:
    options: dict[str, Any] = {"timeout": BUSY_TIMEOUT_S, "isolation_level": None}
    options["async_creator_fn"] = connect or near.connect
    engine = create_async_engine(url.set(drivername="sqlite+aiosqlite"), connect_args=options, hide_parameters=True)

    @sa.event.listens_for(engine.sync_engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @sa.event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("sahut_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
        _of(connection).at_once = writes

    @sa.event.listens_for(engine.sync_engine, "commit")
    @sa.event.listens_for(engine.sync_engine, "rollback")
    def _end(connection: sa.Connection) -> None:
        # A cancellation in the middle of a statement has closed the connection; asking for it would hide that.
        if not connection.invalidated:
            _of(connection).at_once = False

    return engine
