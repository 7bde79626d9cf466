"""Texts as WhatsApp counts them, in UTF-16 code units of which an emoji has two, and numbers of things. Pure."""


def counted(number: int, thing: str) -> str:
    """So many of a thing, in words such as `1 case` and `2 cases`."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def utf16_length(text: str) -> int:
    """The length of `text` in UTF-16 code units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, most: int) -> str:
    """`text` within `most` UTF-16 units, with a mark where its end was left out; nothing where there is no room."""
    if most < 1:
        return ""
    if utf16_length(text) <= most:
        return text
    beginning = text.encode("utf-16-le", "surrogatepass")[: 2 * (most - 1)]
    return beginning.decode("utf-16-le", "ignore").rstrip() + "…"
