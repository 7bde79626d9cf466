"""What the components draw, as plain JSON-able values out of the store's. Pure: no database, no page.

Times go out as milliseconds since 1970; the browser tells them in its own zone. Nothing here is markup.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sahut import rules
from sahut.models import (
    AuditEntry,
    ConfirmationRow,
    ConfirmationState,
    Conversation,
    Handoff,
    HandoffState,
    Holder,
    Operator,
    Promise,
    Status,
)
from sahut.rules import Actor
from sahut.store import desk

Json = dict[str, Any]
BASE = "/console"
# What a list shows of a name; the whole of it stands in the conversation's details.
NAME = 120
KINDS = {
    "image": "Photo",
    "video": "Video",
    "audio": "Audio",
    "voice": "Voice message",
    "document": "Document",
    "sticker": "Sticker",
    "location": "Location",
    "contacts": "Contact card",
    "reaction": "Reaction",
    "order": "Order",
    "template": "Template",
    "call": "Call",
    "revoke": "Deleted message",
    "edit": "Edited message",
}
_WHO = {"assistant": "Assistant", "operator": "Operator", "system": "System"}
_DONE = {
    "take_over": "took over",
    "return": "returned it to the assistant",
    "resolve": "resolved it",
    "spam": "marked it as spam",
    "not_spam": "took the spam mark back",
    "assign": "assigned it",
    "note": "left a note",
    "verified": "made sure who the customer is",
    "grant": "agreed to what a tool wants to do",
    "refuse": "refused what a tool wants to do",
    "act_done": "had a tool act",
    "act_failed": "had a tool act, which failed",
    "act_refused": "had a tool act, which a rule refused",
    "window_ending": "warned that the window ends soon",
    "fact_forgotten": "had a fact forgotten",
    "promise_kept": "said that a promise is kept",
    "promise_broken": "said that a promise is broken",
    "promise_dismissed": "said that something is no promise",
}
_KNOWN = {"name": "Name", "plate": "Plate", "order": "Order", "email": "E-mail"}
REASONS = {
    "asked_for_human": "the customer asked for a person",
    "no_answer": "no answer was found",
    "low_confidence": "the assistant was not sure enough",
    "spam": "taken for spam",
    "sensitive": "a sensitive matter",
    "tool_failed": "a tool failed",
    "model_failed": "the model failed",
    "media": "the customer sent media",
    "rule": "a rule asks for a person",
}


def ms(moment: datetime | None) -> int | None:
    """Milliseconds since 1970."""
    return None if moment is None else int(moment.timestamp() * 1000)


def name_of(person: desk.Person) -> str:
    """How a list calls somebody: their name, else their number."""
    return person.name.strip()[:NAME] or (f"+{person.phone}" if person.phone else "") or person.user_id or "Unknown"


def waiting_row(item: desk.Waiting, unread: int, me: str) -> Json:
    """A row of the lanes `support` and `spam`."""
    holder = ("You" if item.held_by == me else item.claimed_by) if item.state == HandoffState.CLAIMED else ""
    row = _row(item, unread)
    if item.state == HandoffState.QUEUED and item.summary and row["by"]:
        # What is wanted says more than the assistant's word that somebody will come.
        row |= {"snippet": item.summary, "by": ""}
    return {
        **row,
        "language": item.language,
        "reason": item.reason,
        "due": ms(item.due_at) if item.state == HandoffState.QUEUED else None,
        "holder": holder,
        "waits": item.state == HandoffState.QUEUED,
    }


def is_to_be_read(item: desk.Row) -> bool:
    """Whether new messages in it are an operator's to read; what the assistant answers is nobody's."""
    return item.status == Status.WAITING or item.holder == Holder.OPERATOR


def inbox_row(item: desk.Row, unread: int, me: str) -> Json:
    """A row of the lanes `mine` and `all`."""
    held = item.holder == Holder.OPERATOR
    return {
        **_row(item, unread),
        "language": item.language or "",
        "reason": "spam" if item.status == Status.SPAM else "",
        "due": None,
        "holder": ("You" if item.held_by == me else item.held_by_name or "Operator") if held else "",
        "waits": held and item.held_by == me,
    }


def _row(item: desk.Waiting | desk.Row, unread: int) -> Json:
    last = item.last
    kind = "" if last is None or last.kind == "text" else KINDS.get(last.kind, last.kind)
    snippet = "" if last is None else last.text or kind
    return {
        "id": item.conversation_id,
        "href": f"{BASE}/c/{item.conversation_id}",
        "name": name_of(item.contact),
        "snippet": snippet,
        "by": _WHO.get(last.author, "") if last else "",
        "at": ms(last.at) if last else None,
        "window": ms(item.window.closes_at),
        "ending": item.is_warned,
        "unread": unread,
    }


def lanes(counts: desk.Counts, mine: int) -> list[Json]:
    """The tabs over the queue; `null` where a count would cost more than it tells."""
    return [
        {"key": "support", "label": "Support", "count": counts.support},
        {"key": "spam", "label": "Spam", "count": counts.spam},
        {"key": "mine", "label": "Mine", "count": mine},
        {"key": "all", "label": "All", "count": None},
    ]


def head(thread: desk.Thread, actor: Actor, margin_s: float) -> Json:
    """All of a conversation but its lines: who, where it stands, what this operator may do. `margin_s`: see rules."""
    row, handoff = thread.conversation, thread.handoff
    closes = ms(thread.window.closes_at)
    return {
        "name": name_of(thread.contact),
        "status": "claimed" if row.status == Status.WAITING and row.holder == Holder.OPERATOR else row.status,
        "holder": _holder(thread, actor),
        "window": None if closes is None else closes - int(margin_s * 1000),
        "handoff": None if handoff is None else _open_handoff(handoff),
        "can": acts(thread, actor),
        "shut": shut(thread, actor),
        "warning": _warning(thread),
    }


def grant(row: ConfirmationRow, conversation: Conversation) -> Json:
    """What a tool wants to do and an operator must agree to, as a yes will be bound to it."""
    return {
        "id": row.id,
        "tool": row.tool,
        "arguments": [{"name": name, "value": _readable(value)} for name, value in sorted(row.arguments.items())],
        "bound": f"{row.digest}:{conversation.inbox_version}",
        "waits": row.state == ConfirmationState.WAITING,
    }


def _readable(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _warning(thread: desk.Thread) -> str:
    """What an operator must know before they write; empty: nothing."""
    told = [thread.review] if thread.review else []
    if thread.is_unsure:
        told.append("Their number or user id changed. Make sure that it is them before you show private data.")
    if thread.opted_out:
        told.append("They want to hear only what answers them (STOP).")
    if is_standby(thread.conversation):
        told.append("Another owner has this thread: writing takes it over.")
    return " ".join(told)


def is_standby(row: Conversation) -> bool:
    """Whether another owner has the thread."""
    return rules.is_standby(owned_at=row.owned_at, standby_at=row.standby_at)


def _holder(thread: desk.Thread, actor: Actor) -> str:
    row = thread.conversation
    if row.holder == Holder.OPERATOR:
        return "You answer" if row.held_by == actor.id else f"{row.held_by_name or 'An operator'} answers"
    if is_standby(row):
        return "Another owner answers"
    return "Nobody has claimed it" if row.status == Status.WAITING else "The assistant answers"


def _open_handoff(handoff: Handoff) -> Json:
    return {
        "id": handoff.id,
        "state": handoff.state,
        "summary": handoff.summary,
        "suggestion": handoff.suggestion,
        "due": ms(handoff.due_at),
    }


def acts(thread: desk.Thread, actor: Actor) -> dict[str, bool]:
    """Which buttons make sense. The rules decide again when one is pressed."""
    row, handoff = thread.conversation, thread.handoff
    may, held = rules.may_act(actor, held_by=row.held_by), row.holder == Holder.OPERATOR
    claim = handoff is not None and handoff.state == HandoffState.QUEUED and not held
    return {
        "claim": claim,
        "take_over": not claim and not (held and row.held_by == actor.id),
        "give_back": may and (held or row.status == Status.WAITING),
        "resolve": may and row.status != Status.RESOLVED,
        "mark_spam": may and row.status != Status.SPAM,
        "unmark_spam": row.status == Status.SPAM,
        "assign": may,
        "verified": may and (thread.is_unsure or thread.review != ""),
    }


def shut(thread: desk.Thread, actor: Actor) -> Json | None:
    """Why no reply is written here yet, with the act that opens the box; the window is the browser's to count."""
    row, handoff = thread.conversation, thread.handoff
    if row.holder == Holder.OPERATOR:
        if rules.may_act(actor, held_by=row.held_by):
            return None
        return _opened_by("take_over", f"{row.held_by_name or 'Another operator'} is answering here.", "Take over")
    if handoff is not None and handoff.state == HandoffState.QUEUED:
        return _opened_by("claim", "Nobody has claimed this yet. Claim it to reply.", "Claim")
    if row.status == Status.SPAM:
        return _opened_by("take_over", "This is marked as spam. Take it over to reply.", "Take over")
    return _opened_by("take_over", "The assistant is answering. Take over to reply.", "Take over")


