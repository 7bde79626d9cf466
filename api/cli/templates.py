"""`sahut template ...`: the account's message templates. Imports nothing heavy."""

import typer

from api.cli.common import AsJson, quiet_logs, run, settings, show_json

app = typer.Typer(help="Message templates of the WhatsApp account.", no_args_is_help=True)


@app.callback()
def _templates() -> None:
    """Message templates of the WhatsApp account."""


@app.command()
def sync(as_json: AsJson = False) -> None:
    """Fetch the list of templates from Meta, so that a wrong one is refused before it is sent."""
    quiet_logs()
    found = run(_sync())
    if as_json:
        show_json({"templates": found})
    else:
        print(f"{found} templates.")


async def _sync() -> int:
    from api.mind import open_store
    from api.sending.templates import TemplateWatch
    from api.switchboard import Switchboard
    from api.whatsapp.client import GraphClient
    from sahut.clock import SystemClock
    from sahut.errors import ConfigurationError
    from sahut.turn import Guidance

    chosen, clock = settings(), SystemClock()
    async with open_store(chosen) as store:
        switchboard = Switchboard(store, chosen, clock, Guidance())
        if not await switchboard.accounts():
            raise ConfigurationError("Set SAHUT_WHATSAPP_BUSINESS_ACCOUNT_ID first: templates belong to the account.")
        channel = GraphClient(
            url=chosen.whatsapp_graph_url,
            version=chosen.whatsapp_graph_version,
            token=chosen.whatsapp_access_token.get_secret_value(),
            tokens=switchboard.token,
        )
        try:
            return await TemplateWatch(store, channel, clock, switchboard.accounts).sync()
        finally:
            await channel.close()
