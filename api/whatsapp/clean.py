"""Takes values out of foreign JSON safely and makes them storable; knows no message kind.

Everything here accepts any JSON value and never raises. PostgreSQL stores neither NUL, nor lone surrogates, nor
non-finite numbers in JSONB, so none of them gets past this file.
"""

import math
import re
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]

TEXT_LIMIT = 65_536
DEPTH_LIMIT = 64
_WIDEST_INT = 2**63

# WhatsApp began in 2009: an earlier timestamp is not a time but an accident.
_EARLIEST = int(datetime(2009, 1, 1, tzinfo=UTC).timestamp())

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_PHONE = re.compile(r"\+?[0-9 ().-]+", re.ASCII)
_MAX_PHONE_DIGITS = 20


def clean_text(value: Any, limit: int = TEXT_LIMIT) -> str:
    """`value` as storable text of at most `limit` code points; anything but a string is "".

    Control characters go (new line and tab stay, a carriage return becomes a new line), a lone surrogate becomes
    U+FFFD. Direction marks, joiners and emoji stay: customers' scripts need them.
    """
    if not isinstance(value, str):
        return ""
    text = value if len(value) <= limit else value[:limit]
    if text.isprintable():
        return text
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _SURROGATE.sub("\ufffd", _CONTROL.sub("", text))


def clean_json(value: Any, depth: int = DEPTH_LIMIT) -> Any:
    """`value` with every string cleaned, and what no database holds (NaN, infinity, giants, abysses) made null."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict) and depth > 0:
        return {clean_text(key): clean_json(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list) and depth > 0:
        return [clean_json(item, depth - 1) for item in value]
    return _clean_number(value)


def _clean_number(value: Any) -> int | float | None:
    if isinstance(value, int):
        return value if -_WIDEST_INT <= value < _WIDEST_INT else None
    return value if isinstance(value, float) and math.isfinite(value) else None


def identifier(value: Any, limit: int = 512) -> str | None:
    """An id exactly as given, or `None` where it cannot be one.

    An id is never altered or shortened: two messages would become one.
    """
    if isinstance(value, str) and 0 < len(value) <= limit and clean_text(value, limit) == value:
        return value
    return None


def phone_digits(value: Any) -> str | None:
    """A phone number's digits, or `None`. A business-scoped user id is not a phone number and gives `None`."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**_MAX_PHONE_DIGITS:
        return str(value)
    if not isinstance(value, str) or len(value) > 2 * _MAX_PHONE_DIGITS or not _PHONE.fullmatch(value):
        return None
    digits = value if value.isdigit() else "".join(char for char in value if char.isdigit())
    return digits if 0 < len(digits) <= _MAX_PHONE_DIGITS else None


def moment(value: Any, now: datetime) -> datetime:
    """Unix seconds (string or number) as an aware time; `now`, the time of receipt, where they make no sense.

    A time before WhatsApp existed or after `now` is no customer's time. The clamp also keeps a window from being
    opened in the future.
    """
    seconds = _seconds(value)
    if seconds is None or not _EARLIEST <= seconds <= now.timestamp():
        return now
    return datetime.fromtimestamp(seconds, UTC)


def _seconds(value: Any) -> int | None:
    if isinstance(value, str):
        return int(value) if len(value) <= 12 and value.isascii() and value.isdigit() else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return int(value)


def number_of(value: Any) -> int | None:
    """An error code, which Meta writes as a number and others as digits."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and len(value) <= 9 and value.isascii() and value.isdigit():
        return int(value)
    return value if isinstance(value, int) and abs(value) < 2**31 else None


def child(parent: Json, key: str) -> Json:
    """The object under `key`, or an empty one."""
    value = parent.get(key)
    return value if isinstance(value, dict) else {}


def objects(parent: Json, key: str) -> list[Json]:
    """The objects in the list under `key`; other things in it are passed over."""
    value = parent.get(key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
