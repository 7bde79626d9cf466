"""Meta's rules of sending as the double keeps them: window, pace and errors; knows no HTTP and no webhook.

Source: Meta's pages on limits, error codes and the service window. They are written apart from `sahut.rules` on
purpose: the double must not share the service's mistakes.
"""

from collections import defaultdict, deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from api.whatsapp.policy import policy_for

Json = dict[str, Any]

WINDOW = timedelta(hours=24)
PAIR_GAP = timedelta(seconds=6)
PAIR_BURST = 45
SECOND = timedelta(seconds=1)

BAD_PARAMETER, NO_SUCH_NUMBER, BAD_TOKEN = 100, 33, 190
THROUGHPUT, SAME_PERSON, WINDOW_CLOSED, PAIR_RATE = 130429, 131021, 131047, 131056

_HTTP_STATUS = {0: 401, 190: 401, 3: 403, 10: 403, 131005: 403, 1: 500, 131000: 500, 2: 503, 131016: 503}


@dataclass(frozen=True)
class Rules:
    """Which rules the double keeps; the defaults are Meta's.

    `window`: a free-form message outside the window is refused at once (`sync`), taken and failed by a status
    (`late`, what Meta mostly does), or let through (`off`). `pair_rate`: one message in 6 s to one customer,
    bursts of 45 on credit. `messages_per_s`: in and out together, 0 for no limit. `statuses` follow each message,
    one every `status_delay_s`.
    """

    window: Literal["sync", "late", "off"] = "late"
    pair_rate: bool = True
    messages_per_s: int = 80
    statuses: tuple[str, ...] = ("sent", "delivered", "read")
    status_delay_s: float = 0


class Refused(Exception):  # noqa: N818 - Meta refuses; nothing is in error here
    """The double's no: an error code and what it adds to the code's meaning."""

    def __init__(self, code: int, details: str = "") -> None:
        super().__init__(f"({code}) {details}")
        self.code = code
        self.details = details or policy_for(code).meaning


def error_body(code: int, details: str) -> Json:
    """Meta's error answer."""
    return {
        "error": {
            "message": f"(#{code}) {policy_for(code).meaning}",
            "type": "OAuthException",
            "code": code,
            "error_data": {"messaging_product": "whatsapp", "details": details},
            "fbtrace_id": "ADouble0000000000000000",
        }
    }


def http_status(code: int) -> int:
    """The HTTP status beside an error code; nobody should build on it."""
    return _HTTP_STATUS.get(code, 403 if 200 <= code < 300 else 400)


class Windows:
    """The customer service windows as Meta sees them: by what customers wrote, delivered to us or not."""

    def __init__(self) -> None:
        self._last: dict[str, datetime] = {}

    def customer_wrote(self, customer: str, at: datetime) -> None:
        self._last[customer] = max(at, self._last.get(customer, at))

    def close(self, customer: str) -> None:
        self._last.pop(customer, None)

    def rename(self, before: str, after: str) -> None:
        if before != after and before in self._last:
            self._last[after] = self._last.pop(before)

    def closes_at(self, customer: str) -> datetime | None:
        last = self._last.get(customer)
        return None if last is None else last + WINDOW

    def is_open(self, customer: str, now: datetime) -> bool:
        closes_at = self.closes_at(customer)
        return closes_at is not None and now < closes_at


class PairPace:
    """One message in 6 s to one customer. Up to 45 may go within 6 s, and then the debt is sat out."""

    def __init__(self) -> None:
        self._clear_at: datetime | None = None
        self._burst_began: datetime | None = None
        self._burst = 0

    def take(self, now: datetime) -> bool:
        """Whether one more may go; counts it if so."""
        if self._clear_at is None or self._burst_began is None or now >= self._clear_at:
            self._clear_at = self._burst_began = now
            self._burst = 0
        elif now >= self._burst_began + PAIR_GAP or self._burst >= PAIR_BURST:
            return False
        self._burst += 1
        self._clear_at += PAIR_GAP
        return True


class Pace:
    """The number's throughput and the pace of every pair."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._pairs: defaultdict[str, PairPace] = defaultdict(PairPace)
        self._recent: deque[datetime] = deque()

    def count_inbound(self, now: datetime) -> None:
        """A customer's message: it uses up throughput, but nobody stops a customer."""
        if self._rules.messages_per_s:
            self._forget(now)
            self._recent.append(now)

    def take(self, customer: str, now: datetime) -> None:
        """Count one message to `customer`. Raises `Refused` 130429 or 131056."""
        self._forget(now)
        limit = self._rules.messages_per_s
        if limit and len(self._recent) >= limit:
            raise Refused(THROUGHPUT)
        if self._rules.pair_rate and not self._pairs[customer].take(now):
            raise Refused(PAIR_RATE)
        if limit:
            self._recent.append(now)

    def _forget(self, now: datetime) -> None:
        while self._recent and self._recent[0] <= now - SECOND:
            self._recent.popleft()
