"""`sahut demo`: the sample office, played in the terminal through the real service and a double of WhatsApp.

The customers' messages go through the signed webhook over HTTP, the answers come back through the Graph client over
HTTP, and what is shown is read back over REST. Knows no part's inside.
"""

import asyncio
import logging
import secrets
import shutil
import signal
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
from pydantic import SecretStr
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from api.app import create_app
from api.build import open_house, open_store
from api.house import House
from api.logs import start_logs
from api.screenplay import Player, Scene, read_scenes
from api.server import address_of, listen, served
from api.simulator.graph import ACCOUNT, NUMBER, SECRET, TOKEN, GraphDouble
from api.simulator.rules import Rules
from knowledge.embed import make_embedder
from knowledge.learn import Step, learn
from sahut.errors import ConfigurationError
from sahut.settings import Settings, read_settings
from sahut.store import keys

OFFICE = Path(__file__).parent.parent / "examples" / "tax-office"
ORGANISATION = "Samsat Nusa Raya"
# What the demo takes over of the user's settings.
MODEL = {"model", "embedder", "openai_api_key", "openai_base_url"}
STARTUP = "Starting the service"


async def play_demo(*, once: bool, port: int) -> bool:
    """Play the scenes; whether every reply was right. Without `once` the service stays up afterwards."""
    console = Console(highlight=False)
    start_logs(logging.WARNING, for_people=True)
    scenes = _scenes()
    async with AsyncExitStack() as stack:
        graph = listen("127.0.0.1", 0)
        settings = _settings(address_of(graph))
        _fresh(settings.home)
        await _learn(settings, console)
        double = GraphDouble(rules=Rules(pair_rate=False, statuses=("sent", "delivered", "read")))
        await stack.enter_async_context(served(double.app, graph))
        with console.status(STARTUP):
            house = await stack.enter_async_context(open_house(settings))
            address = await stack.enter_async_context(
                served(create_app(house), listen("127.0.0.1", port), house.events.close)
            )
        double.mail.client = await stack.enter_async_context(httpx.AsyncClient(base_url=address))
        double.mail.start()
        stack.push_async_callback(double.mail.stop)
        key = await _key(house)
        headers = {"Authorization": f"Bearer {key}"}
        rest = await stack.enter_async_context(httpx.AsyncClient(base_url=f"{address}/api/v1/", headers=headers))
        console.print(f"Model: {settings.chat_model}. Each line below went through {address}/webhooks/whatsapp.\n")
        right = await Player(double, rest, console).play(scenes)
        if not once:
            await _stay_up(console, address, key)
        return right


def _scenes() -> list[Scene]:
    if not OFFICE.is_dir():
        raise ConfigurationError("The demo needs the examples/ folder: run it in a checkout of the project.")
    return read_scenes(OFFICE / "demo.yaml")


def _settings(graph: str) -> Settings:
    """The demo's own settings; of the user's only the models and their server are taken over."""
    user = read_settings()
    fields = Settings.model_fields.items()
    return user.model_copy(
        update={
            **{name: field.get_default(call_default_factory=True) for name, field in fields if name not in MODEL},
            "home": user.home / "demo",
            "organisation": ORGANISATION,
            "burst_wait_ms": 300,
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
    """Every demo begins on an empty database; the folder is the demo's alone."""
    shutil.rmtree(home, ignore_errors=True)


async def _learn(settings: Settings, console: Console) -> None:
    async with open_store(settings) as store:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=console) as bar:
            task = bar.add_task("Learning the sample handbook", total=None)

            def progress(step: Step) -> None:
                bar.update(task, completed=step.number, total=step.total)

            report = await learn(store, make_embedder(settings), [OFFICE / "handbook"], progress=progress)
    if report.failed:
        raise ConfigurationError(f"The sample handbook could not be learned: {report.failed}")


async def _key(house: House) -> str:
    async with house.store.transaction() as tx:
        _, secret = await keys.create(tx, "demo", ["read", "write"], now=house.clock.now())
        return secret


async def _stay_up(console: Console, address: str, key: str) -> None:
    console.print(f"\nThe service stays up at {address}. Look around with the demo's key:")
    for path in ("handoffs", "tickets", "conversations"):
        console.print(f'  curl -H "Authorization: Bearer {key}" {address}/api/v1/{path}', soft_wrap=True)
    console.print(f"  {address}/api/v1/openapi.json and {address}/metrics\nCtrl-C ends it.")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
