"""Signing operators in and out: passwords, lockout, sessions. Knows no page; the pages set the cookie.

Every attempt is counted before the password is checked, so that a hundred guesses at once are a hundred failures, and
an unknown account is treated as a known one: the same steps, the same answer.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import structlog

from api.house import House
from sahut import rules
from sahut.errors import ConfigurationError
from sahut.models import Operator
from sahut.store import Tx, operators

log = structlog.get_logger(__name__)

COOKIE = "sahut_session"
# A shift with its breaks; whoever works on is signed in anew after a week all the same.
IDLE = timedelta(hours=12)
LONGEST = timedelta(days=7)
# A session is written to at most this often, so that looking costs no write.
_SEEN_EVERY = timedelta(minutes=5)
# Many operators may share an address, behind a proxy all of them do.
_FREE_FAILURES_OF_ADDRESS = 50


def cookie_options(*, https: bool) -> dict[str, Any]:
    """The attributes of the session's cookie, as Starlette's `set_cookie` takes them; `max_age` in seconds."""
    return {
        "httponly": True,
        "samesite": "lax",
        "secure": https,
        "path": "/",
        "max_age": int(LONGEST.total_seconds()),
    }


@dataclass(frozen=True)
class SignInRefused:
    """Not signed in. `wrong`: address or password; `locked`: too many failures, until then."""

    reason: Literal["wrong", "locked"]
    until: datetime | None = None


async def sign_in(house: House, email: str, password: str, *, address: str = "") -> str | SignInRefused:
    """The token of a new session, or why not. `address` is the browser's, for the limit against spraying."""
    try:
        email = operators.normal_email(email)
    except ConfigurationError:
        email = ""
    now = house.clock.now()
    account, place = _subject(house, "account", email), _subject(house, "address", address)
    async with house.store.transaction() as tx:
        until = await _count(tx, account, place, now)
        operator = await operators.find(tx, email)
    if until is not None:
        return SignInRefused("locked", until)
    may = operator is not None and operator.disabled_at is None
    right = await house.passwords.check(operator.password_hash if operator and may else None, password)
    if operator is None or not right:
        log.info("sign-in refused")
        return SignInRefused("wrong")
    return await _begin(house, operator, password, account=account, place=place)


async def operator_of(house: House, token: str) -> Operator | None:
    """The operator behind a token, while the session lasts; being seen makes it last longer."""
    digest, now = _digest(house, token), house.clock.now()
    async with house.store.reading() as tx:
        found = await operators.session(tx, digest, now=now)
    if found is None:
        return None
    session, operator = found
    if now - session.last_seen_at >= _SEEN_EVERY:
        expires_at = min(now + IDLE, session.created_at + LONGEST)
        async with house.store.transaction() as tx:
            await operators.extend_session(tx, digest, now=now, expires_at=expires_at)
    return operator


async def sign_out(house: House, token: str) -> None:
    """End the session behind a token, if there is one."""
    async with house.store.transaction() as tx:
        await operators.end_session(tx, _digest(house, token))


async def _count(tx: Tx, account: str, place: str, now: datetime) -> datetime | None:
    """Count an attempt as a failure until it proves right; until when sign-in rests, then nothing is counted."""
    counted = [
        (await operators.attempts(tx, account, now=now), rules.FREE_FAILURES),
        (await operators.attempts(tx, place, now=now), _FREE_FAILURES_OF_ADDRESS),
    ]
    locks = [row.locked_until for row, _ in counted if row.locked_until is not None and row.locked_until > now]
    if locks:
        return max(locks)
    for row, free in counted:
        row.failures, row.last_at = row.failures + 1, now
        lock = rules.lock_after(row.failures, free=free)
        row.locked_until = None if lock is None else now + lock
    await tx.flush()
    return None


async def _begin(house: House, operator: Operator, password: str, *, account: str, place: str) -> str | SignInRefused:
    """Open a session: the failures of the account are forgotten, this attempt was none of the address."""
    token, now = secrets.token_urlsafe(32), house.clock.now()
    outdated = house.passwords.is_outdated(operator.password_hash)
    fresh = await house.passwords.hash(password) if outdated else None
    async with house.store.transaction() as tx:
        for subject, kept in ((account, 0), (place, -1)):
            row = await operators.attempts(tx, subject, now=now)
            row.failures, row.locked_until = max(0, kept and row.failures + kept), None
        await tx.flush()
        digest = _digest(house, token)
        if not await operators.begin_session(tx, digest, operator, now=now, expires_at=now + IDLE):
            return SignInRefused("wrong")
        if fresh is not None:
            await operators.keep_hash(tx, operator.id, fresh)
    return token


def _digest(house: House, token: str) -> str:
    """What is kept of a token. Keyed, so that whoever reads or writes the table can make no session from it."""
    key = house.settings.secret_key.get_secret_value().encode()
    return hmac.new(key, token.encode(errors="replace"), hashlib.sha256).hexdigest()


def _subject(house: House, kind: str, name: str) -> str:
    return _digest(house, f"{kind}:{name}")
