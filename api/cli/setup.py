"""`sahut init`, `doctor`, `migrate` and `key create`: putting an installation on its feet."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli.common import AsJson, quiet_logs, run, settings, show_json

key_app = typer.Typer(help="Keys for the REST interface.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command()(init)
    app.command()(doctor)
    app.command()(migrate)


def init(as_json: AsJson = False) -> None:
    """Write .env from a commented template (never over an existing one) and make the database."""
    quiet_logs()
    from api.envfile import write_env

    path = Path(".env")
    wrote = not path.exists()
    if wrote:
        write_env(path)
    changed = run(_migrate())
    if as_json:
        show_json({"wrote_env": wrote, "migrated": changed})
        return
    print(
        "Wrote .env: fill in the WhatsApp part, then `sahut doctor` tells what is missing."
        if wrote
        else ".env is there already; it is left as it is."
    )
    print("The database is ready." if changed else "The database was up to date.")


def doctor(as_json: AsJson = False) -> None:
    """Check settings, database, index, model, token and names; exit code 1 on any failure."""
    quiet_logs()
    from api.doctor import examine

    findings = run(examine())
    if as_json:
        show_json([finding.__dict__ for finding in findings])
    else:
        for finding in findings:
            print(f"{finding.state.upper():5} {finding.what}: {finding.says}")
    if any(finding.state == "fail" for finding in findings):
        raise typer.Exit(1)


def migrate(as_json: AsJson = False) -> None:
    """Bring the database to this version."""
    quiet_logs()
    changed = run(_migrate())
    if as_json:
        show_json({"migrated": changed})
    else:
        print("Migrated." if changed else "Nothing to do.")


async def _migrate() -> bool:
    from api.mind import prepare_home
    from sahut.migrations import migrate as bring_up
    from sahut.store import Store

    chosen = settings()
    if not chosen.database_url:
        prepare_home(chosen.home)
    store = Store(chosen.store_url)
    try:
        return await bring_up(store)
    finally:
        await store.close()


@key_app.callback()
def _keys() -> None:
    """Keys for the REST interface."""


@key_app.command("create")
def create_key(
    name: Annotated[str, typer.Argument(help="Whose key it is; shown beside what the key does.")],
    scope: Annotated[list[str], typer.Option(help="read, write or admin; may be repeated.")],
    as_json: AsJson = False,
) -> None:
    """Make an API key; it is shown this once."""
    quiet_logs()
    secret = run(_create_key(name, scope))
    if as_json:
        show_json({"key": secret})
    else:
        print(secret)


async def _create_key(name: str, scopes: list[str]) -> str:
    from api.mind import open_store
    from sahut.clock import SystemClock
    from sahut.errors import ConfigurationError
    from sahut.store import keys

    unknown = [scope for scope in scopes if scope not in keys.SCOPES]
    if unknown:
        raise ConfigurationError(f"There is no scope {unknown[0]!r}: give {', '.join(keys.SCOPES)}.")
    async with open_store(settings()) as store, store.transaction() as tx:
        _, secret = await keys.create(tx, name, scopes, now=SystemClock().now())
        return secret
