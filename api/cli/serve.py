"""`sahut serve`, `sahut work` and `sahut demo`: running the service."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.common import run, settings, settle_in

if TYPE_CHECKING:
    from sahut.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command()(serve)
    app.command()(work)
    app.command()(demo)


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8000,
    roles: Annotated[str, typer.Option(help="Which parts run here, comma-separated.")] = "web,worker,console",
) -> None:
    """Run the service: webhook, REST, worker and the operators' console."""
    parts = _roles(roles)
    chosen = settings()
    _refuse_unready(chosen)
    run(_serve(chosen, host, port, parts))


def work() -> None:
    """Run one more worker beside a running service (PostgreSQL only)."""
    from sahut.errors import ConfigurationError

    chosen = settings()
    if not chosen.database_url.startswith("postgresql"):
        raise ConfigurationError(
            "More than one worker needs PostgreSQL: set SAHUT_DATABASE_URL=postgresql+psycopg://... "
            "On SQLite `sahut serve` already runs the one worker."
        )
    if not chosen.chroma_url:
        raise ConfigurationError(
            "Several workers need one index: start a Chroma server (chroma run) and set SAHUT_CHROMA_URL to it."
        )
    run(_work(chosen))


def demo(
    once: Annotated[bool, typer.Option("--once", help="End after the play: 0 if every reply was right.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8000,
) -> None:
    """Play the sample office in the terminal: a real service, a double of WhatsApp, no key needed."""
    from api.demo.play import play_demo

    if not run(play_demo(once=once, port=port)):
        raise typer.Exit(1)


def _roles(given: str) -> tuple[str, ...]:
    from api.app import ROLES
    from sahut.errors import ConfigurationError

    chosen = tuple(role.strip() for role in given.split(",") if role.strip())
    unknown = [role for role in chosen if role not in ROLES]
    if unknown or not chosen:
        raise ConfigurationError(f"--roles takes {', '.join(ROLES)}; not {', '.join(unknown) or 'nothing'}.")
    return chosen


def _refuse_unready(chosen: "Settings") -> None:
    """Sessions need their key; what the number lacks is said, since REST and the probes work without it."""
    from sahut.errors import ConfigurationError

    if not chosen.secret_key.get_secret_value():
        raise ConfigurationError("SAHUT_SECRET_KEY is not set: it signs sessions; `sahut init` writes one into .env.")
    for name, value, why in (
        ("SAHUT_WHATSAPP_APP_SECRET", "".join(chosen.app_secrets), "every webhook is refused without it"),
        ("SAHUT_WHATSAPP_PHONE_NUMBER_ID", chosen.whatsapp_phone_number_id, "no message is for us without it"),
        (
            "SAHUT_WHATSAPP_ACCESS_TOKEN",
            chosen.whatsapp_access_token.get_secret_value(),
            "nothing can be sent without it",
        ),
    ):
        if not value:
            print(f"Warning: {name} is not set: {why}.", file=sys.stderr)


async def _serve(chosen: "Settings", host: str, port: int, roles: tuple[str, ...]) -> None:
    from api.app import create_app
    from api.build import open_house
    from api.logs import start_logs
    from api.server import serve_app

    start_logs()
    async with open_house(chosen, roles=roles) as house:
        settle_in()
        await serve_app(create_app(house, roles=roles), host, port, _announce, house.events.close)


def _announce(address: str) -> None:
    print(
        f"Sahut listens on {address} (webhook: /webhooks/whatsapp, REST: /api/v1/openapi.json, console: /console)",
        flush=True,
    )


async def _work(chosen: "Settings") -> None:
    import signal
    from asyncio import CancelledError, create_task, get_running_loop

    from api.build import open_house
    from api.logs import start_logs

    start_logs()
    async with open_house(chosen, roles=("worker",)) as house:
        settle_in()
        task = create_task(house.worker.run())
        for stop in (signal.SIGINT, signal.SIGTERM):
            get_running_loop().add_signal_handler(stop, task.cancel)
        print("One more worker is at work.", flush=True)
        try:
            await task
        except CancelledError:
            print("Stopped.")
