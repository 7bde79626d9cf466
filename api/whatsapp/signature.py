"""Signs and checks webhook bodies by Meta's rule (`X-Hub-Signature-256`); knows nothing of what is in the body.

Rule: HMAC-SHA256 over the raw body bytes with the app secret, written as `sha256=` and 64 lower-case hex digits.
"""

import hashlib
import hmac
from collections.abc import Iterable

HEADER = "X-Hub-Signature-256"
_PREFIX = "sha256="


def sign(body: bytes, secret: str) -> str:
    """The header value for `body`. Raises `ValueError` for an empty secret: anybody could compute that one."""
    if not secret:
        raise ValueError("an empty app secret is no key; set SAHUT_WHATSAPP_APP_SECRET")
    return _PREFIX + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def verify(body: bytes, header: str | None, secrets: Iterable[str]) -> bool:
    """Whether `header` signs the raw `body` under any of `secrets` (several, so that one can be rotated).

    A missing or malformed header is false; empty secrets are passed over. Every secret is tried, so that the time
    taken tells nothing about which one fitted.
    """
    given = (header or "").encode("utf-8", "replace")
    fits = False
    for secret in secrets:
        if secret:
            fits |= hmac.compare_digest(sign(body, secret).encode(), given)
    return fits


def same(given: str, expected: str) -> bool:
    """Whether two secrets are equal, in a time that tells nothing of where they differ."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode("utf-8", "replace"))
