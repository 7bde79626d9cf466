"""What can be made to go wrong, and the demo's time: the switches beside the phones. Knows no HTTP and no page."""

from datetime import timedelta
from typing import Literal

from api.simulator.clock import MovableClock
from api.simulator.faults import Down, Fault, LoseAnswer, Refuse
from api.simulator.graph import GraphDouble
from api.simulator.phones import Phones
from api.simulator.shapes import Json
from api.whatsapp.policy import POLICIES
from sahut.errors import Conflict

LAST_MINUTE = timedelta(minutes=1)
MOST = timedelta(days=30)

Answers = Literal["well", "lost", "refused", "down"]


class Switches:
    """Faults and time. A lost answer and a refusal are for the next send only; down lasts until it is switched back."""

    def __init__(self, double: GraphDouble, phones: Phones, clock: MovableClock) -> None:
        self._double = double
        self._phones = phones
        self._clock = clock
        self._answers: Answers = "well"
        self._code = 131056
        double.fault_for = self._fault

    def view(self) -> Json:
        """How the switches stand."""
        return {
            "twice": self._phones.twice,
            "held": self._double.mail.paused,
            "waiting": len(self._double.mail.pending),
            "answers": self._answers,
            "code": self._code,
            "ahead_s": round(self._clock.ahead.total_seconds()),
            "now": self._clock.now().isoformat(),
        }

    def send_twice(self, on: bool) -> None:
        """Bring every customer's message twice, as Meta now and then does."""
        self._phones.twice = on

    def hold(self) -> None:
        """Bring no webhook until they are let go."""
        self._double.mail.pause()

    async def let_go(self, *, newest_first: bool) -> None:
        """Bring the webhooks that were held back, in order or the newest first."""
        await self._double.mail.resume(newest_first=newest_first)

    def answer(self, answers: Answers, code: int | None = None) -> None:
        """How Meta answers sends from now on. Raises `Conflict` for a code that is not in Meta's table."""
        if code is not None:
            if code not in POLICIES:
                raise Conflict(f"{code} is not a code of Meta's table.")
            self._code = code
        self._answers = answers

    def close_window(self, key: str) -> None:
        """Close a customer's window as Meta sees it; the service learns of it when it sends."""
        self._double.close_window(self._phones.customer(key))

    def move(self, span: timedelta) -> None:
        """Skip a span of time. Raises `Conflict` for none, for one that goes back or for more than a month."""
        if not timedelta(0) < span <= MOST:
            raise Conflict("Time moves forward only, a month at most at once.")
        self._clock.move(span)

    def move_to_last_minute(self, key: str) -> None:
        """Skip to one minute before a customer's window closes. Raises `Conflict` where that has passed."""
        closes_at = self._double.window_closes_at(self._phones.customer(key))
        if closes_at is None or closes_at - LAST_MINUTE <= self._clock.now():
            raise Conflict("That window is closed, or has less than a minute left.")
        self._clock.move_to(closes_at - LAST_MINUTE)

    def _fault(self, _: Json) -> Fault | None:
        match self._answers:
            case "lost":
                self._answers = "well"
                return LoseAnswer()
            case "refused":
                self._answers = "well"
                return Refuse(self._code)
            case "down":
                return Down()
        return None
