"""Reading a web site: which of its pages there are, fetched to files, within bounds. Learns nothing and keeps no row.

Pages of the same host only. robots.txt is obeyed; who answers it with an error of the server is left alone. Addresses
are chosen by strangers, so every one, redirects too, goes through a `Fetcher` that refuses what leads inside.
"""

import hashlib
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import urljoin, urlsplit

import httpx

from knowledge.addresses import PAGES, bare_host, host_of, loops, normal, path_of
from knowledge.load import Source
from knowledge.sandbox import Sandbox
from knowledge.text import decode
from sahut.errors import ConfigurationError, LoadError
from sahut.outside import Fetched, Refused
from sahut.ports import Clock

AGENT = "Sahut"
_MOST_REDIRECTS = 5
_ROBOTS_BYTES = 512 * 1024
_WAIT_AT_MOST_S = 5.0
_GONE = (404, 410)
_XML = ("application/xml", "text/xml")


class Fetcher(Protocol):
    """What fetches: it checks each address, follows no redirect and is bounded in time (`sahut.outside.Outside`)."""

    async def get(self, url: str, *, most_bytes: int) -> Fetched | None:
        """`None` where the body is too long. Raises `Refused`, `TimeoutError`, `httpx.HTTPError`, `OSError`."""
        ...


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of a site is read at most."""

    pages: int = 500
    page_bytes: int = 20 * 1024 * 1024
    all_bytes: int = 300 * 1024 * 1024
    depth: int = 8
    seconds: float = 1800.0


@dataclass(slots=True)
class Crawled:
    """What was found: files to learn, addresses that failed with the reason, those passed over.

    `cut` says which bound ended it, if one did: then, or where something failed, what is missing is not gone.
    """

    root: str
    sources: list[Source] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    cut: str = ""

    @property
    def is_whole(self) -> bool:
        return not self.cut and not self.failed


async def crawl(
    url: str,
    folder: Path,
    *,
    fetcher: Fetcher,
    sandbox: Sandbox,
    clock: Clock,
    bounds: Bounds | None = None,
    progress: Callable[[str], None] | None = None,
) -> Crawled:
    """Fetch the pages of a site, or of a sitemap, into files in `folder`.

    Raises `ConfigurationError` where the first address cannot be read: then nothing is known of the site.
    """
    start = normal(url)
    visit = _Visit(start, folder, fetcher, sandbox, clock, bounds or Bounds(), progress or (lambda _: None))
    try:
        await visit.begin()
    except (LoadError, Refused) as error:
        raise ConfigurationError(f"{url} cannot be read: {error}") from error
    await visit.go_on()
    return visit.crawled


class _Visit:
    """One reading of a site."""

    def __init__(
        self,
        start: str,
        folder: Path,
        fetcher: Fetcher,
        sandbox: Sandbox,
        clock: Clock,
        bounds: Bounds,
        progress: Callable[[str], None],
    ) -> None:
        self.crawled = Crawled(root=start)
        self._start, self._folder, self._bounds = start, folder, bounds
        self._fetcher, self._sandbox, self._clock, self._progress = fetcher, sandbox, clock, progress
        self._until = time.monotonic() + bounds.seconds
        self._host = host_of(start)
        self._robots: dict[str, _Robots] = {}
        self._queue: deque[tuple[str, int]] = deque()
        self._seen: set[str] = set()
        self._hashes: set[str] = set()
        self._paths: set[str] = set()
        self._bytes = 0
        self._listed = False

    async def begin(self) -> None:
        """Read the first address. Raises `LoadError`, `Refused`."""
        self._seen.add(self._start)
        # Who types example.com means www.example.com too.
        address, page = await self._fetch(self._start, moving=True)
        if page is None:
            raise LoadError("robots.txt asks that it be left alone")
        await self._take(address, page, 0)

    async def go_on(self) -> None:
        """Read what has been found until there is no more, or enough."""
        while self._queue and not self.crawled.cut:
            url, depth = self._queue.popleft()
            try:
                address, page = await self._fetch(url)
                if page is not None and (address == url or address not in self._seen):
                    self._seen.add(address)
                    await self._take(address, page, depth)
            except _Gone:
                self.crawled.skipped.append(url)
            except (LoadError, Refused) as error:
                self.crawled.failed.append((url, str(error)))
            self._check_bounds()

    def _check_bounds(self) -> None:
        bounds = self._bounds
        if not self._queue:
            return
        if len(self.crawled.sources) >= bounds.pages:
            self.crawled.cut = f"it has more than {bounds.pages} pages"
        elif self._bytes >= bounds.all_bytes:
            self.crawled.cut = f"it holds more than {bounds.all_bytes // 1024 // 1024} MB"
        elif time.monotonic() >= self._until:
            self.crawled.cut = f"it took longer than {bounds.seconds:.0f} s"

    async def _fetch(self, url: str, *, moving: bool = False) -> tuple[str, Fetched | None]:
        """The page and where it was in the end; no page where robots.txt forbids it. Raises `LoadError`, `Refused`."""
        for _ in range(_MOST_REDIRECTS + 1):
            robots = await self._robots_of(url)
            if not robots.allows(url):
                self.crawled.skipped.append(url)
                return url, None
            if robots.wait_s:
                await self._clock.sleep(robots.wait_s)
            self._progress(url)
            page = await self._got(url, self._bounds.page_bytes)
            self._bytes += len(page.body)
            if page.status == 200:
                return url, page
            if page.status in _GONE:
                raise _Gone(f"it is not there ({page.status})")
            if not 300 <= page.status < 400 or "location" not in page.headers:
                raise LoadError(f"it answered {page.status}")
            url = self._redirected(url, page.headers["location"], moving=moving)
        raise LoadError(f"it was redirected more than {_MOST_REDIRECTS} times")

    async def _got(self, url: str, most_bytes: int) -> Fetched:
        try:
            page = await self._fetcher.get(url, most_bytes=most_bytes)
        except (TimeoutError, httpx.HTTPError, OSError) as error:
            raise LoadError(f"it cannot be reached ({type(error).__name__})") from error
        if page is None:
            raise LoadError(f"it is larger than {most_bytes // 1024 // 1024} MB")
        return page

    def _redirected(self, url: str, location: str, *, moving: bool) -> str:
        try:
            target = normal(urljoin(url, location))
        except (ConfigurationError, ValueError):
            raise LoadError("it is redirected to what is no web address") from None
        if host_of(target) == self._host:
            return target
        if moving and bare_host(target) == bare_host(self._start):
            self._host = host_of(target)
            return target
        raise LoadError(f"it leads to another host ({urlsplit(target).netloc}): learn that address instead")

    async def _robots_of(self, url: str) -> "_Robots":
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._robots:
            self._robots[origin] = _Robots(await self._robots_text(origin))
        return self._robots[origin]

    async def _robots_text(self, origin: str) -> str:
        """The text of robots.txt; empty where there is none. Raises `LoadError` where the server fails at it."""
        url = f"{origin}/robots.txt"
        for _ in range(_MOST_REDIRECTS + 1):
            page = await self._got(url, _ROBOTS_BYTES)
            if page.status >= 500:
                raise LoadError(f"robots.txt answered {page.status}: try again later")
            if 300 <= page.status < 400 and "location" in page.headers:
                url = self._redirected(url, page.headers["location"], moving=True)
                continue
            return page.body.decode("utf-8", "replace") if page.status == 200 else ""
        return ""

    async def _take(self, url: str, page: Fetched, depth: int) -> None:
        """Keep a page to be learned, and its links to be followed. Raises `LoadError`."""
        media, _, parameters = page.headers.get("content-type", "").partition(";")
        media = media.strip().lower()
        body = _in_utf8(page.body, media, parameters)
        xml = media in _XML or (media.endswith("+xml") and media not in PAGES)
        if media in PAGES or xml:
            file = self._folder / f"{len(self._seen)}-links"
            file.write_bytes(body)
            links = await self._sandbox.links(file, xml=xml)
            file.unlink()
            if depth == 0:
                self._listed = links.sitemap
            # Of a sitemap the pages that it names are read, and none that they lead to.
            if depth < self._bounds.depth and (links.sitemap or not self._listed):
                self._follow(url, links.urls, depth + 1)
            if not links.learn or xml:
                return
        self._keep(url, media, body)

    def _keep(self, url: str, media: str, body: bytes) -> None:
        path = path_of(url, media)
        digest = hashlib.sha256(body).hexdigest()
        if path is None or path in self._paths or digest in self._hashes:
            self.crawled.skipped.append(url)
            return
        self._paths.add(path)
        self._hashes.add(digest)
        file = self._folder / str(len(self._paths))
        file.write_bytes(body)
        self.crawled.sources.append(Source(file, self.crawled.root, path))

    def _follow(self, base: str, urls: tuple[str, ...], depth: int) -> None:
        for written in urls:
            try:
                url = normal(urljoin(base, written))
            except (ConfigurationError, ValueError):
                continue
            if url in self._seen or host_of(url) != self._host or loops(url):
                continue
            self._seen.add(url)
            self._queue.append((url, depth))


class _Gone(LoadError):  # noqa: N818  # as in `sahut.errors`
    """There is no such page, or not any more."""


class _Robots:
    """What a site allows to us."""

    def __init__(self, text: str) -> None:
        from protego import Protego

        self._rules = Protego.parse(text)
        self.wait_s = min(float(self._rules.crawl_delay(AGENT) or 0.0), _WAIT_AT_MOST_S)

    def allows(self, url: str) -> bool:
        return bool(self._rules.can_fetch(url, AGENT))


def _in_utf8(body: bytes, media: str, parameters: str) -> bytes:
    """Text in the charset that the server names, written so that its reader cannot take it for another."""
    name = parameters.lower().partition("charset=")[2].partition(";")[0].strip(" \"'")
    if not name or not media.startswith("text/") or not body.strip():
        return body
    return decode(body, declared=name).encode("utf-8-sig")
