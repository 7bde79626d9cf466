"""What is remembered of a customer beside the messages: what they said of themselves, and older turns summed up."""

from datetime import datetime

from sqlmodel import Field, UniqueConstraint

from sahut.ids import new_id
from sahut.models.columns import text_field, time_field
from sahut.models.row import Row


class ContactFact(Row, table=True):
    """Something that a customer said of themselves (`kind`: name, plate, order, email), and the message that says it.

    It is their word for it: no proof of who they are, and never an instruction.
    """

    __tablename__ = "contact_fact"
    __table_args__ = (UniqueConstraint("contact_id", "kind", "value"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    contact_id: str = Field(foreign_key="contact.id")
    conversation_id: str = Field(foreign_key="conversation.id", index=True)
    message_id: str = Field(foreign_key="message.id", index=True)
    kind: str
    value: str = text_field()
    created_at: datetime = time_field()


class ConversationSummary(Row, table=True):
    """The turns of a conversation that its history no longer holds, summed up to the message `until_id`.

    `made_by` is the chat model, or `extractive`. It has no more authority than what it was made of.
    """

    __tablename__ = "conversation_summary"

    conversation_id: str = Field(primary_key=True, foreign_key="conversation.id")
    text: str = text_field()
    until_id: str
    made_by: str
    updated_at: datetime = time_field()
