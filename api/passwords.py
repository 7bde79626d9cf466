"""Passwords: hashing and checking with Argon2, off the event loop. Knows no operator."""

import asyncio
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from sahut.errors import ConfigurationError

T = TypeVar("T")
SHORTEST = 10
LONGEST = 256
# Each check takes 64 MiB and all cores for a moment: more at once would starve the service.
AT_ONCE = 2


class Passwords:
    """Hashes and checks passwords. Two at a time; the rest waits."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="password")

    async def hash(self, password: str) -> str:
        """What is kept of a password. Raises `ConfigurationError` for one that is too short or too long."""
        if not SHORTEST <= len(password) <= LONGEST:
            raise ConfigurationError(f"A password has {SHORTEST} to {LONGEST} characters.")
        return await self._in_thread(partial(self._hasher.hash, _normal(password)))

    async def check(self, kept: str | None, password: str) -> bool:
        """Whether the password is the one behind `kept`. Without `kept` the answer is no, after as much work."""
        known = kept is not None
        return await self._in_thread(lambda: self._verify(kept or self._decoy, password)) and known

    def is_outdated(self, kept: str) -> bool:
        """Whether a hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(kept)

    @cached_property
    def _decoy(self) -> str:
        """A hash of no one's password, with the parameters of the others."""
        return self._hasher.hash(secrets.token_urlsafe())

    def _verify(self, kept: str, password: str) -> bool:
        # An overlong password is refused after the same work, on its beginning.
        try:
            return self._hasher.verify(kept, _normal(password[:LONGEST])) and len(password) <= LONGEST
        except (VerificationError, InvalidHashError):
            return False

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def generated() -> str:
    """A password that nobody needs to think up: 80 random bits, easy to read out."""
    letters = "23456789abcdefghjkmnpqrstuvwxyz"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(4))


def _normal(password: str) -> str:
    """One spelling for what keyboards spell in several ways."""
    return unicodedata.normalize("NFKC", password)
