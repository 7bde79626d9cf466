"""`sahut operator ...`: who may sign in at the console. Imports nothing heavy."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.common import AsJson, quiet_logs, run, settings, show_json

if TYPE_CHECKING:
    from sahut.models import Operator
    from sahut.store import Tx

app = typer.Typer(help="People who may sign in at the console.", no_args_is_help=True)

Email = Annotated[str, typer.Argument(help="The operator's e-mail address.")]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input instead of making one.")
]


@app.callback()
def _operators() -> None:
    """People who may sign in at the console."""


@app.command()
def add(
    email: Email,
    role: Annotated[str, typer.Option(help="operator, supervisor or admin.")] = "operator",
    name: Annotated[str, typer.Option(help="As colleagues see it; empty: the address.")] = "",
    team: Annotated[str, typer.Option(help="Whose numbers' requests they see; empty: all.")] = "",
    password_stdin: FromStdin = False,
    as_json: AsJson = False,
) -> None:
    """Add an operator. At a terminal the password is asked for, elsewhere one is made and shown this once."""
    quiet_logs()
    password, made = _password(password_stdin, ask=not as_json)
    operator = run(_add(email, role, name, team, password))
    _tell(operator, password if made else None, f"{operator.email} may sign in as {operator.role}.", as_json)


@app.command("list")
def list_all(as_json: AsJson = False) -> None:
    """Show every operator, disabled ones too."""
    quiet_logs()
    found = run(_listed())
    if as_json:
        show_json([_view(operator) for operator in found])
        return
    for operator in found:
        state = "disabled" if operator.disabled_at else operator.role
        print(f"{operator.email}  {state}  {operator.name}".rstrip())
    if not found:
        print("There is no operator yet: sahut operator add EMAIL --role admin")


@app.command()
def disable(email: Email, as_json: AsJson = False) -> None:
    """Sign an operator out everywhere and let them in no more."""
    quiet_logs()
    operator = run(_disable(email))
    _tell(operator, None, f"{operator.email} can sign in no more.", as_json)


@app.command()
def enable(email: Email, as_json: AsJson = False) -> None:
    """Let a disabled operator in again, with the password that they had."""
    quiet_logs()
    operator = run(_enable(email))
    _tell(operator, None, f"{operator.email} may sign in again.", as_json)


@app.command()
def password(email: Email, password_stdin: FromStdin = False, as_json: AsJson = False) -> None:
    """Give an operator another password; every session under the old one ends."""
    quiet_logs()
    fresh, made = _password(password_stdin, ask=not as_json)
    operator = run(_set_password(email, fresh))
    _tell(operator, fresh if made else None, f"{operator.email} has another password.", as_json)


def _password(from_stdin: bool, *, ask: bool) -> tuple[str, bool]:
    """A password, and whether it was made here."""
    from api.passwords import generated

    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n"), False
    if ask and sys.stdin.isatty():
        asked = "Password (empty: make one)"
        given: str = typer.prompt(asked, default="", show_default=False, hide_input=True, confirmation_prompt=True)
        if given:
            return given, False
    return generated(), True


def _tell(operator: "Operator", password: str | None, text: str, as_json: bool) -> None:
    if as_json:
        show_json(_view(operator) | ({"password": password} if password else {}))
        return
    print(text)
    if password:
        print(f"Password: {password} (shown this once)")


def _view(operator: "Operator") -> dict[str, Any]:
    shown = {"id", "email", "name", "role", "team", "created_at", "disabled_at"}
    return dict(operator.model_dump(mode="json", include=shown))


@asynccontextmanager
async def _writing() -> "AsyncIterator[Tx]":
    from api.mind import open_store

    async with open_store(settings()) as store, store.transaction() as tx:
        yield tx


async def _found(tx: "Tx", email: str) -> "Operator":
    from sahut.errors import NotFound
    from sahut.store import operators

    operator = await operators.find(tx, operators.normal_email(email))
    if operator is None:
        raise NotFound(f"There is no operator {email}: `sahut operator list` shows them.")
    return operator


async def _add(email: str, role: str, name: str, team: str, password: str) -> "Operator":
    from api.passwords import Passwords
    from api.whatsapp.clean import clean_text
    from sahut.clock import SystemClock
    from sahut.errors import ConfigurationError
    from sahut.models import Role
    from sahut.store import operators

    if role not in set(Role):
        raise ConfigurationError(f"There is no role {role!r}: give {', '.join(Role)}.")
    operators.normal_email(email)
    kept = await Passwords().hash(password)
    async with _writing() as tx:
        return await operators.add(
            tx,
            email=email,
            name=clean_text(name, 100).strip(),
            role=Role(role),
            team=" ".join(clean_text(team, 100).split()),
            password_hash=kept,
            now=SystemClock().now(),
        )


async def _listed() -> "list[Operator]":
    from sahut.store import operators

    async with _writing() as tx:
        return list(await operators.listed(tx, limit=10_000))


async def _disable(email: str) -> "Operator":
    from sahut.clock import SystemClock
    from sahut.store import operators

    async with _writing() as tx:
        operator = await _found(tx, email)
        await operators.disable(tx, operator.id, now=SystemClock().now())
        await tx.refresh(operator)
        return operator


async def _enable(email: str) -> "Operator":
    from sahut.store import operators

    async with _writing() as tx:
        operator = await _found(tx, email)
        await operators.enable(tx, operator.id)
        await tx.refresh(operator)
        return operator


async def _set_password(email: str, password: str) -> "Operator":
    from api.passwords import Passwords
    from sahut.store import operators

    kept = await Passwords().hash(password)
    async with _writing() as tx:
        operator = await _found(tx, email)
        await operators.set_password(tx, operator.id, kept)
        return operator
