"""Identifiers: one `NewType` per noun, all of them time-ordered UUIDs made before the row is written.

UUID version 7 sorts by creation time and grows strictly within a process, so `ORDER BY id` is the order of
writing.
"""

from typing import NewType

from uuid_utils import uuid7

ContactId = NewType("ContactId", str)
ConversationId = NewType("ConversationId", str)
MessageId = NewType("MessageId", str)
TurnId = NewType("TurnId", str)
HandoffId = NewType("HandoffId", str)


def new_id() -> str:
    """A fresh time-ordered identifier, 36 characters."""
    return str(uuid7())
