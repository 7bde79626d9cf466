"""One owner for a folder, by a lock on a file in it. Knows nothing of what the folder holds.

The lock goes with the process: a crash leaves nothing to clean up.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sahut.errors import ConfigurationError


class Owner:
    """Holds a folder for this process from `Owner(folder)` to `release()`.

    Raises `ConfigurationError` if it is taken.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(folder / "owner.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(self._descriptor)
        except OSError:
            holder = os.read(self._descriptor, 32).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            by = f"process {holder}" if holder else "another process"
            raise ConfigurationError(
                f"{folder} is in use by {by}: stop it first, or set SAHUT_CHROMA_URL to a Chroma server for both"
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, str(os.getpid()).encode())

    def release(self) -> None:
        """Let another process own the folder."""
        os.close(self._descriptor)


@contextmanager
def lock(folder: Path, taken: str) -> Iterator[None]:
    """Hold a folder while something is done in it. Raises `ConfigurationError(taken)` where another holds it."""
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            _lock(descriptor)
        except OSError:
            raise ConfigurationError(taken) from None
        yield
    finally:
        os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        # A byte far behind the content, so that the holder's number can still be read.
        os.lseek(descriptor, 1 << 20, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
