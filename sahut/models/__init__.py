"""The tables, one file per group of nouns.

A table class holds rows and validates nothing: outside data is parsed first.
"""

from sahut.models.account import AccountNews, NumberRecord, Template
from sahut.models.desk import Note, Operator, OperatorSession, Reading, Role, SignInAttempts
from sahut.models.forms import FillingRow, FillingState, FormEdition, FormRow, Submission
from sahut.models.hooks import DeliveryState, HookDelivery, HookEndpoint, HookEvent
from sahut.models.library import Attachment, Chunk, Document, DocumentVersion, KnowledgeState
from sahut.models.marks import ScreenMark
from sahut.models.media import KEPT_SQL, InboundFile, MediaState
from sahut.models.memory import ContactFact, ConversationSummary
from sahut.models.messages import (
    BULK,
    FAILED_SQL,
    UNSETTLED,
    UNSETTLED_SQL,
    Author,
    MediaUpload,
    Message,
    Purpose,
    RawEvent,
    State,
    StrayDelivery,
)
from sahut.models.numbers import NumberEdition, NumberSettings, PhoneNumber
from sahut.models.people import (
    WITH_HUMANS_SQL,
    Contact,
    ContactIdentity,
    Conversation,
    FormerIdentity,
    Holder,
    IdentityKind,
    IdentityProof,
    Status,
)
from sahut.models.promises import Promise, PromiseState
from sahut.models.review import Gap, GapQuestion, GapState, Recall, RecallState, Site
from sahut.models.spending import Spend
from sahut.models.tickets import Ticket, TicketKind, TicketStatus, TicketUpdate
from sahut.models.uploads import FileState, Upload, UploadFile, UploadState
from sahut.models.work import (
    OPEN_HANDOFF,
    ApiKey,
    AuditEntry,
    CitationRow,
    Closing,
    ConfirmationRow,
    ConfirmationState,
    Handoff,
    HandoffState,
    Receipt,
    ToolCallRow,
    TurnRecord,
)

__all__ = [
    "BULK",
    "FAILED_SQL",
    "KEPT_SQL",
    "OPEN_HANDOFF",
    "UNSETTLED",
    "UNSETTLED_SQL",
    "WITH_HUMANS_SQL",
    "AccountNews",
    "ApiKey",
    "Attachment",
    "AuditEntry",
    "Author",
    "Chunk",
    "CitationRow",
    "Closing",
    "ConfirmationRow",
    "ConfirmationState",
    "Contact",
    "ContactFact",
    "ContactIdentity",
    "Conversation",
    "ConversationSummary",
    "DeliveryState",
    "Document",
    "DocumentVersion",
    "FileState",
    "FillingRow",
    "FillingState",
    "FormEdition",
    "FormRow",
    "FormerIdentity",
    "Gap",
    "GapQuestion",
    "GapState",
    "Handoff",
    "HandoffState",
    "Holder",
    "HookDelivery",
    "HookEndpoint",
    "HookEvent",
    "IdentityKind",
    "IdentityProof",
    "InboundFile",
    "KnowledgeState",
    "MediaState",
    "MediaUpload",
    "Message",
    "Note",
    "NumberEdition",
    "NumberRecord",
    "NumberSettings",
    "Operator",
    "OperatorSession",
    "PhoneNumber",
    "Promise",
    "PromiseState",
    "Purpose",
    "RawEvent",
    "Reading",
    "Recall",
    "RecallState",
    "Receipt",
    "Role",
    "ScreenMark",
    "SignInAttempts",
    "Site",
    "Spend",
    "State",
    "Status",
    "StrayDelivery",
    "Submission",
    "Template",
    "Ticket",
    "TicketKind",
    "TicketStatus",
    "TicketUpdate",
    "ToolCallRow",
    "TurnRecord",
    "Upload",
    "UploadFile",
    "UploadState",
]
