"""Sahut's family of errors. Each carries a sentence that says what to do.

SahutError
├── ConfigurationError     a setting, file or argument is wrong; the user can mend it
├── NotFound               no such row
├── Conflict               the row is not in a state that allows this (somebody else was first)
├── Forbidden              a rule refuses it (window closed, missing scope)
├── StoreUnavailable       the database is locked, full or gone; nothing was stored
├── ModelFailed            the chat model is down, slow or answered nonsense
├── LoadError              a document could not be read
└── SendError              the Graph API did not take a message
    ├── SendNotMade        the request never left: safe to try again
    ├── SendUnknown        the answer was lost: Meta may have taken it
    └── SendRefused        Meta answered with an error code
"""

from typing import Any, Literal

# Why a model gave no answer. `over_day`, `over_contact`: a limit on what may be spent is reached; `resting`: it failed
# before and is left alone; `slow`; `unusable`: nonsense; `failed`: no answer, or an error; `embedding`: what is asked
# could not be looked up or weighed.
Trouble = Literal["over_day", "over_contact", "resting", "slow", "unusable", "failed", "embedding"]


class SahutError(Exception):
    """The root of the family."""


class ConfigurationError(SahutError):
    """A setting, file or argument is wrong; the text says how to mend it."""


class NotFound(SahutError):
    """There is no such row."""


class Conflict(SahutError):
    """The row's state does not allow this; usually somebody else was first."""


class Forbidden(SahutError):
    """A rule outside the model refuses this."""


class StoreUnavailable(SahutError):
    """The database is locked, full or gone. Nothing was stored."""


class ModelFailed(SahutError):
    """The chat model is down, too slow, or answered something that cannot be used.

    `usage` (a `sahut.turn.Usage`) is what the attempt took, where the server counted it.
    """

    def __init__(self, message: str = "", usage: Any = None, *, trouble: Trouble = "failed") -> None:
        super().__init__(message)
        self.usage = usage
        self.trouble: Trouble = trouble


class LoadError(SahutError):
    """A document could not be read."""


class SendError(SahutError):
    """The Graph API did not take a message."""


class SendNotMade(SendError):
    """The request never left this machine (connection refused, DNS): safe to try again."""


class SendUnknown(SendError):
    """The request left and no answer came (timeout, 5xx): Meta may have taken it."""


class SendRefused(SendError):
    """Meta answered with an error code, so the message was not taken.

    `code` is the key of Meta's error table (never the HTTP status or the title).
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"({code}) {message}")
        self.code = code
        self.message = message
