"""What each customer's phone shows, and what a customer can do with it; knows no HTTP and no page.

A phone is built from the double's news alone: what the customer wrote, what reached them, what was read.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from api.simulator import samples
from api.simulator.bubbles import bubble_of, choices_of, summary_of
from api.simulator.customers import Customer, Sent
from api.simulator.graph import GraphDouble
from api.simulator.news import Joined, Marked, News, Posted, Took, Wrote
from api.simulator.shapes import Json, messages_in
from api.whatsapp.clean import child
from sahut.errors import Conflict, NotFound
from sahut.ports import Clock

PHONES = 200
SHOWN = 200
TYPING = timedelta(seconds=25)
WRITTEN, DELIVERED, READ = 1, 2, 3

Changed = Callable[[str], None]


@dataclass
class Bubble:
    """One message on a phone. `ticks` are those of the customer's own messages."""

    id: str
    mine: bool
    at: datetime
    message: Json
    quotes: str | None
    ticks: int = 0
    tapped: str | None = None
    reactions: dict[bool, str] = field(default_factory=dict)


@dataclass
class Phone:
    """One customer's phone."""

    customer: Customer
    bubbles: dict[str, Bubble] = field(default_factory=dict)
    typing_since: datetime | None = None

    def view(self, clock: Clock, closes_at: datetime | None) -> Json:
        """The phone as JSON; the newest `SHOWN` messages."""
        now = clock.now()
        typing_left = (self.typing_since + TYPING - now).total_seconds() if self.typing_since else 0.0
        return {
            "id": self.customer.key,
            "name": self.customer.name,
            "phone": self.customer.phone,
            "user_id": self.customer.user_id,
            "window_closes_at": closes_at.isoformat() if closes_at and closes_at > now else None,
            "typing_s": max(0.0, typing_left),
            "bubbles": [self._bubble(item) for item in list(self.bubbles.values())[-SHOWN:]],
        }

    def _bubble(self, item: Bubble) -> Json:
        quoted = self.bubbles.get(item.quotes or "")
        return {
            "id": item.id,
            "mine": item.mine,
            "at": item.at.isoformat(),
            "ticks": item.ticks,
            "tapped": item.tapped,
            "reactions": list(item.reactions.values()),
            "quote": {"id": quoted.id, "mine": quoted.mine, "text": summary_of(quoted.message)[:300]}
            if quoted
            else None,
            **bubble_of(item.message),
        }


