"""Who writes in a schedule, and what WhatsApp calls them: names come, go, change and pass to others.

A person writes Meta's payloads by hand where the double has none: copies of another owner's thread, changed names.
"""

from dataclasses import dataclass, field
from datetime import datetime

from api.simulator.customers import Customer
from api.simulator.graph import NUMBER, GraphDouble
from api.simulator.shapes import Json, envelope
from tests.storm.plot import HEIR, Echoes, Passes, Renames, StandsBy


def phone_of(index: int) -> str:
    return f"62812000000{index:02}" if index < HEIR else phone_of(index - HEIR)


def user_id_of(index: int, change: int = 0) -> str:
    # Letters of both cases and leading zeros: whoever "mends" it as a number is found out.
    return f"ID.0{index:03}aB{change:02}Zz"


@dataclass
class Person:
    """One of the double's customers. `all_names` are theirs now or were once; `evidence` what letters put together."""

    index: int
    double: GraphDouble
    customer: Customer
    hidden: bool = False
    changes: int = 0
    all_names: set[str] = field(default_factory=set)
    evidence: list[set[str]] = field(default_factory=list)

    @classmethod
    def of(cls, index: int, double: GraphDouble, *, with_user_id: bool) -> "Person":
        user_id = user_id_of(index) if with_user_id or index >= HEIR else None
        person = cls(index, double, double.customer(phone_of(index), f"Customer {index}", user_id=user_id))
        person.all_names |= person.names
        return person

    @property
    def names(self) -> set[str]:
        """What letters call them now."""
        phone = None if self.hidden and self.customer.user_id else self.customer.phone
        return {name for name in (phone, self.customer.user_id) if name}

    def letter(self, *messages: Json) -> Json:
        """A webhook with messages of theirs, with the names that Meta tells now."""
        hidden = self.customer.phone not in self.names
        contact, told = dict(self.customer.contact), [dict(message) for message in messages]
        for one in (contact, *told) if hidden else ():
            one.pop("wa_id", None)
            one.pop("from", None)
        self.evidence.append(self.names)
        return envelope(
            account=self.double.account, number=NUMBER, display=self.double.display, contacts=[contact], messages=told
        )

    def rename(self, event: Renames, at: datetime) -> list[Json]:
        """They are called otherwise from now on; what Meta sends about it."""
        if event.what in ("hides", "shows"):
            self.hidden = event.what == "hides" and self.customer.user_id is not None
            return []
        self.changes += 1
        old_phone, old_id = self.customer.phone, self.customer.user_id
        old = self.names
        phone = f"62899{self.index:02}00{self.changes:02}" if event.what == "number" else None
        user_id = user_id_of(self.index, self.changes) if old_id else None
        if phone is None and user_id is None:
            return []
        self.double.rename(self.customer, phone=phone, user_id=user_id)
        self.all_names |= self.names | {name for name in (phone, user_id) if name}
        self.evidence.append(old | self.names)
        stamp = {"timestamp": str(int(at.timestamp()))}
        letters = []
        # Who has no user id is told of by a system message alone.
        if event.told in ("system", "both") or user_id is None:
            system = {"type": f"user_changed_{'number' if phone else 'user_id'}", "body": f"User {old_id} changed"}
            told = {**system, **_given(wa_id=phone, user_id=user_id)}
            sender = _given(**{"from": old_phone if old_phone in old else None, "from_user_id": old_id})
            item = {**sender, "id": f"wamid.system.{self.index}.{self.changes}", "type": "system", "system": told}
            letters.append(self._change("messages", {"messages": [{**item, **stamp}]}))
        if event.told in ("field", "both") and user_id is not None:
            moved = {"user_id": {"previous": old_id, "current": user_id}, **stamp}
            items = [{**_given(wa_id=phone if phone in self.names else None), **moved}]
            letters.append(self._change("user_id_update", {"user_id_update": items}))
        return letters

    def stands_by(self, event: StandsBy, at: datetime) -> Json:
        """Our copy of what they wrote to another owner of the thread, or of what that one answered."""
        item = {"id": f"wamid.{event.token}", "timestamp": str(int(at.timestamp())), "type": "text"}
        self.evidence.append(self.names)
        phone = self.customer.phone if self.customer.phone in self.names else None
        if event.answer:
            to = _given(to=phone, to_user_id=self.customer.user_id)
            message = {**to, "type": "text", "text": {"body": event.token}}
            inside = {"message_echoes": [{"id": item["id"], "timestamp": item["timestamp"], "message": message}]}
        else:
            sender = _given(**{"from": phone, "from_user_id": self.customer.user_id})
            inside = {"messages": [{**item, **sender, "text": {"body": event.token}}]}
            self.double.sees(envelope(account="1", number=NUMBER, display="1", **inside))
        return self._change("standby", {"standby": inside})

    def passes(self, event: Passes, at: datetime) -> Json:
        """The thread passes to another owner, or to us."""
        kind = "control_passed" if event.ours else "control_taken"
        phone = self.customer.phone if self.customer.phone in self.names else None
        self.evidence.append(self.names)
        sender = _given(phone_number=phone, user_id=self.customer.user_id)
        told = {kind: {"new_owner_role": "customer_service" if event.ours else "ai_agent"}}
        value = {"sender": sender, "timestamp": str(int(at.timestamp())), "type": kind, **told}
        return self._change("messaging_handovers", value)

    def echo(self, event: Echoes, at: datetime) -> Json:
        """A colleague's word to them from the phone app."""
        phone = self.customer.phone if self.customer.phone in self.names else None
        to = _given(to=phone, to_user_id=self.customer.user_id)
        self.evidence.append(self.names)
        stamp = {"id": f"wamid.phone.{self.index}.{event.at:.3f}", "timestamp": str(int(at.timestamp()))}
        item = {"from": self.double.display, **to, **stamp, "type": "text", "text": {"body": "from the phone"}}
        return self._change("smb_message_echoes", {"message_echoes": [item]})

    def _change(self, name: str, value: Json) -> Json:
        meta = {"display_phone_number": self.double.display, "phone_number_id": NUMBER}
        change = {"field": name, "value": {"messaging_product": "whatsapp", "metadata": meta, **value}}
        return {"object": "whatsapp_business_account", "entry": [{"id": self.double.account, "changes": [change]}]}


def _given(**names: str | None) -> dict[str, str]:
    return {key: name for key, name in names.items() if name}
