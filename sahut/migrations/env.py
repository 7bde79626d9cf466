"""Alembic's entry: runs the revisions on the connection that `migrate` (or a developer's `revision`) hands over."""

import sqlalchemy as sa
from alembic import context
from sqlmodel import SQLModel

import sahut.models  # noqa: F401  # fills the metadata


def run() -> None:
    connection = context.config.attributes.get("connection")
    if connection is None:
        engine = sa.create_engine(context.config.get_main_option("sqlalchemy.url") or "sqlite://")
        connection = engine.connect()
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        transactional_ddl=False,
    )
    context.run_migrations()


run()