class Phones:
    """All phones of a double. `changed` is called with the id of a phone that shows something new."""

    def __init__(self, double: GraphDouble, changed: Changed) -> None:
        self._double = double
        self._changed = changed
        self._phones: dict[str, Phone] = {}
        self.twice = False
        double.watchers.append(self._hear)

    # --- what is shown

    def views(self) -> list[Json]:
        """Every phone, in the order in which the customers came."""
        return [self.view(key) for key in self._phones]

    def view(self, key: str) -> Json:
        """One phone. Raises `NotFound`."""
        phone = self._phone(key)
        return phone.view(self._double.clock, self._double.window_closes_at(phone.customer))

    def keys(self) -> list[str]:
        """The ids of all phones."""
        return list(self._phones)

    def customer(self, key: str) -> Customer:
        """Whose phone it is. Raises `NotFound`."""
        return self._phone(key).customer

    # --- what a customer does

    def add(self, *, phone: str | None, name: str, user_id: str | None) -> str:
        """A new customer's phone; its id. Raises `Conflict` where the number, the id or the room is taken."""
        known = {known for item in self._phones.values() for known in (item.customer.phone, item.customer.user_id)}
        if {phone, user_id} & (known - {None}):
            raise Conflict("There is a customer with this number or id already.")
        if len(self._phones) >= PHONES:
            raise Conflict(f"There is room for {PHONES} phones; start the demo again for fresh ones.")
        return self._double.customer(phone, name, user_id=user_id).key

    def say(self, key: str, text: str, *, quote: str = "") -> str:
        """Write a text; its wamid. It leaves by the double's post, which may be told to be late or to repeat."""
        return self._post(self._phone(key).customer.text(text, quote=self._quoted(key, quote)))

    def tap(self, key: str, message: str, choice: str) -> str:
        """Tap a button or a row of a message that this phone got. Raises `NotFound`, `Conflict` for a second tap."""
        bubble = self._bubble_of(key, message)
        reply = None if bubble.mine else choices_of(bubble.message).get(choice)
        if reply is None:
            raise NotFound("That message has no such choice.")
        if bubble.tapped is not None:
            raise Conflict("That question has been answered already.")
        return self._post(self._phone(key).customer.message("interactive", reply, quote=message))

    def react(self, key: str, message: str, emoji: str) -> str:
        """React to a message of the service; an empty emoji takes the reaction away."""
        self._bubble_of(key, message)
        return self._post(
            self._phone(key).customer.message("reaction", {"message_id": message, "emoji": emoji}),
        )

    def send_sample(self, key: str, what: str, *, caption: str = "", quote: str = "") -> str:
        """Send a picture, a document, a voice note or a location. Raises `NotFound` for anything else."""
        sample = samples.SAMPLES.get(what)
        if sample is None:
            raise NotFound(f"A phone sends {', '.join(samples.SAMPLES)}.")
        content = sample.content(self._double.keep)
        if caption and sample.takes_caption:
            content["caption"] = caption
        quoted = self._quoted(key, quote)
        return self._post(self._phone(key).customer.message(sample.kind, content, quote=quoted))

    def _post(self, message: Json) -> str:
        payload = self._double.payload_of(message)
        for _ in range(2 if self.twice else 1):
            self._double.mail.put(payload)
        return str(message["id"])

    def _quoted(self, key: str, message: str) -> str:
        return self._bubble_of(key, message).id if message else ""

    def _phone(self, key: str) -> Phone:
        if key not in self._phones:
            raise NotFound("There is no such customer.")
        return self._phones[key]

    def _bubble_of(self, key: str, message: str) -> Bubble:
        bubble = self._phone(key).bubbles.get(message)
        if bubble is None:
            raise NotFound("There is no such message on this phone.")
        return bubble

    # --- what the double tells

    def _hear(self, news: News) -> None:
        match news:
            case Joined(customer):
                self._phones[customer.key] = Phone(customer)
                self._changed(customer.key)
            case Wrote(person, message, at) if person in self._phones:
                self._wrote(person, message, at)
            case Took(person, sent) if person in self._phones and sent.status != "failed":
                self._took(person, sent)
            case Marked() if news.person in self._phones:
                self._marked(news)
            case Posted(payload, 200):
                self._delivered(payload)
            case _:
                pass

    def _wrote(self, person: str, message: Json, at: datetime) -> None:
        phone = self._phones[person]
        if message.get("type") == "reaction":
            self._reacted(phone, child(message, "reaction"), mine=True)
        else:
            wamid, quotes = str(message.get("id")), child(message, "context").get("id")
            phone.bubbles[wamid] = Bubble(wamid, True, at, message, quotes, ticks=WRITTEN)
            self._tapped(phone, message, quotes)
        self._changed(person)

    def _tapped(self, phone: Phone, message: Json, quotes: str | None) -> None:
        interactive = child(message, "interactive")
        chosen = child(interactive, str(interactive.get("type"))).get("id")
        question = phone.bubbles.get(quotes or "")
        if chosen is not None and question is not None:
            question.tapped = str(chosen)

    def _took(self, person: str, sent: Sent) -> None:
        phone = self._phones[person]
        if sent.kind == "reaction":
            self._reacted(phone, child(sent.body, "reaction"), mine=False)
        else:
            phone.bubbles[sent.wamid] = Bubble(sent.wamid, False, sent.at, sent.body, sent.quotes)
            phone.typing_since = None
        self._changed(person)

    def _reacted(self, phone: Phone, reaction: Json, *, mine: bool) -> None:
        bubble = phone.bubbles.get(str(reaction.get("message_id")))
        if bubble is None:
            return
        bubble.reactions.pop(mine, None)
        if reaction.get("emoji"):
            bubble.reactions[mine] = str(reaction["emoji"])

    def _marked(self, news: Marked) -> None:
        phone = self._phones[news.person]
        self._tick(phone, news.wamid, READ)
        for bubble in phone.bubbles.values():
            if bubble.mine and bubble.ticks:
                bubble.ticks = READ
            if bubble.id == news.wamid:
                break
        answered = any(not bubble.mine and bubble.at >= news.at for bubble in phone.bubbles.values())
        phone.typing_since = news.at if news.typing and not answered else None
        self._changed(news.person)

    def _delivered(self, payload: Json) -> None:
        for message in messages_in(payload):
            for phone in self._phones.values():
                if self._tick(phone, str(message.get("id")), DELIVERED):
                    self._changed(phone.customer.key)

    @staticmethod
    def _tick(phone: Phone, wamid: str, ticks: int) -> bool:
        bubble = phone.bubbles.get(wamid)
        if bubble is None or bubble.ticks >= ticks:
            return False
        bubble.ticks = ticks
        return True
