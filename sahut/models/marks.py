"""What operators marked as spam or as genuine, as the screen learns it."""

from datetime import datetime

from sqlmodel import Field

from sahut.models.columns import time_field
from sahut.models.row import Row


class ScreenMark(Row, table=True):
    """One conversation that an operator marked. A later mark takes the place of an earlier one.

    `vector` is the meaning of what the customer wrote, float16 bytes of unit length in the vector space `space`: no
    words are kept here.
    """

    __tablename__ = "screen_mark"

    conversation_id: str = Field(primary_key=True, foreign_key="conversation.id")
    is_spam: bool
    space: str
    vector: bytes
    marked_by: str
    marked_at: datetime = time_field(index=True)
