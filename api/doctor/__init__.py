"""`sahut doctor`: looks at every part of an installation and says what to do.

It changes nothing but a schema that is behind.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from importlib.metadata import packages_distributions
from pathlib import Path

from dotenv import dotenv_values

from api.doctor import house, models, whatsapp
from api.doctor.finding import Finding
from sahut.errors import ConfigurationError, SahutError
from sahut.settings import Settings, read_settings, setting_names

OURS = ("sahut", "knowledge", "tools", "agent", "evals", "api")
_SECRET = ("KEY", "SECRET", "TOKEN", "DATABASE_URL")

Check = Callable[[Settings], Awaitable[Finding]]


async def examine() -> list[Finding]:
    """Every finding; with settings that cannot be read only those."""
    try:
        settings = read_settings()
    except ConfigurationError as error:
        return [Finding("fail", "settings", line) for line in str(error).splitlines()]
    found = _origins(settings)
    checks = (
        house.database,
        house.operators,
        house.knowledge,
        house.forms,
        house.tools,
        house.index,
        models.embedder,
        models.model,
        models.fallback,
        models.spending,
        models.calibration,
        whatsapp.number,
        whatsapp.paused,
        whatsapp.webhook,
        _names,
    )
    for check in checks:
        found.append(await _careful(check, settings))
    return found + await whatsapp.more_numbers(settings)


async def _careful(check: Check, settings: Settings) -> Finding:
    try:
        return await check(settings)
    except (SahutError, OSError) as error:
        return Finding("fail", check.__name__.strip("_"), str(error))


def _origins(settings: Settings) -> list[Finding]:
    """Where each setting that is not at its default came from; secrets are never shown."""
    in_file = dotenv_values(".env") if Path(".env").is_file() else {}
    found = []
    for name, field in setting_names().items():
        origin = "the environment" if name in os.environ else ".env" if in_file.get(name) else None
        if origin:
            value = "set" if any(word in name for word in _SECRET) else str(getattr(settings, field))
            found.append(Finding("ok", name, f"{value} (from {origin})"))
    if not settings.secret_key.get_secret_value():
        found.append(Finding("fail", "SAHUT_SECRET_KEY", "not set, so `sahut serve` will not start: run `sahut init`"))
    return found


async def _names(_: Settings) -> Finding:
    """Our import names are generic: another distribution that installs one of them would break us."""
    owners = await asyncio.to_thread(packages_distributions)
    clashes = {name: sorted(set(owners.get(name, [])) - {"sahut"}) for name in OURS}
    found = [f"{name} (also in {', '.join(others)})" for name, others in clashes.items() if others]
    if found:
        return Finding("fail", "names", f"these packages clash: {'; '.join(found)}; use an environment of its own")
    return Finding("ok", "names", "no other package uses Sahut's import names")