def _opened_by(act: str, text: str, label: str) -> Json:
    return {"act": act, "text": text, "label": label}


def aside(
    thread: desk.Thread, handoffs: Sequence[Handoff], audit: Sequence[AuditEntry], *, merges: bool = False
) -> Json:
    """What stands beside a conversation; whether this operator `merges` contacts."""
    row, contact = thread.conversation, thread.contact
    return {
        "id": row.id,
        "name": contact.name,
        "phone": f"+{contact.phone}" if contact.phone else "",
        "userId": contact.user_id or "",
        "language": row.language or "",
        "since": ms(row.created_at),
        "merges": merges,
        "handoffs": [_past(item) for item in handoffs],
        "tickets": [
            {"id": t.id, "reference": t.reference, "topic": t.topic, "status": t.status, "description": t.description}
            for t in thread.tickets
        ],
        "facts": [
            {"id": fact.id, "kind": _KNOWN.get(fact.kind, fact.kind), "value": fact.value, "at": ms(fact.created_at)}
            for fact in thread.facts
        ],
        "summary": thread.summary.text if thread.summary else "",
        "promises": [_promise(item) for item in thread.promises],
        "history": [
            {"id": entry.id, "who": entry.actor, "what": _DONE.get(entry.action, entry.action), "at": ms(entry.at)}
            for entry in audit
        ],
    }


