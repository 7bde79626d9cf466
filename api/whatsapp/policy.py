"""Meta's error codes as data: what each means and what to do with the message; sends nothing itself.

Source: Meta's page on error codes. Key on the code alone, never on the HTTP status or the title. The same code
may come at once (`SendRefused.code`) or later in a failed status (`Delivery.error_code`).
"""

from dataclasses import dataclass
from typing import Literal

Action = Literal["back_off", "pair", "number", "bulk", "later", "never", "token", "account", "window_closed"]


@dataclass(frozen=True)
class Policy:
    """What becomes of a message that was refused.

    `back_off` try again after `wait_s`, up to `tries` times · `pair` the same, for this customer alone · `number` the
    same, and the whole number rests as long · `later` not before `base_s` have passed, once · `bulk` the same, and
    what nobody waits for rests as long · `never` something must be changed first · `token`, `account` every other
    message would be refused too: the number is paused with all that waits, until its token works or a person resumes
    it · `window_closed` free form is over: a template or a human. `alert`: a person must act, so it is logged as an
    error and counted apart.
    """

    action: Action
    meaning: str
    base_s: float = 0
    factor: float = 2
    cap_s: float = 0
    tries: int = 0
    alert: bool = False

    @property
    def pauses(self) -> bool:
        """Whether the account is at fault: nothing more is sent until it is mended, and nothing is given up."""
        return self.action in ("token", "account")

    def wait_s(self, attempt: int) -> float | None:
        """Seconds until the next try after `attempt` POSTs (from 1); `None`: this message is not tried again.

        The number has no jitter; the caller adds some, so that many messages do not come back at once.
        """
        if attempt > self.tries:
            return None
        return min(self.base_s * self.factor ** max(attempt - 1, 0), self.cap_s)

    @property
    def closes_window(self) -> bool:
        """Whether Meta says that the customer's window is closed, whatever we thought of it."""
        return self.action == "window_closed"


def _soon(meaning: str, *, base_s: float = 2, cap_s: float = 120, tries: int = 8) -> Policy:
    return Policy("back_off", meaning, base_s=base_s, cap_s=cap_s, tries=tries)


def _minutes(meaning: str) -> Policy:
    return Policy("back_off", meaning, base_s=60, cap_s=1800, tries=10, alert=True)


def _later(meaning: str, hours: float) -> Policy:
    return Policy("later", meaning, base_s=hours * 3600, cap_s=hours * 3600, tries=1, alert=True)


def _never(meaning: str, *, alert: bool = False) -> Policy:
    return Policy("never", meaning, alert=alert)


def _account(meaning: str) -> Policy:
    return Policy("account", meaning, alert=True)


TOKEN_BAD = Policy("token", "the access token is invalid or has expired", alert=True)
NO_PERMISSION = Policy("token", "the token lacks a permission", alert=True)

# A code that is not in the table: Meta answered with one, so nothing was taken, and a few tries do no harm.
UNKNOWN_CODE = Policy("back_off", "an error that is not in Meta's table", base_s=5, cap_s=60, tries=3, alert=True)

POLICIES: dict[int, Policy] = {
    0: TOKEN_BAD,
    1: _soon("unknown error of the Graph API"),
    2: _soon("the Graph API is down for the moment"),
    3: NO_PERMISSION,
    4: _minutes("the app's call limit is reached"),
    10: NO_PERMISSION,
    33: _account("the phone number id was deleted"),
    100: _never("a parameter is invalid"),
    190: TOKEN_BAD,
    368: _account("the account is blocked for a policy violation"),
    80007: _minutes("the account's rate limit is reached"),
    80008: _minutes("the account's rate limit is reached"),
    130403: _never("we blocked this user"),
    130429: Policy("number", "the number's throughput is reached", base_s=1, cap_s=30, tries=12),
    130472: _never("the user is in a marketing experiment"),
    130497: _never("this business may not write to that country"),
    131000: _soon("unknown error of WhatsApp", base_s=3, tries=3),
    131005: NO_PERMISSION,
    131008: _never("a parameter is missing"),
    131009: _never("a parameter has a bad value"),
    131016: _soon("WhatsApp is overloaded for the moment"),
    131021: _never("sender and recipient are the same"),
    131026: _never("undeliverable: not on WhatsApp, an old app, or the terms not accepted"),
    131030: _never("the recipient is not on the test number's list"),
    131031: _account("the account is locked"),
    131037: _account("the number's display name is not approved"),
    131042: _account("a payment problem of the account"),
    131045: _account("the number is not registered"),
    131047: Policy("window_closed", "the 24-hour window is closed"),
    131048: Policy("bulk", "the number's spam limit is reached", base_s=4 * 3600, cap_s=4 * 3600, tries=1, alert=True),
    131049: _later("Meta's cap on marketing to this user", 24),
    131050: _never("the user stopped our marketing"),
    131051: _never("the message type is not supported"),
    131052: _never("the customer's media could not be downloaded"),
    131053: _never("our media file has a problem"),
    # Meta's own rule: 4^n seconds, and only this customer has to wait.
    131056: Policy("pair", "too many messages to this user", base_s=4, factor=4, cap_s=1024, tries=6),
    131057: Policy("back_off", "the account is in maintenance", base_s=60, factor=1, cap_s=60, tries=10),
    131062: _never("this kind of message needs a phone number"),
    131063: _never("marketing is off for the Cloud API"),
    131064: _later("limited for wrongly categorised templates", 24),
    132000: _never("the template has another number of variables"),
    132001: _never("the template is missing in this language or not approved"),
    132005: _never("the template's translated text is too long"),
    132007: _never("the template violates a policy"),
    132012: _never("the template's variables have another format"),
    132015: _later("the template is paused for its quality", 3),
    132016: _never("the template is disabled for its quality", alert=True),
    132018: _never("the template's variables are wrong"),
    132068: _never("the flow is blocked", alert=True),
    132069: _later("the flow is throttled", 1),
    133004: _soon("the registration service is down for the moment"),
    134011: _account("the payments terms are not accepted"),
    135000: _never("a parameter of the message is wrong"),
    137000: _never("the user's identity key has changed: verify who it is"),
    139102: _soon("another block list change is running"),
    139103: _soon("internal error of the block list"),
}

_RANGES: tuple[tuple[range, Policy], ...] = (
    (range(200, 300), NO_PERMISSION),
    (range(133000, 133017), _account("a registration or PIN problem of the number")),
    (range(139000, 139005), _never("the flow could not be changed")),
    (range(139100, 139104), _never("the block list could not be changed")),
    (range(147001, 147006), _never("a problem of the business username")),
)


def policy_for(code: int | None) -> Policy:
    """The policy of an error code. A code that is not known (or none at all) gets `UNKNOWN_CODE`."""
    if code in POLICIES:
        return POLICIES[code]
    return next((policy for codes, policy in _RANGES if code in codes), UNKNOWN_CODE)
