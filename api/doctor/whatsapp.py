"""The numbers at Meta: whether they can send, are heard, and what Meta says of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from api.doctor.finding import Finding
from api.whatsapp.client import GraphClient
from sahut.clock import SystemClock
from sahut.errors import SahutError
from sahut.ours import OurNumber
from sahut.settings import Settings
from sahut.turn import Guidance


async def number(settings: Settings) -> Finding:
    """Meta's record of the number of the settings."""
    if not _can_call(settings):
        says = "set SAHUT_WHATSAPP_ACCESS_TOKEN and SAHUT_WHATSAPP_PHONE_NUMBER_ID to send and receive"
        return Finding("warn", "number", says)
    async with _graph(settings, settings.whatsapp_access_token.get_secret_value()) as client:
        return _standing("number", await client.number_status(settings.whatsapp_phone_number_id))


def _standing(what: str, status: dict[str, Any]) -> Finding:
    """Meta's record of a number in one line."""
    name, standing = status.get("verified_name", "?"), status.get("status", "?")
    quality = status.get("quality_rating", "?")
    badge = "with the blue check" if status.get("is_official_business_account") else "without the blue check"
    review = f"name {status.get('name_status', '?')}, {badge}"
    says = f"{status.get('display_phone_number', '?')} ({name}), {review}, {standing}, quality {quality}"
    return Finding("ok" if standing == "CONNECTED" else "warn", what, says)


async def more_numbers(settings: Settings) -> list[Finding]:
    """Each number that is kept in the database: whether its secrets can be read, and what Meta says of it."""
    from api.mind import open_store
    from api.switchboard import Switchboard

    try:
        async with open_store(settings) as store:
            ours = await Switchboard(store, settings, SystemClock(), Guidance()).look()
    except (SahutError, OSError) as error:
        return [Finding("fail", "numbers", str(error))]
    return [await _one_number(settings, one) for one in ours.set_apart.values()]


async def _one_number(settings: Settings, one: OurNumber) -> Finding:
    what = f"number {one.number}"
    broken = [f"its {name.replace('_', ' ')} cannot be read: {why}" for name, why in one.troubles.items()]
    if broken:
        return Finding("fail", what, " ".join(broken))
    lacks = [name for name, value in (("access token", one.token), ("app secret", one.secrets)) if not value]
    if lacks:
        return Finding(
            "warn", what, f"it has no {' and no '.join(lacks)}: set it in the console (Sending) or over REST"
        )
    try:
        async with _graph(settings, one.token) as client:
            return _standing(what, await client.number_status(one.number))
    except SahutError as error:
        return Finding("fail", what, str(error))


async def paused(settings: Settings) -> Finding:
    """What Meta said to the sender, which a look at the number's record need not show."""
    from api.mind import open_store
    from sahut.store import failures, numbers

    async with open_store(settings) as store, store.reading() as tx:
        paused, failed = await numbers.paused(tx), await failures.count(tx)
    if paused:
        reasons = "; ".join(f"{row.number} since {row.paused_at:%d %b %H:%M} UTC: {row.paused_why}" for row in paused)
        says = f"paused, nothing is sent: {reasons}. Mend it, then resume it in the console (Sending) or over REST"
        return Finding("fail", "sending", says)
    if failed:
        says = f"{failed} messages failed for good: try again or dismiss them in the console (Sending)"
        return Finding("warn", "sending", says)
    return Finding("ok", "sending", "no number is paused, no failed message waits for a decision")


async def webhook(settings: Settings) -> Finding:
    """Meta's events would be taken, and are sent to us."""
    missing = [
        name
        for name, value in (
            ("SAHUT_WHATSAPP_APP_SECRET", "".join(settings.app_secrets)),
            ("SAHUT_WHATSAPP_VERIFY_TOKEN", settings.whatsapp_verify_token.get_secret_value()),
        )
        if not value
    ]
    if missing:
        return Finding("warn", "webhook", f"set {' and '.join(missing)}, else Meta's events are refused")
    account = settings.whatsapp_business_account_id
    if not account or not _can_call(settings):
        says = "the secrets are set; set SAHUT_WHATSAPP_BUSINESS_ACCOUNT_ID to check the subscription too"
        return Finding("warn", "webhook", says)
    async with _graph(settings, settings.whatsapp_access_token.get_secret_value()) as client:
        apps = await client.subscribed_apps(account)
    if not apps:
        says = f"no app is subscribed to the account: POST /{account}/subscribed_apps, else no event ever comes"
        return Finding("fail", "webhook", says)
    return Finding("ok", "webhook", f"the secrets are set and {len(apps)} app(s) get the account's events")


def _can_call(settings: Settings) -> bool:
    return bool(settings.whatsapp_access_token.get_secret_value() and settings.whatsapp_phone_number_id)


@asynccontextmanager
async def _graph(settings: Settings, token: str) -> AsyncIterator[GraphClient]:
    client = GraphClient(url=settings.whatsapp_graph_url, version=settings.whatsapp_graph_version, token=token)
    try:
        yield client
    finally:
        await client.close()
