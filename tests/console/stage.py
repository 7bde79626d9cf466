"""The stage of the console's plays: a whole house that really listens on a port, and operators in real browsers.

The house runs in a thread of its own, with its loop: NiceGUI knows one loop, and the browsers are driven from the
test's thread. Customers are people at a double of WhatsApp. Time is real, so plays wait for what they expect to see.
"""

import asyncio
import shutil
import threading
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import httpx
import sqlalchemy as sa
from argon2 import PasswordHasher
from sqlmodel import col

from api import auth
from api.app import create_app
from api.build import open_house
from api.house import House
from api.passwords import Passwords
from api.server import address_of, listen, served
from api.simulator.customers import Customer
from api.simulator.graph import GraphDouble
from api.simulator.rules import Rules
from sahut.authority import digest_of
from sahut.ids import new_id
from sahut.models import ConfirmationRow, ContactIdentity, Conversation, Role
from sahut.store import inbox, operators
from sahut.tool import ToolContext, tool
from tests.journeys.stage import settings_for
from tools.toolbox import Toolbox
from tools.typed import typed

T = TypeVar("T")
PASSWORD = "correct horse battery"
PATIENCE_S = 30


def find_chromium() -> str | None:
    """An installed Chromium."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((path for path in map(shutil.which, names) if path), None)


PAID: list[tuple[str, int]] = []


@tool()
async def pay_back(context: ToolContext, order: str, amount: int) -> str:
    """Pays an order back; an operator must agree."""
    PAID.append((order, amount))
    return f"{amount} paid back for {order}."


class Stage:
    """One house behind a port. Use it as a context manager."""

    def __init__(self, url: str, home: Path) -> None:
        self._url, self._home = url, home
        self._phones = count(6281300000001)
        self._ready, self._end = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=self._live, name="house")
        self._trouble: BaseException | None = None
        self.house: House
        self.double: GraphDouble
        self.address: str
        self.loop: asyncio.AbstractEventLoop

    def __enter__(self) -> "Stage":
        self._thread.start()
        self._ready.wait(60)
        if self._trouble is not None:
            raise RuntimeError("the house did not open") from self._trouble
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.call_soon_threadsafe(self._end.set)
        self._thread.join(30)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something in the house's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(PATIENCE_S)

    def _live(self) -> None:
        try:
            asyncio.run(self._open())
        except BaseException as error:
            self._trouble = error
            self._ready.set()

    async def _open(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.double = GraphDouble(rules=Rules(pair_rate=False, statuses=("sent", "delivered", "read")), seed=1)
        settings = settings_for(self._url, self._home)
        listening = listen("127.0.0.1", 0)
        self.address = address_of(listening)
        async with AsyncExitStack() as stack:
            house = open_house(settings, transport=self.double.transport())
            # Passwords are hashed lightly here; that they are hashed well is tested elsewhere.
            light = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
            box = Toolbox.from_entry_points([typed(pay_back)])
            self.house = replace(await stack.enter_async_context(house), passwords=light, toolbox=box)
            await stack.enter_async_context(served(create_app(self.house), listening))
            self.double.mail.client = await stack.enter_async_context(httpx.AsyncClient(base_url=self.address))
            self.double.mail.start()
            stack.push_async_callback(self.double.mail.stop)
            self._ready.set()
            await self._end.wait()

    # --- who is there

    def customer(self, name: str) -> Customer:
        """Somebody new with a phone."""
        return self.double.customer(str(next(self._phones)), name)

    def says(self, customer: Customer, text: str) -> None:
        """A customer writes."""
        self.run(customer.says(text))

    def wants(self, customer: Customer, **arguments: Any) -> None:
        """A tool wants to do something for the customer that an operator must agree to."""
        self.run(self._want(customer, arguments))

    async def _want(self, customer: Customer, arguments: dict[str, Any]) -> None:
        now = self.house.clock.now()
        async with self.house.store.transaction() as tx:
            query = sa.select(ContactIdentity.contact_id).where(col(ContactIdentity.value) == customer.phone)
            contact = (await tx.execute(query)).scalar_one()
            mine = sa.select(Conversation.id).where(col(Conversation.contact_id) == contact)
            tx.add(
                ConfirmationRow(
                    id=new_id(),
                    conversation_id=(await tx.execute(mine)).scalar_one(),
                    tool="pay_back",
                    arguments=arguments,
                    digest=digest_of("pay_back", arguments),
                    confirms="operator",
                    created_at=now,
                    expires_at=now + timedelta(days=1),
                )
            )

    def sends(self, customer: Customer, kind: str, content: Any) -> None:
        """A customer sends something else."""
        self.run(customer.sends(customer.message(kind, content)))

    def hired(self, name: str, role: Role = Role.OPERATOR) -> str:
        """A new operator; their e-mail address."""
        email = f"{name.split(maxsplit=1)[0].lower()}-{next(self._phones)}@example.com"
        self.run(self._hire(email, name, role))
        return email

    async def _hire(self, email: str, name: str, role: Role) -> None:
        kept = await self.house.passwords.hash(PASSWORD)
        async with self.house.store.transaction() as tx:
            await operators.add(tx, email=email, name=name, role=role, password_hash=kept, now=self.house.clock.now())

    def session(self, email: str) -> dict[str, str]:
        """A cookie of somebody who has signed in."""
        token = self.run(auth.sign_in(self.house, email, PASSWORD))
        assert isinstance(token, str)
        return {"name": auth.COOKIE, "value": token, "url": self.address}

    def got(self, customer: Customer) -> list[str]:
        """What a customer has on their phone from us."""
        return [sent.text for sent in customer.received]

    def change(self, customer: Customer, **columns: Any) -> None:
        """Set columns of a customer's conversation, as time or somebody elsewhere would."""
        self.run(self._change(customer, columns))

    async def _change(self, customer: Customer, columns: dict[str, Any]) -> None:
        async with self.house.store.transaction() as tx:
            key = await tx.scalar(
                sa.select(col(Conversation.id))
                .join(ContactIdentity, col(ContactIdentity.contact_id) == col(Conversation.contact_id))
                .where(col(ContactIdentity.value) == customer.phone)
            )
            await inbox.update_conversation(tx, str(key), **columns)

    def eventually(self, is_so: Callable[[], bool]) -> None:
        """Wait for what happens by itself in the house."""
        self.run(_until(is_so))


async def _until(is_so: Callable[[], bool]) -> None:
    for _ in range(PATIENCE_S * 50):
        if is_so():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it never came to pass")
