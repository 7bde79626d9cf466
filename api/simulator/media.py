"""The files that the double was given, by Meta's rules of type, size and age; knows no message.

Written apart from `knowledge.attachments` on purpose: the double must not share the service's mistakes.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from api.simulator.rules import BAD_PARAMETER, Refused

MEDIA_PROBLEM = 131053
KEPT = timedelta(days=30)
_MB = 1024 * 1024
_OFFICE = "application/vnd.openxmlformats-officedocument."
# Source: Meta's page on media; for each kind of message its types and the largest file.
TYPES: dict[str, tuple[int, tuple[str, ...]]] = {
    "image": (5 * _MB, ("image/jpeg", "image/png")),
    "audio": (16 * _MB, ("audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg")),
    "video": (16 * _MB, ("video/mp4", "video/3gpp")),
    "document": (
        100 * _MB,
        (
            "text/plain",
            "application/pdf",
            "application/msword",
            "application/vnd.ms-excel",
            "application/vnd.ms-powerpoint",
            f"{_OFFICE}wordprocessingml.document",
            f"{_OFFICE}spreadsheetml.sheet",
            f"{_OFFICE}presentationml.presentation",
        ),
    ),
}


@dataclass(frozen=True)
class Media:
    """A file as it was uploaded, or as a customer sent it."""

    media_type: str
    content: bytes

    @property
    def sha256(self) -> str:
        """Hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()


class Cupboard:
    """What was uploaded, by id. `uploads` is the log; a file can be lost before its time by `lose`."""

    def __init__(self) -> None:
        self.uploads: list[Media] = []
        self._kept: dict[str, tuple[Media, datetime]] = {}

    def keep(self, file: Media, now: datetime) -> str:
        """Take a file; its id. Raises `Refused` for a type or size that Meta does not take."""
        most = next((most for most, types in TYPES.values() if file.media_type in types), None)
        if most is None:
            raise Refused(BAD_PARAMETER, "The parameter file has a type that is not supported")
        if not 0 < len(file.content) <= most:
            raise Refused(MEDIA_PROBLEM, "The file is empty or too large")
        self.uploads.append(file)
        media_id = str(9_000_000_000_000_000 + len(self.uploads))
        self._kept[media_id] = file, now
        return media_id

    def receive(self, file: Media, now: datetime) -> str:
        """Lay down what a customer sends, whatever it is; its id."""
        media_id = str(8_000_000_000_000_000 + len(self._kept) + 1)
        self._kept[media_id] = file, now
        return media_id

    def get(self, media_id: str) -> Media | None:
        """The file of an id, as old as it may be."""
        found = self._kept.get(media_id)
        return found[0] if found else None

    def check(self, kind: str, media_id: str, now: datetime) -> None:
        """Raises `Refused` where a message of this kind cannot carry the file: gone after 30 days, or no such kind."""
        file, at = self._kept.get(media_id, (None, now))
        if file is None or now >= at + KEPT:
            raise Refused(MEDIA_PROBLEM, "There is no media with this id, or it has expired")
        if file.media_type not in TYPES.get(kind, (0, ()))[1]:
            raise Refused(MEDIA_PROBLEM, f"The media is no {kind}")

    def drop(self, media_id: str) -> bool:
        """Let go of one file; whether it was there."""
        return self._kept.pop(media_id, None) is not None

    def lose(self) -> None:
        """Let go of every file, as after 30 days."""
        self._kept.clear()
