"""The commented `.env` that `sahut init` writes, made from the settings themselves. Writes nothing else."""

import base64
import secrets
import shlex
from pathlib import Path

from pydantic import SecretStr

from sahut.settings import Settings, setting_names

_FILLED = {
    "secret_key": lambda: secrets.token_urlsafe(32),
    "whatsapp_verify_token": lambda: secrets.token_urlsafe(16),
    "encryption_keys": lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
}
_ASKED = ("SAHUT_ORGANISATION", "SAHUT_WHATSAPP_", "SAHUT_SECRET_KEY", "SAHUT_ENCRYPTION_KEYS")


def template() -> str:
    """Every setting with its meaning and default; those that a real number needs stand uncommented.

    Values are quoted where a shell wants it, so that the file can be sourced.
    """
    lines = [
        "# Settings of Sahut. The environment beats this file; `sahut doctor` shows where each came from.",
        "",
    ]
    for name, field in setting_names().items():
        info = Settings.model_fields[field]
        default = info.default.get_secret_value() if isinstance(info.default, SecretStr) else info.default
        asked = name.startswith(_ASKED) and default in ("", "our office")
        value = _FILLED[field]() if field in _FILLED else default
        lines += [
            f"# {info.description}",
            f"{'' if asked else '# '}{name}={shlex.quote(str(value)) if value != '' else ''}",
            "",
        ]
    return "\n".join(lines)


def write_env(path: Path) -> None:
    """Write the template, readable by this user only, since it holds secrets."""
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(template(), encoding="utf-8")
