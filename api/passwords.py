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
        return await self._in_thread(partial(self._verify, kept, password))

    def is_outdated(self, kept: str) -> bool:
        """Whether a hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(kept)

    @cached_property
    def _decoy(self) -> str:
        """A hash of no one's password, with the parameters of the others."""
        return self._hasher.hash(secrets.token_urlsafe())

    def _verify(self, kept: str | None, password: str) -> bool:
        # The decoy is there from the first check on, whosever it is; what is too long is checked by its beginning.
        decoy = self._decoy
        try:
            right = self._hasher.verify(kept or decoy, _normal(password[:LONGEST]))
        except (VerificationError, InvalidHashError):
            return False
        return right and kept is not None and len(password) <= LONGEST

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def generated() -> str:
    """A password that nobody needs to think up: 80 random bits, easy to read out."""
    letters = "23456789abcdefghjkmnpqrstuvwxyz"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(4))


def _normal(password: str) -> bytes:
    """One spelling for what keyboards spell in several ways; any string has one."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
