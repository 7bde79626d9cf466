"""What a file is, told by its bytes; its name only chooses among the kinds of text. Knows no reader.

A file whose name and content disagree is refused rather than guessed at: the one is a mistake or the other a trick.
"""

import io
import re
import zipfile
import zlib

from sahut.errors import LoadError

TEXT = "text"
ARCHIVE = "a zip archive"
WORD = "a Word document"
SLIDES = "a PowerPoint presentation"
WORKBOOK = "an Excel workbook"
PDF = "a PDF"
OUTLOOK = "an Outlook e-mail"

_OLD_OFFICE = "an Office file of the old kind (.doc, .xls, .ppt)"
_LOCKED = "an Office file with a password"
_DAMAGED = "a damaged file"

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"II*\0", "a picture"),
    (b"MM\0*", "a picture"),
    (b"MZ", "a program"),
    (b"\x7fELF", "a program"),
    (b"\xca\xfe\xba\xbe", "a program"),
    (b"\xcf\xfa\xed\xfe", "a program"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"OggS", "a sound or film"),
    (b"ID3", "a sound or film"),
    (b"SQLite format 3\0", "a database"),
)
_RTF = b"{\\rtf"
_BINARY = re.compile(rb"[\x00-\x08]")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PDF_WITHIN = 1024
_TYPES = "[Content_Types].xml"
_MOST_TYPES = 4 * 1024 * 1024
_MAIN = re.compile(
    rb"(?:wordprocessingml|ms-word|presentationml|ms-powerpoint|spreadsheetml|ms-excel)"
    rb"\.(?:document|presentation|slideshow|template|sheet|addin)[a-zA-Z.]*\.main\+xml"
)
_OFFICE = {b"word": WORD, b"ms-w": WORD, b"pres": SLIDES, b"ms-p": SLIDES, b"spre": WORKBOOK, b"ms-e": WORKBOOK}


def kind_of(data: bytes) -> str:
    """What the bytes are, as one says it in a sentence; `TEXT` where they have no mark of anything else."""
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _package(data)
    if data.startswith(_OLE):
        return _compound(data)
    if b"%PDF-" in data[:_PDF_WITHIN]:
        return PDF
    if data[4:8] == b"ftyp" or (data.startswith(b"RIFF") and data[8:12] in (b"WAVE", b"AVI ", b"WEBP")):
        return "a picture, sound or film"
    if data.startswith(_RTF):
        return "an RTF document"
    # A text may begin with the letters MZ; it holds no control characters.
    binary = _BINARY.search(data, 0, _PDF_WITHIN) is not None
    return next((kind for magic, kind in _MAGIC if binary and data.startswith(magic)), TEXT)


def check(data: bytes, *, suffix: str, expected: str) -> None:
    """Raises `LoadError` where the content is not what the name says."""
    kind = kind_of(data)
    if kind == expected:
        return
    if kind == _LOCKED:
        raise LoadError("it has a password: save it without one and try again")
    if kind == _OLD_OFFICE:
        raise LoadError(f"it is {kind}: save it as .docx, .xlsx, .pptx or PDF and try again")
    if kind == _DAMAGED:
        raise LoadError("it is damaged: open it in the program that made it and save it again")
    if kind == TEXT:
        raise LoadError(f"its name says {suffix}, but it is not {expected}: it is damaged or has the wrong name")
    raise LoadError(f"its name says {suffix}, but it is {kind}: give it the name that fits, or save it again")


def _package(data: bytes) -> str:
    """A zip archive, or the office document that its list of types names."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            names = set(package.namelist())
            if "mimetype" in names and _TYPES not in names:
                return "an OpenDocument file or e-book"
            if _TYPES not in names:
                return ARCHIVE
            with package.open(_TYPES) as stream:
                main = _MAIN.search(stream.read(_MOST_TYPES))
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, OSError, EOFError, ValueError):
        return _DAMAGED
    return _OFFICE[main.group()[:4]] if main else ARCHIVE


def _compound(data: bytes) -> str:
    """Which of the files that are made as a small file system: they name their streams in UTF-16."""

    def holds(name: str) -> bool:
        return name.encode("utf-16-le") in data

    if holds("EncryptedPackage"):
        return _LOCKED
    return OUTLOOK if holds("__properties_version1.0") else _OLD_OFFICE
