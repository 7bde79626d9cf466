"""Asking to be called: a ticket of its own kind, with a number and a time by which somebody should have called.

Knows no model and no channel, and calls nobody.
"""

import re
from datetime import datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from sahut.hours import parse_hours
from sahut.models import TicketKind
from sahut.store import tickets
from sahut.text import cut
from sahut.tool import Refusal, Told, ToolContext, tool
from sahut.toolcall import Promised
from tools.examples import CALL
from tools.tickets import open_once, with_link
from tools.wording import moment, say

# Of business time, where the customer named no hour.
CALLBACK_DUE = timedelta(hours=1)
FURTHEST_AHEAD = timedelta(days=60)
_NOT_LATER = timedelta(0)

# E.164: a country code and at most 15 digits in all.
_DIGITS = (7, 15)
_PHONE = re.compile(r"\+?[0-9][0-9 ().-]*", re.ASCII)
_HOUR = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d)", re.ASCII)
_LONGEST_TOPIC = 200

_QUESTIONS = {
    "id": "Saya bisa meminta rekan kami menelepon {phone}.\nWaktu: {when}\nTentang: {about}\n\nApakah sudah benar?",
    "en": "I can ask a colleague to call you on {phone}.\nWhen: {when}\nAbout: {about}\n\nIs that right?",
    "pt": "Posso pedir a um colega que lhe ligue para {phone}.\nQuando: {when}\nAssunto: {about}\n\nEstá correto?",
    "es": "Puedo pedir que le llamen al {phone}.\nCuándo: {when}\nMotivo: {about}\n\n¿Es correcto?",
    "is": "Ég get beðið samstarfsmann að hringja í þig í {phone}.\nHvenær: {when}\nErindi: {about}\n\nEr þetta rétt?",
}


def _read_phone(text: str) -> str:
    """Digits with a leading plus; a number without one is taken as its country writes it."""
    if not text.strip():
        return ""
    digits = re.sub(r"\D", "", text, flags=re.ASCII)
    if not _PHONE.fullmatch(text.strip()) or not _DIGITS[0] <= len(digits) <= _DIGITS[1]:
        raise ValueError("give a phone number of 7 to 15 digits with its country code, for example +62 812 3456 7890")
    return f"+{digits}" if text.strip().startswith("+") else digits


Phone = Annotated[str, Field(max_length=40), AfterValidator(_read_phone)]
About = Annotated[str, Field(min_length=1, max_length=2000)]
When = Annotated[str, Field(max_length=200)]


async def _complete(context: ToolContext, about: str, phone: str = "", when: str = "") -> dict[str, Any] | Refusal:
    """The customer's own number where they gave none, and a moment that lies in the future and in office hours."""
    if not phone:
        async with context.store.reading() as tx:
            own = await tickets.phone_of(tx, context.contact_id)
        if own is None:
            return Refusal(say("no_number", context.language))
        phone = f"+{own}"
    wanted = _named_hour(when, context)
    if wanted is not None:
        when = f"{_fitting(wanted, context).astimezone(_zone(context)):%Y-%m-%d %H:%M}"
    return {"about": about, "phone": phone, "when": when.strip() or say("soon", context.language)}


@tool(
    effect="write",
    identity="number",
    confirms="customer",
    per_day=3,
    examples=CALL,
    questions=_QUESTIONS,
    prepare=_complete,
)
async def request_callback(context: ToolContext, about: About, phone: Phone = "", when: When = "") -> str | Told:
    """Asks the office's team to call the customer by telephone.

    Use it when the customer asks to be called. `about` is what the call is about, in their own words. Leave `phone`
    empty for the number they write from. `when`: "YYYY-MM-DD HH:MM" if they named a day and an hour, else their own
    words, else empty.
    """
    wanted = _named_hour(when, context)
    hours = parse_hours(context.guidance.business_hours, context.guidance.timezone)
    due_at = _fitting(wanted, context) if wanted else hours.after(context.now, CALLBACK_DUE)
    async with context.store.transaction() as tx:
        own = await tickets.phone_of(tx, context.contact_id)
        if not phone and own is None:
            return say("no_number", context.language)
        number = phone or f"+{own}"
        asked = when.strip() or say("soon", context.language)
        opened = await open_once(
            tx,
            context,
            kind=TicketKind.CALLBACK,
            topic=cut(" ".join(about.split()), _LONGEST_TOPIC),
            description=f"{about}\n\n{number} · {asked}",
            phone=number,
            due_at=due_at,
        )
    shown = moment(due_at, context.language, context.guidance.timezone) if wanted else asked
    told = say("callback_noted", context.language, reference=opened.reference, phone=number, when=shown)
    promise = Promised(kind="call", what=f"{opened.topic} · {number}", due_at=due_at)
    return Told(with_link(told, opened, context), promise=promise)


def _named_hour(when: str, context: ToolContext) -> datetime | None:
    """The moment that was named, on the organisation's clock; `None` for words, and for what no calendar has."""
    found = _HOUR.fullmatch(when.strip())
    if found is None:
        return None
    try:
        wanted = datetime.fromisoformat(f"{found[1]} {found[2]}").replace(tzinfo=_zone(context))
    except ValueError:
        return None
    return wanted if wanted <= context.now + FURTHEST_AHEAD else None


def _fitting(wanted: datetime, context: ToolContext) -> datetime:
    """The moment itself, or the next at which the team is there; one that has passed means now."""
    hours = parse_hours(context.guidance.business_hours, context.guidance.timezone)
    return hours.after(max(wanted.astimezone(context.now.tzinfo), context.now), _NOT_LATER)


def _zone(context: ToolContext) -> ZoneInfo:
    return ZoneInfo(context.guidance.timezone)
