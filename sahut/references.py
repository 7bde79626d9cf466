"""References for humans ("T-7K3M9Q"): what a customer reads out over the telephone. Pure; knows no noun."""

import re
from hashlib import sha256

# Neither I, L, O, U nor 0, 1: they are mistaken for one another.
_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH = 6
_REFERENCE = re.compile(rf"(?:([TF])[\s-]*)?([{_LETTERS}]{{{_LENGTH}}})", re.ASCII)
# As it stands in a message; a model may write it in other ways.
WRITTEN = r"\b[TtFf]-[2-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{6}\b"


def reference(key: str, attempt: int = 0, *, prefix: str = "T") -> str:
    """The same for the same key; `attempt` gives another where it is taken. `prefix` names the noun."""
    number = int.from_bytes(sha256(f"{attempt}:{key}".encode()).digest()[:8], "big")
    letters = []
    for _ in range(_LENGTH):
        number, digit = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[digit])
    return f"{prefix}-{''.join(letters)}"


def read_reference(text: str) -> str | None:
    """A reference as people write it ("t 7k3m9q", "7K3M9Q") in its one spelling; `None` where it is none."""
    found = _REFERENCE.fullmatch(text.strip().upper())
    return f"{found[1] or 'T'}-{found[2]}" if found else None
