"""The tables, one file per group of nouns.

A table class holds rows and validates nothing: outside data is parsed first.
"""

from sahut.models.desk import Note, Operator, OperatorSession, Reading, Role, SignInAttempts
from sahut.models.library import Chunk, Document, DocumentVersion, KnowledgeState
from sahut.models.messages import UNSETTLED, UNSETTLED_SQL, Author, Message, Purpose, RawEvent, State, StrayDelivery
from sahut.models.people import Contact, ContactIdentity, Conversation, Holder, IdentityKind, Status
from sahut.models.work import (
    OPEN_HANDOFF,
    ApiKey,
    AuditEntry,
    CitationRow,
    ConfirmationRow,
    ConfirmationState,
    Handoff,
    HandoffState,
    Receipt,
    Ticket,
    ToolCallRow,
    TurnRecord,
)

__all__ = [
    "OPEN_HANDOFF",
    "UNSETTLED",
    "UNSETTLED_SQL",
    "ApiKey",
    "AuditEntry",
    "Author",
    "Chunk",
    "CitationRow",
    "ConfirmationRow",
    "ConfirmationState",
    "Contact",
    "ContactIdentity",
    "Conversation",
    "Document",
    "DocumentVersion",
    "Handoff",
    "HandoffState",
    "Holder",
    "IdentityKind",
    "KnowledgeState",
    "Message",
    "Note",
    "Operator",
    "OperatorSession",
    "Purpose",
    "RawEvent",
    "Reading",
    "Receipt",
    "Role",
    "SignInAttempts",
    "State",
    "Status",
    "StrayDelivery",
    "Ticket",
    "ToolCallRow",
    "TurnRecord",
]
