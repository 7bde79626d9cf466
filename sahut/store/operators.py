"""Operators, their sessions and failed sign-ins as rows. Knows nothing of passwords, tokens or cookies.

Passwords and tokens come here only as what is kept of them: a hash, a digest.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import col, select

from sahut.errors import ConfigurationError, Conflict, NotFound
from sahut.models import Operator, OperatorSession, Role, SignInAttempts
from sahut.rules import Actor
from sahut.store.database import Tx, insert_once, upserting

FAILURES_KEPT = timedelta(days=1)
_EMAIL_MOST = 254


def normal_email(given: str) -> str:
    """The e-mail address as it is kept: trimmed, in lower case. Raises `ConfigurationError` where it cannot be one."""
    email = given.strip().lower()
    name, at, domain = email.rpartition("@")
    is_plain = email.isprintable() and not any(char.isspace() for char in email)
    if not (name and at and domain and is_plain) or len(email) > _EMAIL_MOST:
        raise ConfigurationError("Give an e-mail address, for example budi@example.com.")
    return email


def actor_of(operator: Operator) -> Actor:
    """The operator as one who acts."""
    return Actor(id=operator.id, name=operator.name or operator.email, role=Role(operator.role))


async def add(
    tx: Tx, *, email: str, name: str, role: Role, password_hash: str, now: datetime, team: str = ""
) -> Operator:
    """A new operator, of a `team` if any. Raises `Conflict` where the address is taken, by a disabled one too."""
    email = normal_email(email)
    operator = Operator(email=email, name=name, role=role, team=team, password_hash=password_hash, created_at=now)
    if not await insert_once(tx, operator):
        raise Conflict(f"There is an operator {email} already.")
    return operator


async def listed(tx: Tx, *, after: str | None = None, limit: int = 200) -> Sequence[Operator]:
    """Operators, oldest first, disabled ones too."""
    query = select(Operator).order_by(col(Operator.id)).limit(limit)
    if after is not None:
        query = query.where(Operator.id > after)
    return (await tx.execute(query)).scalars().all()


async def find(tx: Tx, email: str) -> Operator | None:
    """The operator behind an address as it is kept, disabled or not."""
    return (await tx.execute(select(Operator).where(Operator.email == email))).scalar_one_or_none()


async def named(tx: Tx, id_or_email: str) -> Operator:
    """An operator who may work, by id or address. Raises `NotFound`."""
    key = id_or_email.strip()
    query = select(Operator).where(sa.or_(col(Operator.id) == key, col(Operator.email) == key.lower()))
    operator = (await tx.execute(query)).scalar_one_or_none()
    if operator is None or operator.disabled_at is not None:
        raise NotFound(f"There is no operator {key}: `sahut operator list` shows them.")
    return operator


async def join(tx: Tx, operator_id: str, team: str) -> None:
    """They belong to a team from the next page that they open on; "": to none, and see all requests."""
    await tx.execute(sa.update(Operator).where(col(Operator.id) == operator_id).values(team=team))


async def disable(tx: Tx, operator_id: str, *, now: datetime) -> None:
    """They cannot sign in any more, and are signed out everywhere. What they hold stays theirs until it is taken."""
    await tx.execute(sa.update(Operator).where(col(Operator.id) == operator_id).values(disabled_at=now))
    await end_sessions(tx, operator_id)


async def enable(tx: Tx, operator_id: str) -> None:
    """They may sign in again, with the password that they had."""
    await tx.execute(sa.update(Operator).where(col(Operator.id) == operator_id).values(disabled_at=None))


async def set_password(tx: Tx, operator_id: str, password_hash: str) -> None:
    """A new password: every session under the old one ends."""
    await keep_hash(tx, operator_id, password_hash)
    await end_sessions(tx, operator_id)


async def keep_hash(tx: Tx, operator_id: str, password_hash: str) -> None:
    """The same password, hashed anew."""
    await tx.execute(sa.update(Operator).where(col(Operator.id) == operator_id).values(password_hash=password_hash))


# --- sessions


async def begin_session(tx: Tx, digest: str, operator: Operator, *, now: datetime, expires_at: datetime) -> bool:
    """Remember a signed-in browser; false where the operator was disabled or got another password meanwhile."""
    query = (
        select(Operator.id)
        .where(
            Operator.id == operator.id,
            Operator.password_hash == operator.password_hash,
            col(Operator.disabled_at).is_(None),
        )
        .with_for_update()
    )
    if (await tx.execute(query)).scalar_one_or_none() is None:
        return False
    row = OperatorSession(
        digest=digest, operator_id=operator.id, created_at=now, last_seen_at=now, expires_at=expires_at
    )
    return await insert_once(tx, row)


async def session(tx: Tx, digest: str, *, now: datetime) -> tuple[OperatorSession, Operator] | None:
    """A session that is not over, with its operator, who is not disabled."""
    query = (
        select(OperatorSession, Operator)
        .join(Operator, col(Operator.id) == col(OperatorSession.operator_id))
        .where(OperatorSession.digest == digest, OperatorSession.expires_at > now, col(Operator.disabled_at).is_(None))
    )
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else (row[0], row[1])


async def extend_session(tx: Tx, digest: str, *, now: datetime, expires_at: datetime) -> None:
    """The browser was seen; nothing where the session has ended meanwhile."""
    await tx.execute(
        sa.update(OperatorSession)
        .where(col(OperatorSession.digest) == digest)
        .values(last_seen_at=now, expires_at=expires_at)
    )


async def end_session(tx: Tx, digest: str) -> None:
    """Sign one browser out."""
    await tx.execute(sa.delete(OperatorSession).where(col(OperatorSession.digest) == digest))


async def end_sessions(tx: Tx, operator_id: str) -> None:
    """Sign an operator out everywhere."""
    await tx.execute(sa.delete(OperatorSession).where(col(OperatorSession.operator_id) == operator_id))


# --- failed sign-ins


async def attempts(tx: Tx, subject: str, *, now: datetime) -> SignInAttempts:
    """The failures under a subject, locked until the transaction ends; made where there are none yet."""
    fresh = upserting(tx, SignInAttempts).values(subject=subject, failures=0, last_at=now)
    same = fresh.on_conflict_do_update(index_elements=["subject"], set_={"subject": subject})
    query = select(SignInAttempts).from_statement(same.returning(SignInAttempts))
    row: SignInAttempts = (await tx.execute(query, execution_options={"populate_existing": True})).scalar_one()
    if row.last_at <= now - FAILURES_KEPT:
        row.failures, row.locked_until = 0, None
    return row


async def forget(tx: Tx, *, now: datetime) -> None:
    """Let go of sessions that are over and of old failures, but for those that are being counted at this moment."""
    await tx.execute(sa.delete(OperatorSession).where(col(OperatorSession.expires_at) <= now))
    subject = col(SignInAttempts.subject)
    stale = sa.select(subject).where(col(SignInAttempts.last_at) <= now - FAILURES_KEPT)
    await tx.execute(sa.delete(SignInAttempts).where(subject.in_(stale.with_for_update(skip_locked=True))))
