"""What a customer's phone can send besides words: a picture, a document, a voice note, a location, all made here.

It must not know who sends them.
"""

import base64
import math
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from api.simulator.media import Media
from api.simulator.shapes import Json

WIDTH, HEIGHT = 480, 320
VOICE_S = 4
_FRAME = b"\xf8\xff\xfe"  # twenty milliseconds of silence in Opus
_FRAMES_A_SECOND = 50
_SAMPLES_A_FRAME = 960

Rgb = tuple[int, int, int]
Keep = Callable[[Media], str]


@dataclass(frozen=True)
class Sample:
    """`content` gives the message object under the kind's name, its bytes laid down by `keep`."""

    kind: str
    content: Callable[[Keep], Json]
    takes_caption: bool = False


def _picture(keep: Keep) -> Json:
    return _filed(keep, picture(), "image/png")


def _document(keep: Keep) -> Json:
    return _filed(keep, document(), "application/pdf") | {"filename": "sample-letter.pdf"}


def _voice(keep: Keep) -> Json:
    return _filed(keep, voice(), "audio/ogg; codecs=opus") | {"voice": True}


def _location(_: Keep) -> Json:
    return {"latitude": -6.2, "longitude": 106.8167, "name": "Kedai Contoh", "address": "Jalan Contoh No. 1"}


def _filed(keep: Keep, content: bytes, mime: str) -> Json:
    file = Media(mime.partition(";")[0], content)
    sha256 = base64.b64encode(bytes.fromhex(file.sha256)).decode()
    return {"id": keep(file), "mime_type": mime, "sha256": sha256}


SAMPLES = {
    "picture": Sample("image", _picture, takes_caption=True),
    "document": Sample("document", _document, takes_caption=True),
    "voice": Sample("audio", _voice),
    "location": Sample("location", _location),
}


# --- a picture: a small car under a low sun, as PNG


@cache
def picture() -> bytes:
    """480 by 320, 8-bit RGB."""
    rows = b"".join(b"\0" + b"".join(bytes(_pixel(x, y)) for x in range(WIDTH)) for y in range(HEIGHT))
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    chunks = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows, 9)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _pixel(x: int, y: int) -> Rgb:
    road = 236
    for shape, colour in _SHAPES:
        if shape(x, y):
            return colour
    if y >= road:
        return (74, 82, 98) if not (y in range(274, 280) and x % 60 < 34) else (232, 226, 208)
    if math.hypot(x - 368, y - 150) < 54:
        return 255, 214, 140
    if y > 190 + 22 * math.sin(x / 58) + 8 * math.sin(x / 21):
        return 86, 118, 116
    fade = y / road
    return int(250 - 12 * fade), int(176 + 44 * fade), int(132 + 66 * fade)


def _circle(cx: int, cy: int, r: int) -> Callable[[int, int], bool]:
    return lambda x, y: (x - cx) ** 2 + (y - cy) ** 2 < r * r


def _slab(left: int, top: int, right: int, bottom: int, r: int) -> Callable[[int, int], bool]:
    def inside(x: int, y: int) -> bool:
        dx, dy = max(left + r - x, 0, x - right + r), max(top + r - y, 0, y - bottom + r)
        return dx * dx + dy * dy < r * r

    return inside


_SHAPES: list[tuple[Callable[[int, int], bool], Rgb]] = [
    (_circle(150, 254, 12), (206, 210, 218)),
    (_circle(286, 254, 12), (206, 210, 218)),
    (_circle(150, 254, 26), (36, 40, 50)),
    (_circle(286, 254, 26), (36, 40, 50)),
    (_slab(142, 164, 206, 202, 10), (200, 226, 236)),
    (_slab(216, 164, 286, 202, 10), (200, 226, 236)),
    (_slab(318, 216, 336, 230, 6), (255, 236, 170)),
    (_slab(98, 198, 338, 256, 20), (40, 92, 168)),
    (_slab(130, 150, 298, 214, 26), (52, 108, 190)),
]


# --- a document: one page of PDF


@cache
def document() -> bytes:
    """A letter of a few lines."""
    lines = ["Sample letter", "", "This page was made for trying the phone.", "It says nothing about anybody."]
    shown = b" ".join(b"(" + line.encode("ascii") + b") Tj T*" for line in lines)
    stream = b"BT /F1 14 Tf 20 TL 60 760 Td " + shown + b" ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
        b"<< /Length " + str(len(stream)).encode() + b" >>\nstream\n" + stream + b"\nendstream",
    ]
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += str(number).encode() + b" 0 obj\n" + body + b"\nendobj\n"
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    head = b"xref\n0 5\n0000000000 65535 f \n" + table
    return out + head + b"trailer << /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(out)


# --- a voice note: Ogg with Opus, mono


@cache
def voice() -> bytes:
    """A few seconds of silence, which every player takes."""
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, 312, 48_000, 0, 0)
    tags = b"OpusTags" + struct.pack("<I", 5) + b"sahut" + struct.pack("<I", 0)
    frames = VOICE_S * _FRAMES_A_SECOND
    pages = [_page([head], 0, 2, 0), _page([tags], 1, 0, 0)]
    return b"".join([*pages, _page([_FRAME] * frames, 2, 4, frames * _SAMPLES_A_FRAME)])


def _page(packets: list[bytes], number: int, flags: int, granule: int) -> bytes:
    """One Ogg page; every packet is shorter than 255 bytes."""
    header = struct.pack("<4sBBqIIIB", b"OggS", 0, flags, granule, 1, number, 0, len(packets))
    page = bytearray(header + bytes(len(packet) for packet in packets) + b"".join(packets))
    struct.pack_into("<I", page, 22, _crc(bytes(page)))
    return bytes(page)


def _crc(data: bytes) -> int:
    """Ogg's own checksum: polynomial 0x04c11db7, not reflected."""
    crc = 0
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1) ^ 0x04C11DB7 if crc & 0x80000000 else crc << 1
        crc &= 0xFFFFFFFF
    return crc
