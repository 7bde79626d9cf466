"""The simulator put together: phones, wire, switches and the open pages around one double. Knows no HTTP."""

from dataclasses import dataclass
from typing import Any

from api.simulator.clock import MovableClock
from api.simulator.graph import GraphDouble
from api.simulator.live import Live
from api.simulator.news import Asked, News, Posted
from api.simulator.phones import Phones
from api.simulator.shapes import Json
from api.simulator.switches import Switches
from api.simulator.wire import Line, Wire
from api.whatsapp.policy import POLICIES


@dataclass(frozen=True)
class Persona:
    """A ready-made customer with first lines; a phone number or a business-scoped user id."""

    name: str
    language: str
    lines: tuple[str, ...]
    phone: str | None = None
    user_id: str | None = None

    def view(self) -> Json:
        """As JSON."""
        return {
            "name": self.name,
            "language": self.language,
            "lines": list(self.lines),
            "phone": self.phone,
            "user_id": self.user_id,
        }


class Room:
    """What a page sees of a double and may do with it."""

    def __init__(
        self,
        double: GraphDouble,
        clock: MovableClock,
        *,
        business: str,
        personas: tuple[Persona, ...] = (),
        console: str = "",
    ) -> None:
        """`clock` is the one that the double and the service run on, `console` the path of the operators' pages."""
        self.double = double
        self.live = Live()
        self.wire = Wire(clock, self._line)
        self.phones = Phones(double, self._phone)
        self.switches = Switches(double, self.phones, clock)
        self._business = business
        self._personas = personas
        self._console = console
        double.watchers += [self.wire.hear, self._hear]

    def view(self) -> dict[str, Any]:
        """Everything, for a page that has just opened."""
        return {
            "business": {"name": self._business, "number": self.double.display},
            "console": self._console,
            "phones": self.phones.views(),
            "switches": self.switches.view(),
            "wire": self.wire.views(),
            "codes": {str(code): policy.meaning for code, policy in POLICIES.items()},
            "personas": [persona.view() for persona in self._personas],
        }

    def turned(self, *phones: str) -> dict[str, Any]:
        """Tell every page how the switches and these phones stand now; the switches."""
        for key in phones:
            self._phone(key)
        switches = self.switches.view()
        self.live.tell("switches", switches)
        return switches

    def _phone(self, key: str) -> None:
        self.live.tell("phone", self.phones.view(key))

    def _line(self, line: Line) -> None:
        self.live.tell("line", line.view())

    def _hear(self, news: News) -> None:
        """A fault that was for one send only is over, a letter that was held has left."""
        if isinstance(news, Asked | Posted):
            self.live.tell("switches", self.switches.view())
