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


def fitting(body: bytes, header: str | None, secrets: Iterable[str]) -> frozenset[str]:
    """Those of `secrets` under which `header` signs the raw `body`.

    Several, since apps have one each and one can be rotated. With a missing or malformed header none fits; empty
    secrets are passed over. Every secret is tried, so that the time taken tells nothing about which one fitted.
    """
    given = (header or "").encode("utf-8", "replace")
    tried = [(secret, hmac.compare_digest(sign(body, secret).encode(), given)) for secret in secrets if secret]
    return frozenset(secret for secret, fits in tried if fits)


def verify(body: bytes, header: str | None, secrets: Iterable[str]) -> bool:
    """Whether any of `secrets` fits."""
    return bool(fitting(body, header, secrets))


def same(given: str, expected: str) -> bool:
    """Whether two secrets are equal, in a time that tells nothing of where they differ."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode("utf-8", "replace"))
