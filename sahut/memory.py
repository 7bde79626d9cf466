"""Giving memory that is no longer used back to the system. Knows nothing of what used it."""

import ctypes
import sys


def trim() -> None:
    """Return what the C library keeps for later; after models were loaded that is some sixty megabytes. glibc only."""
    give = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if give is not None:
        give(0)
