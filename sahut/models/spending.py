"""What the chat models took, by day and contact."""

from datetime import date

import sqlalchemy as sa
from sqlmodel import Field

from sahut.models.row import Row


class Spend(Row, table=True):
    """What one contact's questions took on one day (UTC's); the row with an empty `contact_id` is the whole day's."""

    __tablename__ = "spend"

    day: date = Field(sa_type=sa.Date, primary_key=True)
    contact_id: str = Field(default="", primary_key=True)
    calls: int = Field(default=0, sa_type=sa.BigInteger)
    tokens: int = Field(default=0, sa_type=sa.BigInteger)
    cost_usd: float = 0.0
