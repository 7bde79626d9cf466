"""What a look at one thing gives."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `says` tells what to do unless `state` is ok."""

    state: Literal["ok", "warn", "fail"]
    what: str
    says: str
