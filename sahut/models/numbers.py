"""Our own numbers: how fast they may send and whether at all, and what is set for each beyond the settings."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from sahut.models.columns import MaybeJson, json_field, maybe_text, maybe_time, text_field, time_field
from sahut.models.row import Row


class PhoneNumber(Row, table=True):
    """One of our numbers, by Meta's id for it.

    `free_at_us` is when its next message may leave, in microseconds since 1970 and shared by all workers. Until
    `bulk_after` what nobody waits for stays here. While `paused_at` is set nothing leaves: `paused_code` is Meta's
    error code (null where a person did it), `paused_why` says it in words, `paused_by` is who. What was posted before
    `resumed_at` and is refused later pauses it no more. From `removed_at` on it is none of ours; its row stays and is
    paused, so that what was queued at that very moment does not leave.
    """

    __tablename__ = "phone_number"

    number: str = Field(primary_key=True)
    free_at_us: int = Field(default=0, sa_type=sa.BigInteger)
    bulk_after: datetime | None = maybe_time()
    paused_at: datetime | None = maybe_time()
    paused_code: int | None = None
    paused_why: str = text_field()
    paused_by: str = ""
    resumed_at: datetime | None = maybe_time()
    removed_at: datetime | None = maybe_time()
    created_at: datetime = time_field()


class NumberSettings(Row, table=True):
    """What is set for one of our numbers; for what is absent the settings of the environment hold.

    Apart from `phone_number`, whose row is written with every message. The token and the app secrets are sealed
    (`sahut.sealing`); the one before the newest app secret is taken until `old_app_secret_until`. `edition` counts the
    changes of what shapes answers, `revision` all changes, so that whoever remembers a row notices.
    """

    __tablename__ = "number_settings"

    number: str = Field(primary_key=True)
    account: str = ""
    access_token: str | None = maybe_text()
    access_token_at: datetime | None = maybe_time()
    app_secret: str | None = maybe_text()
    app_secret_at: datetime | None = maybe_time()
    old_app_secret: str | None = maybe_text()
    old_app_secret_until: datetime | None = maybe_time()
    organisation: str | None = maybe_text()
    persona: str | None = maybe_text()
    collections: list[str] | None = Field(default=None, sa_type=MaybeJson)
    business_hours: str | None = maybe_text()
    timezone: str | None = None
    team: str = Field(default="", index=True)
    edition: int = 0
    revision: int = 1
    created_at: datetime = time_field()
    updated_at: datetime = time_field()


class NumberEdition(Row, table=True):
    """What shaped a number's answers from one change to the next; receipts name it. `changed` names what is new."""

    __tablename__ = "number_edition"

    number: str = Field(primary_key=True)
    edition: int = Field(primary_key=True)
    guidance: dict[str, Any] = json_field(dict)
    changed: list[str] = json_field(list)
    changed_by: str = Field(default="", sa_type=sa.Text)
    created_at: datetime = time_field()
