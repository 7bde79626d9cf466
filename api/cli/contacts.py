"""`sahut contact ...`: what is kept of a person. Imports nothing heavy."""

import sys
from typing import Annotated

import typer

from api.cli.common import AsJson, quiet_logs, run, settings, show_json

app = typer.Typer(help="What is kept of a person.", no_args_is_help=True)


@app.callback()
def _contacts() -> None:
    """What is kept of a person."""


@app.command()
def erase(
    contact: Annotated[str, typer.Argument(metavar="ID", help="The contact's id, as REST and the console show it.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase a person with all that they wrote and all that was written to them. It cannot be undone."""
    quiet_logs()
    if not yes:
        if not sys.stdin.isatty():
            print("Nothing was erased: give --yes where nobody can be asked.", file=sys.stderr)
            raise typer.Exit(2)
        typer.confirm(f"Erase the contact {contact} for good?", abort=True)
    erased = run(_erase(contact))
    if as_json:
        show_json({"contact": contact, "erased": erased})
        return
    print(f"Erased: {', '.join(f'{count} {name}' for name, count in erased.items() if count)}.")


async def _erase(contact_id: str) -> dict[str, int]:
    from api.desk.erasing import erase_contact
    from api.mind import open_store
    from sahut.clock import SystemClock
    from sahut.models import Role
    from sahut.rules import Actor

    chosen = settings()
    actor = Actor(id="cli", name="sahut contact erase", role=Role.ADMIN)
    async with open_store(chosen) as store:
        return await erase_contact(store, chosen, contact_id, actor=actor, now=SystemClock().now())
