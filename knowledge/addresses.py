"""Web addresses: one spelling, what is one place, and what a page is called among documents. Pure; fetches none."""

from urllib.parse import quote, unquote, urlsplit, urlunsplit

from knowledge.load import is_known, suffix_of
from knowledge.paths import MOST_PATH, clean_path
from sahut.errors import ConfigurationError, LoadError

PAGES = ("text/html", "application/xhtml+xml")
# By media type: the endings that fit; a page whose address has another one gets the first.
_ENDINGS = {
    "text/html": (".html", ".htm"),
    "application/xhtml+xml": (".html", ".htm"),
    "text/plain": (".txt", ".md", ".csv"),
    "text/markdown": (".md", ".markdown"),
    "text/csv": (".csv",),
    "application/pdf": (".pdf",),
}
# A page that is reached again and again under longer addresses (`/a/b/a/b/`) is a loop.
_MOST_REPEATS = 2
_MOST_URL = 2000


def is_address(text: str) -> bool:
    """Whether a word of the command line is a web address rather than a path."""
    return text.lower().startswith(("http://", "https://"))


def normal(url: str) -> str:
    """One spelling of an address: no fragment or default port, a lower-case host. Raises `ConfigurationError`."""
    try:
        parts = urlsplit(url.strip())
        host, port = (parts.hostname or "").encode("idna").decode("ascii"), parts.port
    except (ValueError, UnicodeError):
        raise ConfigurationError(f"{url[:200]!r} is no web address: write it as https://host/path.") from None
    if parts.scheme.lower() not in ("http", "https") or not host or "@" in parts.netloc:
        raise ConfigurationError(f"{url[:200]!r} is no web address: write it as https://host/path.")
    if ":" in host:
        host = f"[{host}]"
    default = {"http": 80, "https": 443}[parts.scheme.lower()]
    netloc = host if port in (None, default) else f"{host}:{port}"
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    return urlunsplit((parts.scheme.lower(), netloc, path, quote(parts.query, safe="/%:@!$&'()*+,;=~-._?[]"), ""))


def path_of(url: str, media: str) -> str | None:
    """What a page is called among documents: host, path and query, with the ending of its kind; `None`: not read."""
    parts = urlsplit(url)
    name = unquote(parts.path).lstrip("/")
    if not name or name.endswith("/"):
        name += "index.html" if media in PAGES else "index"
    if parts.query:
        name += f"@{unquote(parts.query)}"
    endings = _ENDINGS.get(media)
    if endings is None and not is_known(name):
        return None
    if endings is not None and suffix_of(name) not in endings:
        name += endings[0]
    try:
        path = clean_path(f"{parts.netloc}/{name}")
    except LoadError:
        return None
    return path if len(path) <= MOST_PATH else None


def loops(url: str) -> bool:
    """Whether the address is endless or repeats itself, as relative links that lead nowhere make it do."""
    if len(url) > _MOST_URL:
        return True
    segments = [segment for segment in urlsplit(url).path.split("/") if segment]
    return any(segments.count(segment) > _MOST_REPEATS for segment in set(segments))


def host_of(url: str) -> str:
    """Where a page is; http and https of one host are the same place, another port is not."""
    return urlsplit(url).netloc


def bare_host(url: str) -> str:
    return host_of(url).removeprefix("www.")
