"""What a customer's file is, by its first bytes: decides how it may be shown. Reads no more of it, trusts no name."""

OTHER = "application/octet-stream"
PDF = "application/pdf"
_OFFICE = "application/vnd.openxmlformats-officedocument."
# What a browser may show by itself: nothing in these can act.
INLINE = frozenset(
    {
        "image/jpeg",
        "image/png",
        "image/webp",
        "image/gif",
        "audio/ogg",
        "audio/mpeg",
        "audio/mp4",
        "audio/aac",
        "audio/amr",
        "video/mp4",
        "video/3gpp",
    }
)
# Packages look alike from outside; what they say they are is believed where the bytes allow it.
_PACKAGES = {
    f"{_OFFICE}wordprocessingml.document": ".docx",
    f"{_OFFICE}spreadsheetml.sheet": ".xlsx",
    f"{_OFFICE}presentationml.presentation": ".pptx",
}
# What can be read to the assistant, and under which name its reader knows it.
READABLE = {PDF: ".pdf", "text/plain": ".txt", "text/csv": ".csv", **_PACKAGES}
_TEXTS = frozenset({"text/plain", "text/csv"})
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF8", "image/gif"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"#!AMR", "audio/amr"),
    (b"MZ", "application/x-program"),
    (b"\x7fELF", "application/x-program"),
    (b"#!", "application/x-program"),
)
_CONTROLS = frozenset(range(32)) - {9, 10, 12, 13}
_MP3 = (0xFB, 0xF3, 0xF2, 0xFA)
_AAC = (0xF1, 0xF9)


def sniffed(head: bytes, *, told: str) -> str:
    """The media type of a file that begins with `head`; `told` only chooses among what looks alike."""
    told = told.partition(";")[0].strip().lower()
    known = next((media_type for magic, media_type in _MAGIC if head.startswith(magic)), "")
    return known or _framed(head, told) or _loose(head, told)


def _framed(head: bytes, told: str) -> str:
    """Kinds whose mark is no plain beginning."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:8] == b"ftyp":
        return _film(head[8:12], told)
    if head[:1] == b"\xff" and head[1:2] and head[1] in (*_MP3, *_AAC):
        return "audio/mpeg" if head[1] in _MP3 else "audio/aac"
    return ""


def _loose(head: bytes, told: str) -> str:
    """Documents, and what is nothing that we know."""
    if b"%PDF-" in head[:1024]:
        return PDF
    if head.startswith(b"PK\x03\x04"):
        return told if told in _PACKAGES else "application/zip"
    return told if told in _TEXTS and not _CONTROLS & set(head) else OTHER


def family_of(media_type: str) -> str:
    """image, audio, film (what may hold sound or pictures), program, or document."""
    if media_type == "application/x-program":
        return "program"
    if media_type in ("video/mp4", "video/3gpp", "audio/mp4", "audio/ogg"):
        return "film"
    family = media_type.partition("/")[0]
    return family if family in ("image", "audio", "video") else "document"


def _film(brand: bytes, told: str) -> str:
    if brand.startswith(b"3g"):
        return "video/3gpp" if not told.startswith("audio/") else "audio/mp4"
    return "audio/mp4" if told.startswith("audio/") or brand == b"M4A " else "video/mp4"
