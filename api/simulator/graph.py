"""A double of Meta's Graph API that keeps Meta's rules: the far end of the product's test kit and of the demo.

It is an ASGI app (`double.app`) with the customers behind it. It knows the service only by its webhook's address;
the service does not know that it is a double.
"""

import base64
import hashlib
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from api.simulator.customers import Customer, Sent
from api.simulator.endpoints import app_for
from api.simulator.faults import Fault
from api.simulator.media import TYPES, Cupboard, Media
from api.simulator.news import Asked, Joined, Marked, News, Posted, Took, Watch, Wrote
from api.simulator.postoffice import PostOffice
from api.simulator.rules import BAD_PARAMETER, SAME_PERSON, WINDOW_CLOSED, Pace, Refused, Rules, Windows
from api.simulator.shapes import Json, envelope, messages_in, new_wamid, status_item
from api.simulator.templates import check_template
from api.simulator.transport import DoubleTransport
from api.whatsapp.clean import moment, phone_digits
from api.whatsapp.limits import first_problem
from sahut.clock import SystemClock
from sahut.ports import Clock

NUMBER = "106500000000001"
ACCOUNT = "222000111000999"
DISPLAY = "15550783881"
TOKEN = "double-token"  # noqa: S105 - opens nothing but this double
SECRET = "double-secret"  # noqa: S105 - signs nothing but this double's webhooks
WEBHOOK = "/webhooks/whatsapp"


@dataclass(frozen=True)
class ReadMark:
    """Blue ticks for a customer's message, with or without the typing mark."""

    at: datetime
    wamid: str
    typing: bool


