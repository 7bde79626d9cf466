"""`sahut demo`: the sample office, played in the terminal through the real service and a double of WhatsApp.

The customers' messages go through the signed webhook over HTTP, the answers come back through the Graph client over
HTTP, and what is shown is read back over REST. Knows no part's inside.
"""

import asyncio
import logging
import signal
from datetime import timedelta

from rich.console import Console

from api.demo.screenplay import Player, Scene, read_scenes
from api.demo.seeding import Desk, Seeder, read_desk
from api.demo.stage import OFFICE, Stage, open_stage
from api.logs import start_logs
from sahut.errors import ConfigurationError

# The desk's first conversation is not the first thing that ever happened.
BEFORE = timedelta(minutes=10)
# So long a person takes to write, and so far apart Meta wants the messages to one customer.
TYPING = timedelta(seconds=7)


async def play_demo(*, once: bool, port: int) -> bool:
    """Play the scenes; whether every reply was right. Without `once` a desk is filled before, and all stays up."""
    console = Console(highlight=False)
    start_logs(logging.WARNING, for_people=True)
    scenes, desk = _office()
    behind = timedelta(0) if once else desk.begins + BEFORE
    async with open_stage(console, port=port, behind=behind, personas=desk.people) as stage:
        if not once:
            await Seeder(stage, console).fill(desk)
        right = await _play(stage, scenes, console)
        if not once:
            await _stay_up(console, stage)
        return right


def _office() -> tuple[list[Scene], Desk]:
    if not OFFICE.is_dir():
        raise ConfigurationError("The demo needs the examples/ folder: run it in a checkout of the project.")
    return read_scenes(OFFICE / "demo.yaml"), read_desk(OFFICE / "desk.yaml")


async def _play(stage: Stage, scenes: list[Scene], console: Console) -> bool:
    model = stage.house.settings.chat_model
    console.print(f"Model: {model}. Each line below went through {stage.address}/webhooks/whatsapp.\n")
    async with await stage.rest("play") as rest:
        return await Player(stage.double, rest, console, lambda: stage.clock.move(TYPING)).play(scenes)


async def _stay_up(console: Console, stage: Stage) -> None:
    for line in _doors(stage):
        console.print(line, soft_wrap=True)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()


def _doors(stage: Stage) -> list[str]:
    """Where to look around, a line for each door."""
    login = stage.login
    console = [f"  Console     {stage.address}/console  {login.email}  {login.password}"] if login else []
    return [
        "\nThe service stays up.",
        f"  Phones      {stage.address}/simulator",
        *console,
        f"  REST        {stage.address}/api/v1/openapi.json",
        f'              curl -H "Authorization: Bearer {stage.key}" {stage.address}/api/v1/handoffs',
        f"  Metrics     {stage.address}/metrics",
        "Ctrl-C ends it.",
    ]
