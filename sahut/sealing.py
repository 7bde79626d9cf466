"""Seals the secrets that are kept in the database, so that a copy of it opens nothing. Knows no table.

The keys are Fernet keys: the first one seals, every one opens, so a key can be changed while the service runs on.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from sahut.errors import ConfigurationError

if TYPE_CHECKING:
    from cryptography.fernet import Fernet, MultiFernet

SETTING = "SAHUT_ENCRYPTION_KEYS"
HOW_TO_MAKE = 'python3 -c "import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())"'
_KEY_BYTES = 32


def check_key(key: str) -> None:
    """Raises `ValueError`, which says how a key is made, unless this is one. The text never holds the key."""
    try:
        fits = len(base64.b64decode(key.encode(), altchars=b"-_", validate=True)) == _KEY_BYTES
    except (binascii.Error, UnicodeEncodeError, ValueError):
        fits = False
    if not fits:
        raise ValueError(f"each key is 32 random bytes in URL-safe base64; make one with: {HOW_TO_MAKE}")


class Seal:
    """Seals and opens with these keys, the newest first. Without keys nothing can be sealed."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = tuple(keys)

    def close(self, purpose: str, value: str) -> str:
        """`value` sealed for one purpose: sealed text that was moved to another row or column does not open there.

        Raises `ConfigurationError` where no key is set.
        """
        if not self._keys:
            raise ConfigurationError(
                f"Secrets cannot be kept in the database without a key. Set {SETTING} to one made with: {HOW_TO_MAKE}"
            )
        return self._all.encrypt(json.dumps([purpose, value]).encode()).decode()

    def open(self, purpose: str, sealed: str) -> str:
        """What was sealed for this purpose. Raises `ConfigurationError` where no key opens it."""
        from cryptography.fernet import InvalidToken

        missing = f"No key in {SETTING} opens it: add the key that it was sealed with, or set it anew."
        if not self._keys:
            raise ConfigurationError(missing)
        try:
            told, value = json.loads(self._all.decrypt(sealed.encode()))
        except (InvalidToken, ValueError, TypeError) as error:
            raise ConfigurationError(missing) from error
        if told != purpose or not isinstance(value, str):
            raise ConfigurationError("It was sealed for something else: set it anew.")
        return value

    def is_newest(self, sealed: str) -> bool:
        """Whether the first key sealed it, so that the others are not needed for it."""
        from cryptography.fernet import InvalidToken

        try:
            self._first.decrypt(sealed.encode())
        except (InvalidToken, ValueError):
            return False
        return True

    @cached_property
    def _first(self) -> "Fernet":
        from cryptography.fernet import Fernet

        return Fernet(self._keys[0])

    @cached_property
    def _all(self) -> "MultiFernet":
        from cryptography.fernet import Fernet, MultiFernet

        return MultiFernet([Fernet(key) for key in self._keys])
