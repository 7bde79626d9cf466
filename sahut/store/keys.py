"""API keys: made once, shown once, kept as digests. Knows nothing of HTTP."""

import hashlib
import secrets
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col, select

from sahut.errors import NotFound
from sahut.models import ApiKey
from sahut.store.database import Tx

SCOPES = ("read", "write", "admin")


async def create(tx: Tx, name: str, scopes: list[str], *, now: datetime) -> tuple[ApiKey, str]:
    """A new key: its row and the secret itself, which is never seen again.

    256 random bits need no slow hash: SHA-256 keeps them.
    """
    secret = f"sahut_{secrets.token_urlsafe(32)}"
    row = ApiKey(name=name, digest=_digest(secret), scopes=sorted(set(scopes)), created_at=now)
    tx.add(row)
    await tx.flush()
    return row, secret


async def find(tx: Tx, secret: str) -> ApiKey | None:
    """The key behind a secret, unless it was revoked."""
    query = select(ApiKey).where(ApiKey.digest == _digest(secret), col(ApiKey.revoked_at).is_(None))
    return (await tx.execute(query)).scalar_one_or_none()


async def revoke(tx: Tx, key_id: str, *, now: datetime) -> None:
    """From now on the key opens nothing. Raises `NotFound`."""
    done = await tx.execute(
        sa.update(ApiKey).where(col(ApiKey.id) == key_id).values(revoked_at=now).returning(col(ApiKey.id))
    )
    if done.scalar_one_or_none() is None:
        raise NotFound(f"There is no key {key_id}.")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
