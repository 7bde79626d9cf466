"""Rumah Rempah's books in one play, what its tools do to them, and what the end is worth. Knows no assistant."""

import re
from collections.abc import Awaitable, Callable, Sequence
from copy import deepcopy
from typing import Any

from evals.customers import ScriptedCustomer
from evals.environment import End, Reward, WorldTool
from evals.shop.scenes import ORDERS, PICKUP_CODE, Scene
from sahut.authority import Identity
from tools.sources import Declaration

Arguments = dict[str, Any]
_ORDER = {"type": "string", "pattern": r"^\d{4}$", "description": "The order's number, four digits."}


class ShopWorld:
    """An `evals.environment.World`. The identity rises to `code` with an order's right pickup code."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.customer = ScriptedCustomer(scene.opening, *scene.lines)
        self.identity: Identity = "number"
        self.orders = deepcopy({number: dict(order) for number, order in ORDERS.items()})
        self._known: set[str] = set()

    @property
    def tools(self) -> Sequence[WorldTool]:
        """What the shop lets an assistant do, and on what conditions."""
        return (
            _tool("find_order", self._find, _FIND, order=_ORDER),
            _tool("cancel_order", self._cancel, _CANCEL, order=_ORDER),
            _tool(
                "change_quantity",
                self._change_quantity,
                _QUANTITY,
                order=_ORDER,
                spice={"type": "string", "description": "As it stands in the order."},
                jars={"type": "integer", "minimum": 1, "maximum": 50},
            ),
            _tool("check_pickup_code", self._check_code, _CODE, order=_ORDER, code={"type": "string"}),
            _tool("change_address", self._change_address, _ADDRESS, order=_ORDER, address={"type": "string"}),
            _tool("refund_order", self._refund, _REFUND, order=_ORDER),
        )

    async def check(self, end: End) -> Reward:
        """Whether the books are as they should be, and the customer was told what matters."""
        wrong = [flaw for number in ORDERS for flaw in self._flaws(number)]
        if wrong:
            return Reward(value=0, why="; ".join(wrong))
        unsaid = [pattern for pattern in self.scene.told if not re.search(pattern, end.told, re.IGNORECASE)]
        if unsaid:
            return Reward(value=0, why=f"the customer was not told: {unsaid[0]}")
        waits = end.waiting.name if end.waiting else ""
        if waits != self.scene.waits:
            asked = self.scene.waits or "nothing"
            return Reward(value=0, why=f"{asked} should wait for an operator, not {waits or 'nothing'}")
        return Reward(value=1)

    def _flaws(self, number: str) -> list[str]:
        """What of an order is not as it should be."""
        wanted, order = {**ORDERS[number], **self.scene.changes.get(number, {})}, self.orders[number]
        differs = [name for name in wanted if order[name] != wanted[name]]
        return [f"order {number}: {name} should be {wanted[name]}, and is {order[name]}" for name in differs]

    async def _find(self, arguments: Arguments) -> str:
        number = arguments["order"]
        if not self._is_mine(number):
            return _unknown(number)
        order = self.orders[number]
        jars = ", ".join(f"{count} of {spice}" for spice, count in order["jars"].items())
        return f"Order {number} ({jars}) is {order['status']}. It goes to {order['address']}."

    async def _cancel(self, arguments: Arguments) -> str:
        number = arguments["order"]
        if refused := self._fixed(number, "cancelled"):
            return refused
        self.orders[number]["status"] = "cancelled"
        return f"Order {number} is cancelled."

    async def _change_quantity(self, arguments: Arguments) -> str:
        number, spice, jars = arguments["order"], arguments["spice"].casefold(), arguments["jars"]
        if refused := self._fixed(number, "changed"):
            return refused
        if spice not in self.orders[number]["jars"]:
            return f"There is no {spice} in order {number}."
        self.orders[number]["jars"][spice] = jars
        return f"Order {number} has {jars} of {spice} now."

    async def _check_code(self, arguments: Arguments) -> str:
        number = arguments["order"]
        if not self._is_mine(number) or arguments["code"].strip().upper() != PICKUP_CODE:
            return f"That is not the pickup code of order {number}."
        self.identity = "code"
        self._known.add(number)
        return f"Thank you, that is the pickup code of order {number}."

    async def _change_address(self, arguments: Arguments) -> str:
        number, address = arguments["order"], arguments["address"].strip()
        if refused := self._fixed(number, "changed"):
            return refused
        if number not in self._known:
            return f"For order {number} we need its pickup code first."
        self.orders[number]["address"] = address
        return f"Order {number} goes to {address} now."

    async def _refund(self, arguments: Arguments) -> str:
        number = arguments["order"]
        if not self._is_mine(number) or self.orders[number]["status"] != "delivered":
            return f"Order {number} cannot be refunded."
        self.orders[number]["status"] = "refunded"
        return f"The money for order {number} is on its way."

    def _is_mine(self, number: str) -> bool:
        return bool(self.orders.get(number, {}).get("mine"))

    def _fixed(self, number: str, what: str) -> str:
        """Why the order cannot be changed; empty where it can."""
        if not self._is_mine(number):
            return _unknown(number)
        status = self.orders[number]["status"]
        return "" if status == "received" else f"Order {number} is {status}, so it cannot be {what} any more."


def _tool(
    name: str, run: Callable[[Arguments], Awaitable[str]], declared: Declaration, **properties: dict[str, Any]
) -> WorldTool:
    """A tool all of whose arguments are required."""
    shape = {"type": "object", "properties": properties, "required": list(properties)}
    return WorldTool(name, shape, run, declared)


def _unknown(number: str) -> str:
    return f"There is no order {number} under this phone number."


_FIND = Declaration(
    effect="read",
    description="Looks up one of the customer's own orders: what is in it, how it stands, where it goes.",
    examples=("where is my order", "what is the status of my order", "di mana pesanan saya"),
)
_CANCEL = Declaration(
    effect="write",
    description="Cancels one of the customer's own orders that is received and not packed yet.",
    examples=("please cancel my order", "I want to cancel my order", "tolong batalkan pesanan saya"),
    questions={"en": "Shall I cancel order {order}?", "id": "Saya batalkan pesanan {order}?"},
)
_QUANTITY = Declaration(
    effect="write",
    description="Changes how many jars of a spice are in one of the customer's own orders, while it is received.",
    questions={"en": "Shall I make it {jars} of {spice} in order {order}?"},
)
_CODE = Declaration(
    effect="write",
    confirms="nobody",
    description="Checks an order's pickup code that the customer has told.",
)
_ADDRESS = Declaration(
    effect="write",
    identity="code",
    description="Changes where one of the customer's own orders goes, once its pickup code was checked.",
    questions={"en": "Shall I send order {order} to {address}?"},
)
_REFUND = Declaration(
    description="Gives back the money for one of the customer's own orders that was delivered.",
    examples=("I want my money back for my order", "please refund my order", "saya minta uang kembali"),
)