class GraphDouble:
    """One WhatsApp number at Meta, with its customers.

    `sent` logs what was taken, `refused` what was not (body, code), `read_marks` the ticks, `mail.pending` the
    webhooks that wait, `cupboard` the media. `fail_next` and `fault_for` make sends fail. `watchers` hear all of it.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        rules: Rules | None = None,
        number: str = NUMBER,
        account: str = ACCOUNT,
        token: str = TOKEN,
        secret: str = SECRET,
        client: httpx.AsyncClient | None = None,
        webhook: str = WEBHOOK,
        seed: int | None = None,
    ) -> None:
        """`client` posts to `webhook` (or set `double.mail.client` later); `seed` makes the wamids repeat."""
        self.number, self.account, self.display, self.token = number, account, DISPLAY, token
        self.clock = clock or SystemClock()
        self.rules = rules or Rules()
        self.cupboard = Cupboard()
        # What the number's record says of who it is: a test may change it.
        self.standing: Json = {
            "verified_name": "Samsat Nusa Raya",
            "name_status": "APPROVED",
            "is_official_business_account": False,
        }
        # Where the record of a file says that it lies, and where its address leads on; empty: here.
        self.files_at, self.redirects_to = "", ""
        # The account's templates in Meta's own shape. While there are none, any template is taken.
        self.templates: list[Json] = []
        self.mail = PostOffice(secret=secret, clock=self.clock, client=client, url=webhook)
        self.sent: list[Sent] = []
        self.refused: list[tuple[Json, int]] = []
        self.read_marks: list[ReadMark] = []
        self.fault_for: Callable[[Json], Fault | None] | None = None
        self.watchers: list[Watch] = []
        self.mail.on_post = lambda payload, status: self._report(Posted(payload, status))
        self._faults: deque[Fault] = deque()
        self._customers: dict[str, Customer] = {}
        self._windows, self._pace = Windows(), Pace(self.rules)
        self._inbound: dict[str, str] = {}
        self._luck = random.Random(seed)  # noqa: S311 - ids of a double
        self.app = app_for(self)

    # --- the test's side

    def transport(self) -> httpx.AsyncBaseTransport:
        """For a client in the same process: this app, with faults as the network would show them."""
        return DoubleTransport(self.app)

    def fail_next(self, *faults: Fault) -> None:
        """Let the next sends fail so, one fault each; they go before `fault_for`."""
        self._faults.extend(faults)

    def customer(self, phone: str | None, name: str = "", *, user_id: str | None = None) -> Customer:
        """The customer with this phone (any notation) or business-scoped user id, made on first use.

        Raises `ValueError` with neither.
        """
        digits = phone_digits(phone)
        key = digits or user_id
        if key is None:
            raise ValueError("a customer needs a phone number or a business-scoped user id")
        if key not in self._customers:
            self._customers[key] = Customer(digits, name, user_id, network=self, deliver=self.deliver)
            if user_id:
                self._customers[user_id] = self._customers[key]
            self._report(Joined(self._customers[key]))
        return self._customers[key]

    def payload_of(self, *messages: Json) -> Json:
        """One webhook with these messages (from `Customer.text` and the like) in this order, not posted."""
        people = {id(c): c for m in messages if (c := self._writer(m)) is not None}
        return self._envelope(contacts=[person.contact for person in people.values()], messages=list(messages))

    async def deliver(self, *messages: Json) -> None:
        """Bring these messages in one webhook now; if it is not taken it is brought again, as Meta does."""
        await self.mail.bring(self.mail.put(self.payload_of(*messages)))

    async def deliver_statuses(self, limit: int | None = None) -> int:
        """Bring the pending webhooks that are due; how many were taken.

        Before it a test may shuffle `mail.pending`, double a letter in it (`dataclasses.replace(letter)`), or set
        its `due_at`.
        """
        return await self.mail.deliver(limit)

    def sees(self, payload: Any) -> None:
        """Take note of customers' messages in a webhook that was written by hand, as if Meta had carried them."""
        for message in messages_in(payload):
            names = {message.get("from_user_id"), phone_digits(message.get("from"))}
            for name in names:
                if isinstance(name, str):
                    self._note(self._person(name), message)

    def file(self, media_type: str, content: bytes, **more: Any) -> Json:
        """A customer's file as a message holds it; `more` are other keys, such as its name."""
        file = Media(media_type, content)
        sha256 = base64.b64encode(hashlib.sha256(content).digest()).decode()
        return {"id": self.cupboard.receive(file, self.clock.now()), "mime_type": media_type, "sha256": sha256, **more}

    def rename(self, customer: Customer, *, phone: str | None = None, user_id: str | None = None) -> None:
        """A customer has another phone number or user id from now on; the old one leads to nobody any more."""
        before, old = customer.key, {customer.phone if phone else None, customer.user_id if user_id else None}
        customer.phone, customer.user_id = phone or customer.phone, user_id or customer.user_id
        for name in old - {None}:
            self._customers.pop(name or "", None)
        for name in (customer.phone, customer.user_id):
            if name:
                self._customers[name] = customer
        self._windows.rename(before, customer.key)

    def close_window(self, customer: Customer) -> None:
        """Close a customer's window now, as Meta sees it; the service learns of it by a refusal (131047)."""
        self._windows.close(customer.key)

    def window_closes_at(self, customer: Customer) -> datetime | None:
        """When Meta closes a customer's window; `None` where none is open to close."""
        return self._windows.closes_at(customer.key)

    def _report(self, news: News) -> None:
        for watch in self.watchers:
            watch(news)

    # --- the customers' side

    def customer_writes(self, customer: Customer, message: Json, wamid: str | None, at: datetime | None) -> Json:
        """Complete a customer's message with sender, id and time (whole seconds, as Meta's are), and note it."""
        when = at or self.clock.now()
        sender = {"from": customer.phone, "from_user_id": customer.user_id}
        full = {
            **{key: value for key, value in sender.items() if value},
            "id": wamid or new_wamid(customer.key, inbound=True, luck=self._luck),
            "timestamp": str(int(when.timestamp())),
            **message,
        }
        self._note(customer.key, full)
        return full

    def is_for(self, sent: Sent, customer: Customer) -> bool:
        """Whether a message went to this customer."""
        return self._person(sent.to) == customer.key

    def _note(self, person: str, message: Json) -> None:
        now = self.clock.now()
        at = moment(message.get("timestamp"), now)
        self._inbound[str(message.get("id"))] = person
        self._windows.customer_wrote(person, at)
        self._pace.count_inbound(now)
        self._report(Wrote(person, message, at))

    def _writer(self, message: Json) -> Customer | None:
        return self._customers.get(message.get("from_user_id") or message.get("from") or "")

    def _person(self, to: str) -> str:
        key = phone_digits(to) or to
        known = self._customers.get(key)
        return known.key if known else key

    def _envelope(self, **lists: list[Json]) -> Json:
        return envelope(account=self.account, number=self.number, display=self.display, **lists)

    # --- the Graph API's side

    def next_fault(self, body: Json) -> Fault | None:
        """How the send of `body` shall fail; `None`: not at all."""
        if self._faults:
            return self._faults.popleft()
        return self.fault_for(body) if self.fault_for else None

    def keep(self, file: Media) -> str:
        """Take an uploaded file; its id. Raises `Refused`."""
        return self.cupboard.keep(file, self.clock.now())

    def mark_read(self, body: Json) -> None:
        """Note blue ticks. Raises `Refused` for a message that no customer sent."""
        wamid, status = str(body.get("message_id")), body.get("status")
        if body.get("messaging_product") != "whatsapp" or status != "read" or wamid not in self._inbound:
            raise Refused(BAD_PARAMETER, "message_id must be a message that a customer sent")
        mark = ReadMark(self.clock.now(), wamid, "typing_indicator" in body)
        self.read_marks.append(mark)
        self._report(Marked(self._inbound[wamid], wamid, mark.typing, mark.at))

    def answered(self, asked: Asked) -> None:
        """A call of the Graph API came to its end."""
        self._report(asked)

    def take(self, body: Json, *, refuse: int | None = None) -> Sent:
        """Take a message by Meta's rules and queue its statuses. Raises `Refused`, with `refuse` in any case."""
        try:
            if refuse is not None:
                raise Refused(refuse)
            return self._take(body)
        except Refused as no:
            self.refused.append((body, no.code))
            raise

    def _take(self, body: Json) -> Sent:
        problem = first_problem(body)
        if problem is not None:
            raise Refused(problem.code, problem.message)
        kind = str(body.get("type"))
        if kind == "template" and self.templates:
            check_template(self.templates, body["template"])
        if kind in TYPES and "id" in body[kind]:
            self.cupboard.check(kind, str(body[kind]["id"]), self.clock.now())
        to = str(body.get("to") or body.get("recipient"))
        person, now = self._person(to), self.clock.now()
        if person == self.display:
            raise Refused(SAME_PERSON)
        is_open = self._windows.is_open(person, now)
        closed = not is_open and body.get("type") != "template" and self.rules.window != "off"
        if closed and self.rules.window == "sync":
            raise Refused(WINDOW_CLOSED)
        self._pace.take(person, now)
        wamid = new_wamid(person, inbound=False, luck=self._luck)
        sent = Sent(now, self.number, to, body, body.get("biz_opaque_callback_data"), wamid, is_open)
        self.sent.append(sent)
        self._tell(sent, WINDOW_CLOSED if closed else None)
        self._report(Took(person, sent))
        return sent

    def _tell(self, sent: Sent, code: int | None) -> None:
        """Queue the statuses that follow a message. The log has the last one at once: it is what Meta knows."""
        states = ("failed",) if code is not None else self.rules.statuses
        delay = self.rules.status_delay_s
        for step, state in enumerate(states, start=1):
            self.mail.put(self.status_payload(sent, state, code=code), delay_s=step * delay)
        sent.status, sent.error_code = (*(sent.status,), *states)[-1], code

    def status_payload(self, sent: Sent, status: str, *, code: int | None = None) -> Json:
        """A webhook that tells one status of a message, not posted; `code` for `failed`."""
        person = self._customers.get(self._person(sent.to))
        by_phone = phone_digits(sent.to)
        recipient = {"recipient_id": by_phone} if by_phone else {"recipient_user_id": sent.to}
        item = status_item(
            wamid=sent.wamid,
            status=status,
            at=self.clock.now(),
            recipient=recipient,
            callback=sent.callback,
            category="utility" if sent.kind == "template" else "service",
            code=code,
        )
        contacts = [person.contact] if person and status != "failed" else []
        return self._envelope(contacts=contacts, statuses=[item])
