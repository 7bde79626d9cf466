"""What outgoing webhooks are bound to: names of events, the signature, when to try again. Pure; knows no HTTP.

The form is that of Standard Webhooks 1.0 (https://www.standardwebhooks.com): `webhook-id`, `webhook-timestamp`,
`webhook-signature: v1,BASE64(HMAC-SHA256(secret, id.timestamp.body))`.
"""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Literal, get_args

Event = Literal[
    "ticket.created", "ticket.updated", "submission.created", "handoff.opened", "handoff.resolved", "window.ending"
]
EVENTS: tuple[Event, ...] = get_args(Event)
# Sent only when somebody asks for it, to the endpoint that is tried.
TEST = "webhook.test"

SECRET_PREFIX = "whsec_"  # noqa: S105  # the specification's mark of a secret
_SECRET_BYTES = 32

FIRST_WAIT = timedelta(seconds=10)
_GROWTH = 3.0
LONGEST_WAIT = timedelta(hours=6)
# Eleven waits between them: 10 s, 30 s, 90 s and on to 6 h, 27 hours in all.
MAX_ATTEMPTS = 12
_SPREAD = 0.2
# From the first failure without a success in between.
DISABLED_AFTER = timedelta(days=3)


def new_secret() -> str:
    """A fresh secret for an endpoint, as its receiver writes it into a library of the specification."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def signed_headers(*, event_id: str, body: bytes, secret: str, at: datetime) -> dict[str, str]:
    """The three headers that prove who posts `body`, and when."""
    moment = str(int(at.timestamp()))
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    mac = hmac.new(key, f"{event_id}.{moment}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": event_id,
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }


def wait_after(attempt: int, *, luck: float, asked: timedelta | None = None) -> timedelta | None:
    """How long after the failed post number `attempt` (from 1) the next may be made; `None`: it is given up.

    `luck` in [0, 1] spreads the posts of many; `asked` is the receiver's own Retry-After, which only makes it longer.
    """
    if attempt >= MAX_ATTEMPTS:
        return None
    grown: timedelta = min(FIRST_WAIT * _GROWTH ** (attempt - 1), LONGEST_WAIT)
    wait = grown * (1 + _SPREAD * (2 * luck - 1))
    return max(wait, min(asked, LONGEST_WAIT)) if asked is not None else wait
