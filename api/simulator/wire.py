"""What went over the wire between Meta's double and the service, in words that a person reads; changes nothing."""

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any, Literal

from api.simulator.bubbles import summary_of
from api.simulator.news import Asked, Joined, News, Posted, Wrote
from api.simulator.shapes import Json, messages_in, statuses_in
from api.whatsapp.clean import phone_digits
from api.whatsapp.policy import policy_for
from sahut.errors import NotFound
from sahut.ports import Clock

KEPT = 400
WORDS = 160
FAULTS = {
    "LoseAnswer": "taken, the answer was lost",
    "LoseRequest": "not taken, no answer",
    "Late": "taken, answered too late",
    "Down": "Meta was down",
}

What = Literal["message", "status", "send", "mark", "webhook"]


@dataclass(frozen=True)
class Line:
    """One thing that went over the wire. `out` is from Meta to the service; `answer` is the HTTP status, 0 for none."""

    number: int
    at: datetime
    out: bool
    what: What
    who: str
    words: str
    answer: int
    note: str
    body: Json

    def view(self) -> Json:
        """Without the body, which is asked for by itself."""
        return {
            "n": self.number,
            "at": self.at.isoformat(),
            "out": self.out,
            "what": self.what,
            "who": self.who,
            "words": self.words,
            "answer": self.answer,
            "note": self.note,
        }


class Wire:
    """The newest `KEPT` lines. `added` is called with each new one."""

    def __init__(self, clock: Clock, added: Callable[[Line], None]) -> None:
        self._clock = clock
        self._added = added
        self._numbers = count(1)
        self._lines: deque[Line] = deque(maxlen=KEPT)
        self._names: dict[str, str] = {}
        self._writers: OrderedDict[str, str] = OrderedDict()

    def views(self) -> list[Json]:
        """Every line, oldest first."""
        return [line.view() for line in self._lines]

    def body(self, number: int) -> Json:
        """What a line carried. Raises `NotFound`."""
        found = next((line.body for line in self._lines if line.number == number), None)
        if found is None:
            raise NotFound("That line is not kept any more.")
        return found

    def hear(self, news: News) -> None:
        """A watcher of the double."""
        match news:
            case Joined(customer):
                ids = (customer.phone, customer.user_id)
                self._names |= {known: customer.name or known for known in ids if known}
            case Wrote(person, message):
                self._writers[str(message.get("id"))] = person
                while len(self._writers) > KEPT:
                    self._writers.popitem(last=False)
            case Posted(payload, status):
                self._posted(payload, status)
            case Asked():
                self._asked(news)
            case _:
                pass

    def _posted(self, payload: Any, status: int) -> None:
        note = "" if status == 200 else "not taken, Meta brings it again"
        body = payload if isinstance(payload, dict) else {}
        empty = True
        for message in messages_in(payload):
            empty = False
            who = self._name(message.get("from") or message.get("from_user_id"))
            self._add("message", who, summary_of(message), status, note, body, out=True)
        for item in statuses_in(payload):
            empty = False
            who = self._name(item.get("recipient_id") or item.get("recipient_user_id"))
            codes = [str(error.get("code")) for error in item.get("errors", [])]
            words = " ".join([str(item.get("status")), *codes])
            self._add("status", who, words, status, note, body, out=True)
        if empty:
            self._add("webhook", "", "a webhook of another kind", status, note, body, out=True)

    def _asked(self, asked: Asked) -> None:
        body = asked.body
        note = FAULTS.get(asked.fault, "")
        if asked.code is not None:
            note = f"{asked.code}: {policy_for(asked.code).meaning}"
        if "status" in body:
            words = "read, and typing" if "typing_indicator" in body else "read"
            who = self._name(self._writers.get(str(body.get("message_id"))))
            self._add("mark", who, words, asked.status, note, body, out=False)
            return
        who = self._name(body.get("to") or body.get("recipient"))
        self._add("send", who, summary_of(body), asked.status, note, body, out=False)

    def _add(self, what: What, who: str, words: str, answer: int, note: str, body: Json, *, out: bool) -> None:
        short = words if len(words) <= WORDS else words[: WORDS - 1] + "…"
        line = Line(next(self._numbers), self._clock.now(), out, what, who, short, answer, note, body)
        self._lines.append(line)
        self._added(line)

    def _name(self, key: Any) -> str:
        known = phone_digits(key) or str(key or "")
        return self._names.get(known, known)