def _promise(item: Promise) -> Json:
    return {
        "id": item.id,
        "text": item.text,
        "owner": item.owner_name or "The team",
        "state": item.state,
        "due": ms(item.due_at),
        "at": ms(item.created_at),
        "settledBy": item.settled_by,
    }


def _past(item: Handoff) -> Json:
    return {
        "id": item.id,
        "state": item.state,
        "lane": item.lane,
        "reasonText": REASONS.get(item.reason, item.reason),
        "summary": item.summary,
        "due": ms(item.due_at),
        "at": ms(item.created_at),
        "claimedBy": item.claimed_by or "",
        "note": item.note,
    }


def people(rows: Sequence[desk.Row], *, besides: str) -> list[Json]:
    """The contacts of these conversations, each once and without one of them, as somebody tells them apart."""
    found = {row.contact.id: row.contact for row in rows if row.contact.id != besides}
    return [
        {"id": key, "name": name_of(one), "phone": f"+{one.phone}" if one.phone else one.user_id or ""}
        for key, one in found.items()
    ]


def passage(found: desk.Passage) -> Json:
    """A cited span in its document."""
    return {
        "title": found.title or found.document,
        "path": found.document,
        "note": "" if found.is_current else "the document has changed since",
        "before": ("… " if found.cut_before else "") + found.before,
        "quote": found.quote,
        "after": found.after + (" …" if found.cut_after else ""),
    }


def colleagues(people: Sequence[Operator], me: str) -> list[Json]:
    """To whom a conversation may be given."""
    return [
        {"id": person.id, "name": (person.name or person.email)[:NAME]}
        for person in people
        if person.disabled_at is None and person.id != me
    ]
