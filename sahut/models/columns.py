"""Column types and small factories shared by all tables; knows no table."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlmodel import Field


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An aware UTC datetime on both databases. A naive one is refused, since nobody knows what it means."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r}: times must be aware")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Json = sa.JSON().with_variant(JSONB(), "postgresql")
# The same for a column that may hold nothing, as SQL means it.
MaybeJson = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def time_field(*, index: bool = False, **options: Any) -> Any:
    """A required time."""
    return Field(sa_type=UtcDateTime, index=index, **options)


def maybe_time(*, index: bool = False) -> Any:
    """A time that may be absent."""
    return Field(default=None, sa_type=UtcDateTime, index=index, nullable=True)


def json_field(default: Any) -> Any:
    """A JSON document; `default` is a factory."""
    return Field(default_factory=default, sa_type=Json)


def text_field(default: str = "") -> Any:
    """Text of any length."""
    return Field(default=default, sa_type=sa.Text)


def maybe_text() -> Any:
    """Text that may be absent, which is not the same as empty."""
    return Field(default=None, sa_type=sa.Text, nullable=True)
