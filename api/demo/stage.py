"""The demo's stage: the real service on the embedded default, a double of WhatsApp, the phones, and one clock.

Everything runs in this process and speaks over HTTP on the loopback address. Knows no scene.
"""

import asyncio
import secrets
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
from pydantic import SecretStr
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from api.app import ROLES, create_app
from api.build import open_house
from api.house import House
from api.mind import open_store
from api.passwords import generated
from api.server import address_of, listen, served
from api.simulator.clock import MovableClock
from api.simulator.graph import ACCOUNT, NUMBER, SECRET, TOKEN, GraphDouble
from api.simulator.pages import mount
from api.simulator.room import Persona, Room
from api.simulator.rules import Rules
from knowledge.attachments import attach
from knowledge.embed import make_embedder
from knowledge.learn import learn
from knowledge.report import Step
from sahut.errors import ConfigurationError
from sahut.models import Role
from sahut.settings import Settings, read_settings
from sahut.shelf import outgoing_shelf
from sahut.store import keys, operators

OFFICE = Path(__file__).parents[2] / "examples" / "tax-office"
ORGANISATION = "Samsat Nusa Raya"
OPERATOR = "Rina"
# What the demo takes over of the user's settings.
MODEL = {"model", "embedder", "openai_api_key", "openai_base_url"}
STARTUP = "Starting the service"


@dataclass(frozen=True)
class Login:
    """Who may sign in at the demo's console."""

    name: str
    email: str
    password: str


@dataclass(frozen=True)
class Stage:
    """A running demo. `address` is the service's, `key` opens REST, `login` the console where there is one."""

    house: House
    double: GraphDouble
    clock: MovableClock
    room: Room
    address: str
    key: str
    login: Login | None

    async def rest(self, name: str) -> httpx.AsyncClient:
        """A client of the REST interface with a key in this name; close it."""
        headers = {"Authorization": f"Bearer {await new_key(self.house, name)}"}
        return httpx.AsyncClient(base_url=f"{self.address}/api/v1/", headers=headers)


@asynccontextmanager
async def open_stage(
    console: Console, *, port: int, behind: timedelta = timedelta(0), personas: tuple[Persona, ...] = ()
) -> AsyncIterator[Stage]:
    """Learn the handbook and start everything. The clock begins `behind` this machine's time."""
    async with AsyncExitStack() as stack:
        graph, door = listen("127.0.0.1", 0), listen("127.0.0.1", port)
        settings = demo_settings(graph=address_of(graph), public_url=address_of(door))
        await asyncio.to_thread(_fresh, settings.home)
        await _learn(settings, console)
        clock = MovableClock(behind=behind)
        double = GraphDouble(clock=clock, rules=Rules(pair_rate=False, statuses=("sent", "delivered", "read")))
        await stack.enter_async_context(served(double.app, graph))
        with console.status(STARTUP):
            house = await stack.enter_async_context(open_house(settings, clock=clock))
            stage = await stack.enter_async_context(opened(house, double, clock, door=door, personas=personas))
        yield stage


@asynccontextmanager
async def opened(
    house: House,
    double: GraphDouble,
    clock: MovableClock,
    *,
    door: socket.socket | None = None,
    roles: tuple[str, ...] = ROLES,
    personas: tuple[Persona, ...] = (),
) -> AsyncIterator[Stage]:
    """A house and its double at work, with the phones beside them. Both run on `clock`; the double is served.

    The house listens at `door`, or at a free port.
    """
    app = create_app(house, roles=roles)
    has_console = "console" in roles
    room = Room(
        double,
        clock,
        business=house.settings.organisation,
        personas=personas,
        console="/console" if has_console else "",
    )
    mount(app, room)
    async with AsyncExitStack() as stack:

        def ending() -> None:
            """The server waits for streams that are open: they end with it."""
            house.events.close()
            room.live.close()

        address = await stack.enter_async_context(served(app, door or listen("127.0.0.1", 0), ending))
        double.mail.client = await stack.enter_async_context(httpx.AsyncClient(base_url=address))
        double.mail.start()
        stack.push_async_callback(double.mail.stop)
        login = await new_login(house) if has_console else None
        yield Stage(house, double, clock, room, address, await new_key(house, "demo"), login)


async def new_key(house: House, name: str) -> str:
    """A key for REST that may read and write."""
    async with house.store.transaction() as tx:
        _, secret = await keys.create(tx, name, ["read", "write"], now=house.clock.now())
        return secret


async def new_login(house: House) -> Login:
    """The demo's operator, with a password made for this demo."""
    login = Login(OPERATOR, f"{OPERATOR.lower()}@example.com", generated())
    kept = await house.passwords.hash(login.password)
    async with house.store.transaction() as tx:
        await operators.add(
            tx, email=login.email, name=login.name, role=Role.ADMIN, password_hash=kept, now=house.clock.now()
        )
    return login


def demo_settings(*, graph: str, public_url: str) -> Settings:
    """The demo's own settings; of the user's only the models and their server are taken over."""
    user = read_settings()
    fields = Settings.model_fields.items()
    return user.model_copy(
        update={
            **{name: field.get_default(call_default_factory=True) for name, field in fields if name not in MODEL},
            "home": user.home / "demo",
            "organisation": ORGANISATION,
            "public_url": public_url,
            "burst_wait_ms": 300,
            # Short, so that the phones' last minute leaves time to try what still goes through.
            "window_margin_s": 20.0,
            "whatsapp_graph_url": graph,
            "whatsapp_phone_number_id": NUMBER,
            "whatsapp_business_account_id": ACCOUNT,
            "whatsapp_access_token": SecretStr(TOKEN),
            "whatsapp_app_secret": SecretStr(SECRET),
            "whatsapp_verify_token": SecretStr(secrets.token_urlsafe(16)),
            "secret_key": SecretStr(secrets.token_urlsafe(32)),
        }
    )


def _fresh(home: Path) -> None:
    """Every demo begins on an empty database and with the sample forms; the folder is the demo's alone."""
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(OFFICE / "forms", home / "forms")


async def _learn(settings: Settings, console: Console) -> None:
    async with open_store(settings) as store:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=console) as bar:
            task = bar.add_task("Learning the sample handbook", total=None)

            def progress(step: Step) -> None:
                bar.update(task, completed=step.number, total=step.total)

            report = await learn(
                store, make_embedder(settings, only_learns=True), [OFFICE / "handbook"], progress=progress
            )
        files = await attach(store, outgoing_shelf(settings.home), [OFFICE / "files"])
    if report.failed or files.failed:
        raise ConfigurationError(f"The sample office could not be learned: {report.failed or files.failed}")
