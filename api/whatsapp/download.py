"""Fetches customers' files from Meta: two steps, only from Meta's own hosts, counted while they stream.

What the webhook says of a file is not believed: size, hash and type are checked here. It must not know who sent it.
"""

import base64
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from api.whatsapp.clean import Json, clean_text, number_of
from api.whatsapp.client import GraphClient
from api.whatsapp.sniff import family_of, sniffed
from sahut.errors import SahutError, SendUnknown

MB = 1024 * 1024
# Source: Meta's page on media. Stickers may be up to 500 KB; a little more does no harm.
MOST_BYTES = {"image": 5 * MB, "audio": 16 * MB, "video": 16 * MB, "document": 100 * MB, "sticker": MB}
META_HOSTS = ("lookaside.fbsbx.com", ".fbcdn.net", ".whatsapp.net")
MOST_REDIRECTS = 2
_HEAD = 4096
_NOT_THERE = (401, 403, 404, 410)


class FileRefused(SahutError):  # noqa: N818 - named as its siblings
    """What came is not what it must be; it will never be. The text is for operators."""


@dataclass(frozen=True)
class Fetched:
    """A file that came: `digest` is the SHA-256 of its bytes in hexadecimal, `media_type` what the bytes say."""

    digest: str
    media_type: str
    size_bytes: int


async def download(
    graph: GraphClient, number: str, media_id: str, *, kind: str, told_sha256: str, into: Path
) -> Fetched:
    """Fetch one file into `into`. Raises `FileRefused`, or `SendError`'s children where another try may help."""
    record = await graph.media_record(number, media_id)
    url, size = record.get("url"), number_of(record.get("file_size"))
    most = MOST_BYTES.get(kind, MOST_BYTES["document"])
    if not isinstance(url, str):
        raise SendUnknown("Meta told no address of the file")
    if size is not None and size > most:
        raise FileRefused(_too_large(most))
    digest, head, length = await _stream(graph, number, url, most, into)
    for told in (record.get("sha256"), told_sha256):
        if isinstance(told, str) and (expected := _digest(told)) and expected != digest:
            raise FileRefused("The file is not the one that was sent: its hash is another one.")
    return Fetched(digest.hex(), _type_of(head, kind, record), length)


def may_fetch(url: str, graph_url: str) -> bool:
    """Whether our token may go to this address: Meta's hosts over TLS, and the Graph API's own."""
    try:
        wanted, graph = httpx.URL(url), httpx.URL(graph_url)
    except (httpx.InvalidURL, TypeError):
        return False
    if wanted.userinfo:
        return False
    if (wanted.scheme, wanted.host, wanted.port) == (graph.scheme, graph.host, graph.port):
        return True
    plain = wanted.scheme == "https" and wanted.port in (None, 443)
    return plain and any(
        wanted.host == host or (host.startswith(".") and wanted.host.endswith(host)) for host in META_HOSTS
    )


async def _stream(graph: GraphClient, number: str, url: str, most: int, into: Path) -> tuple[bytes, bytes, int]:
    """The digest, the first bytes and the length of what came. Redirects are followed where we may go."""
    for _ in range(MOST_REDIRECTS + 1):
        if not may_fetch(url, graph.url):
            raise FileRefused("Meta named an address for this file that is none of its own, so it was not fetched.")
        async with graph.stream(number, url) as response:
            if response.is_redirect:
                url = str(response.url.join(response.headers.get("location", "")))
                continue
            if response.status_code in _NOT_THERE:
                raise SendUnknown(f"the file's address is good no more ({response.status_code})")
            if not response.is_success:
                raise SendUnknown(f"the file could not be fetched ({response.status_code})")
            return await _write(response.aiter_bytes(), most, into)
    raise FileRefused("The file's address led from one place to the next without an end.")


async def _write(pieces: AsyncIterator[bytes], most: int, into: Path) -> tuple[bytes, bytes, int]:
    found, head, length = hashlib.sha256(), b"", 0
    with into.open("wb") as file:
        async for piece in pieces:
            length += len(piece)
            if length > most:
                raise FileRefused(_too_large(most))
            found.update(piece)
            head += piece[: _HEAD - len(head)] if len(head) < _HEAD else b""
            file.write(piece)
    if not length:
        raise FileRefused("The file is empty.")
    return found.digest(), head, length


def _digest(told: str) -> bytes | None:
    """What a hash says: Meta writes it in base64 in webhooks and in hexadecimal in records; `None`: neither."""
    try:
        found = bytes.fromhex(told) if len(told) == 64 else base64.b64decode(told, validate=True)
    except ValueError:
        return None
    return found if len(found) == hashlib.sha256().digest_size else None


def _type_of(head: bytes, kind: str, record: Json) -> str:
    """What the bytes are. Raises `FileRefused` where a picture, a sound or a film is none."""
    media_type = sniffed(head, told=clean_text(record.get("mime_type"), 128))
    family = family_of(media_type)
    wanted = "image" if kind == "sticker" else kind
    if wanted != "document" and family not in (wanted, "film" if wanted in ("audio", "video") else wanted):
        raise FileRefused(f"It says that it is {wanted}, but its content is another one, so it is not shown.")
    if family == "program":
        raise FileRefused("It is a program, so it is not kept.")
    return media_type


def _too_large(most: int) -> str:
    return f"The file is larger than {most // MB} MB, so it was not fetched."
