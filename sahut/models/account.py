"""What Meta says of our account: our numbers and templates with their age, and what it reported."""

from datetime import datetime
from typing import Any

from sqlmodel import Field, UniqueConstraint

from sahut.ids import new_id
from sahut.models.columns import json_field, maybe_time, text_field, time_field
from sahut.models.row import Row


class NumberRecord(Row, table=True):
    """Meta's record of one of our phone numbers, as it was at `fetched_at`."""

    __tablename__ = "number_record"

    number: str = Field(primary_key=True)
    facts: dict[str, Any] = json_field(dict)
    fetched_at: datetime = time_field()


class Template(Row, table=True):
    """A message template as Meta has it. `components` are Meta's own, `removed_at` is set once it is gone there."""

    __table_args__ = (UniqueConstraint("account", "name", "language"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    account: str
    meta_id: str = Field(default="", index=True)
    name: str = text_field()
    language: str
    status: str
    category: str = ""
    quality: str = ""
    parameter_format: str = "POSITIONAL"
    components: list[dict[str, Any]] = json_field(list)
    reason: str = text_field()
    updated_at: datetime = time_field()
    removed_at: datetime | None = maybe_time()


class AccountNews(Row, table=True):
    """Something that Meta reported about the account, once. `digest` names it, since Meta gives no id."""

    __tablename__ = "account_news"

    id: str = Field(default_factory=new_id, primary_key=True)
    digest: str = Field(unique=True)
    account: str
    field: str
    event: str = text_field()
    words: str = text_field()
    body: dict[str, Any] = json_field(dict)
    at: datetime = time_field(index=True)
    created_at: datetime = time_field()
