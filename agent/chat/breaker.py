"""Leaves a model alone for a while that failed or dawdled several times in a row. Pure but for what it remembers."""

from datetime import datetime, timedelta

FAILURES = 3  # in a row
REST = timedelta(seconds=30)  # doubled each time that a probe fails
LONGEST_REST = timedelta(minutes=10)


class Breaker:
    """Closed: every question passes. Open: none until the rest is over. Then one probe passes, and its end decides."""

    def __init__(self) -> None:
        self._failures = 0
        self._rest = REST
        self._until: datetime | None = None
        self._probing = False

    def allows(self, now: datetime) -> bool:
        """Whether the model may be asked now. Who is allowed must tell how it ended."""
        if self._until is None:
            return True
        if self._probing or now < self._until:
            return False
        self._probing = True
        return True

    def answered(self) -> None:
        """It answered in time: all is forgotten."""
        self._failures, self._rest, self._until, self._probing = 0, REST, None, False

    def failed(self, now: datetime) -> bool:
        """It failed or was too slow; whether it rests from now on."""
        self._failures += 1
        if self._until is not None:
            self._rest = min(2 * self._rest, LONGEST_REST)
        elif self._failures < FAILURES:
            return False
        self._until, self._probing = now + self._rest, False
        return True

    def let_go(self) -> None:
        """The question was taken back before anything could be learned of the model."""
        self._probing = False
