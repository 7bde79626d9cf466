"""The public page of one ticket behind its unguessable link. It shows what the customer needs and nothing of theirs.

No script, no cookie, no referrer, no store, no index. A link that is unknown and one that is no link at all are
answered alike. It must not know operators' names or customers' words.
"""

import base64
import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader

from api.house import House, house_of
from sahut.models import Author, Ticket, TicketUpdate
from sahut.ports import Clock
from sahut.store import tickets
from tools.wording import FALLBACK, moment, say, speaks, status

router = APIRouter(include_in_schema=False)

MOST_SHOWN = 50
# Wrong links from one address within a minute, before it has to wait; guessing 192 bits is hopeless anyhow.
MOST_MISSES = 30
_MISSES_EVERY_S = 60
_MOST_ADDRESSES = 10_000

_FOLDER = Path(__file__).parent
_CSS = (_FOLDER / "page.css").read_text(encoding="utf-8")
_PAGES = Environment(loader=FileSystemLoader(_FOLDER), autoescape=True, trim_blocks=True, lstrip_blocks=True)
_CSS_HASH = base64.b64encode(hashlib.sha256(_CSS.encode()).digest()).decode()
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_CSS_HASH}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
}


class Misses:
    """Counts wrong links by the address they come from, in this process, minute by minute."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._minute = 0
        self._counts: Counter[str] = Counter()

    def too_many(self, address: str) -> bool:
        """Whether this address has to wait for the next minute."""
        self._turn_over()
        return self._counts[address] >= MOST_MISSES

    def count(self, address: str) -> None:
        """One more wrong link."""
        self._turn_over()
        if len(self._counts) >= _MOST_ADDRESSES:
            self._counts.clear()
        self._counts[address] += 1

    def _turn_over(self) -> None:
        minute = int(self._clock.now().timestamp()) // _MISSES_EVERY_S
        if minute != self._minute:
            self._minute, self._counts = minute, Counter()


@router.get("/t/{token:path}")
async def show(request: Request, token: str) -> HTMLResponse:
    """The page of the ticket that the token opens."""
    house = await house_of(request)
    misses: Misses = request.app.state.misses
    address = request.client.host if request.client else ""
    if misses.too_many(address):
        return _message(house, "page.too_many", 429)
    async with house.store.reading() as tx:
        ticket = await tickets.by_token(tx, token)
        updates = await tickets.public_updates(tx, ticket.id, limit=MOST_SHOWN + 1) if ticket else ()
    if ticket is None:
        misses.count(address)
        return _message(house, "page.not_found", 404)
    return _html("ticket.html", 200, **_shown(house, ticket, list(updates)))


def _shown(house: House, ticket: Ticket, updates: list[TicketUpdate]) -> dict[str, Any]:
    language, zone = _spoken(ticket.language), house.settings.timezone
    entries = [_entry(update, language, zone) for update in updates[:MOST_SHOWN]]
    opened = {"who": say("page.opened", language), "at": ticket.created_at, "text": "", "status": ""}
    complete = len(updates) <= MOST_SHOWN
    if complete:
        entries.append({**opened, "when": moment(ticket.created_at, language, zone)})
    return {
        "language": language,
        "organisation": house.settings.organisation,
        "reference": ticket.reference,
        "topic": ticket.topic,
        "status": status(ticket.status, language),
        "state": ticket.status,
        "entries": entries,
        "labels": {key: say(f"page.{key}", language) for key in ("ticket", "status", "history", "private", "earlier")},
        "complete": complete,
    }


def _entry(update: TicketUpdate, language: str, zone: str) -> dict[str, Any]:
    """One line of the history. A customer's words stay in the chat: who else sees the page need not read them."""
    by_customer = update.author == Author.CONTACT
    return {
        "who": say("page.by_customer" if by_customer else "page.by_team", language),
        "at": update.created_at,
        "when": moment(update.created_at, language, zone),
        "text": "" if by_customer else update.text,
        "status": status(update.status, language) if update.status else "",
    }


def _message(house: House, key: str, code: int) -> HTMLResponse:
    language = _spoken(house.settings.language_codes[0])
    return _html("message.html", code, language=language, text=say(key, language))


def _html(page: str, code: int, **values: Any) -> HTMLResponse:
    return HTMLResponse(_PAGES.get_template(page).render(css=_CSS, **values), status_code=code, headers=_HEADERS)


def _spoken(language: str) -> str:
    """The language that the page is written in, for its `lang`."""
    return language if speaks(language) else FALLBACK
