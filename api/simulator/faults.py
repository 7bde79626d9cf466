"""The ways in which a Graph API can fail a send, as values; knows nothing of how the double carries them out."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LoseAnswer:
    """Take the message, then answer 504 without a body: the sender cannot know."""


@dataclass(frozen=True)
class LoseRequest:
    """Answer 503 without a body and do not take the message: the sender cannot know either."""


@dataclass(frozen=True)
class Late:
    """Take the message and answer `seconds` later. In process, beyond the client's read timeout, it times out."""

    seconds: float


@dataclass(frozen=True)
class Refuse:
    """Answer with an error code of Meta's table."""

    code: int


@dataclass(frozen=True)
class Down:
    """No connection in process; over real HTTP, where somebody has to answer, 503."""


Fault = LoseAnswer | LoseRequest | Late | Refuse | Down
