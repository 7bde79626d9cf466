"""E-mails (.eml, .msg) to text: the subject and the body. Who wrote to whom stays out; attachments are not read."""

import email
import email.message
import email.policy
import io
import re
from contextlib import suppress
from typing import Any

from knowledge.formats.page import read_page
from knowledge.formats.plain import read_plain
from knowledge.text import Extract, clean, decode, one_line
from sahut.errors import LoadError

_HEADERS = ("from", "subject", "date", "received", "message-id", "mime-version")
_SEVEN_BITS = ("iso-2022", "hz-gb", "utf-7")
_QUOTED = re.compile(r"^(?:> ?)+", re.MULTILINE)

# Outlook's properties: the number in a stream's name, and its last four digits for text in UTF-16 and in bytes.
_SUBJECT, _BODY, _HTML = "0037", "1000", "1013"
_STREAM = "__substg1.0_"
_MOST_STREAM = 20 * 1024 * 1024


def read_mail(data: bytes) -> Extract:
    """An e-mail in the Internet's own format; the plain body before the HTML one. Raises `LoadError`."""
    message = email.message_from_bytes(data, policy=email.policy.default)
    if not any(name in message for name in _HEADERS):
        raise LoadError("it has none of the headers of an e-mail")
    subject = str(message.get("subject", ""))
    for kind in ("plain", "html"):
        body = message.get_body((kind,))
        extract = _read(body.get_payload(decode=True), kind, body.get_content_charset() or "") if body else None
        if extract and extract.sections:
            return _titled(extract, subject)
    raise LoadError("its body holds no text; learn its attachments by themselves")


def read_outlook(data: bytes) -> Extract:
    """An e-mail as Outlook saves it. Raises `LoadError`."""
    import olefile

    with olefile.OleFileIO(io.BytesIO(data)) as file:
        subject = _string(file, _SUBJECT)
        plain = _string(file, _BODY)
        if plain.strip():
            return _titled(read_plain(_QUOTED.sub("", plain)), subject)
        html = _stream(file, f"{_HTML}0102") or _string(file, _HTML).encode()
        if html.strip():
            return _titled(read_page(html), subject)
    raise LoadError("its body holds no plain text or HTML: save it as .eml or text")


def _read(payload: Any, kind: str, charset: str) -> Extract:
    data = payload if isinstance(payload, bytes) else b""
    if kind == "html":
        return read_page(data)
    return read_plain(_QUOTED.sub("", _decoded(data, charset.casefold())))


def _decoded(data: bytes, charset: str) -> str:
    """The old charsets of seven bits pass for UTF-8, so for them alone the header is believed first."""
    if charset.startswith(_SEVEN_BITS):
        with suppress(UnicodeError, LookupError):
            return data.decode(charset)
    return decode(data, declared=charset)


def _titled(extract: Extract, subject: str) -> Extract:
    return Extract(one_line(clean(subject)) or extract.title, extract.text, extract.sections, extract.pages)


def _string(file: Any, name: str) -> str:
    if data := _stream(file, f"{name}001F"):
        return data.decode("utf-16-le", "replace")
    return decode(data) if (data := _stream(file, f"{name}001E")) else ""


def _stream(file: Any, name: str) -> bytes:
    path = f"{_STREAM}{name}"
    if not file.exists(path):
        return b""
    data: bytes = file.openstream(path).read(_MOST_STREAM)
    return data
