"""Requests to addresses that somebody else chose: checked, bounded, never led astray. Knows no webhook and no site.

A name is resolved here, every address it has is checked, and the connection is made to the very address that was
checked, so that no second look-up can lead elsewhere (DNS rebinding). Certificates are still checked for the name.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from urllib.parse import SplitResult, urlsplit

import httpx

from sahut import __version__

CONNECT_S = 5.0
# From the look-up of the name to the end of the answer's headers; the body of a post's answer is never read.
POST_S = 15.0
WEBHOOKS = "SAHUT_WEBHOOKS_ALLOW_PRIVATE"
_WIDEST_PORT = 65_535
_AGENT = f"Sahut/{__version__}"

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Lookup = Callable[[str, int], Awaitable[Sequence[str]]]
# IPv4 addresses as IPv6 writes them behind a translator (RFC 6052); a private one could hide in there.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class Refused(Exception):  # noqa: N818  # the name says what happened
    """An address that is not spoken to; the text says why and what to do."""


@dataclass(frozen=True)
class Answered:
    """What the receiver said: the status, and how long it asks to be left alone."""

    status: int
    retry_after: timedelta | None = None


@dataclass(frozen=True)
class Fetched:
    """What a server gave: the status, its headers (names in small letters) and its body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Pinned:
    """A URL with a checked address in the place of its name, the `Host` header, and the name for the certificate."""

    url: str
    host: str
    sni: str


async def resolve(host: str, port: int) -> Sequence[str]:
    """Every address a name has, by the system's resolver."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@cache
def _trusted() -> ssl.SSLContext:
    """Whose certificates are believed. Reading them takes longer than everything else about a client."""
    return httpx.create_ssl_context(trust_env=False)


class Outside:
    """The network beyond the house. One client for the life of the process.

    `setting` is named to whom an address is refused. `limit_s` bounds each request as a whole.
    """

    def __init__(
        self, *, allow_private: bool, setting: str = WEBHOOKS, lookup: Lookup = resolve, limit_s: float = POST_S
    ) -> None:
        self._allow_private = allow_private
        self._setting = setting
        self._lookup = lookup
        self._limit_s = limit_s
        # No proxy of the environment: behind one, nobody knows which address is reached.
        self._client = httpx.AsyncClient(
            verify=_trusted(),
            follow_redirects=False,
            trust_env=False,
            timeout=httpx.Timeout(limit_s, connect=CONNECT_S),
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.aclose()

    async def post(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> Answered:
        """Post, and give back the answer's status; redirects are not followed and no body is read.

        Raises `Refused`, `TimeoutError`, and `httpx.HTTPError` or `OSError` where the receiver cannot be reached.
        """
        async with asyncio.timeout(self._limit_s):
            response = await self._send("POST", url, {**headers, "Content-Type": "application/json"}, body)
            try:
                return Answered(response.status_code, _retry_after(response.headers.get("retry-after", "")))
            finally:
                await response.aclose()

    async def get(self, url: str, *, most_bytes: int) -> Fetched | None:
        """Fetch, without following redirects; `None` where the body is longer than `most_bytes`. Raises as `post`."""
        return await self.ask("GET", url, most_bytes=most_bytes)

    async def ask(
        self,
        method: str,
        url: str,
        *,
        most_bytes: int,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Fetched | None:
        """As `get`, with any method, headers and body."""
        async with asyncio.timeout(self._limit_s):
            response = await self._send(method, url, {"Accept-Encoding": "identity", **(headers or {})}, body)
            try:
                read = bytearray()
                async for piece in response.aiter_bytes():
                    read += piece
                    if len(read) > most_bytes:
                        return None
                headers = {name.lower(): value for name, value in response.headers.items()}
                return Fetched(response.status_code, headers, bytes(read))
            finally:
                await response.aclose()

    async def reach(self, url: str) -> None:
        """Connect, say nothing and leave. Raises `Refused`, `TimeoutError`, `OSError`."""
        parts = urlsplit(check_url(url, allow_private=self._allow_private, setting=self._setting))
        address = await self._address(parts)
        async with asyncio.timeout(CONNECT_S):
            _, writer = await asyncio.open_connection(str(address), _port(parts))
        writer.close()

    async def pinned(self, url: str) -> Pinned:
        """Where a client of another library must connect to for this URL. Raises `Refused`, `OSError`."""
        parts = urlsplit(check_url(url, allow_private=self._allow_private, setting=self._setting))
        address = await self._address(parts)
        return Pinned(url=_pinned(parts, address), host=parts.netloc, sni=parts.hostname or "")

    async def _send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> httpx.Response:
        """The answer, its body not read yet."""
        to = await self.pinned(url)
        request = self._client.build_request(
            method,
            to.url,
            content=body,
            headers={**headers, "Host": to.host, "User-Agent": _AGENT},
            extensions={"sni_hostname": to.sni},
        )
        return await self._client.send(request, stream=True)

    async def _address(self, parts: SplitResult) -> Address:
        """The first of the host's addresses; refused where one of them is not to be spoken to."""
        host = parts.hostname or ""
        found = [host] if _literal(host) else await self._lookup(host, _port(parts))
        addresses = [ipaddress.ip_address(text.partition("%")[0]) for text in found]
        if not addresses:
            raise Refused("The name has no address.")
        if not self._allow_private:
            for address in addresses:
                _check_public(address, self._setting)
        return addresses[0]


def check_url(url: str, *, allow_private: bool, setting: str = WEBHOOKS) -> str:
    """The address if it may be spoken to, as far as can be told without a look-up. Raises `Refused`."""
    if not url.isascii() or not url.isprintable() or " " in url:
        raise Refused("Write the address in plain ASCII, without spaces (a name in other letters as xn--...).")
    try:
        parts = urlsplit(url)
        port = _port(parts)
    except ValueError:
        raise Refused("This is no address: write it as https://host/path.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Refused("Write an address that begins with https:// or http:// and names a host.")
    if "@" in parts.netloc:
        raise Refused("The address may hold no user name or password.")
    if not 0 < port <= _WIDEST_PORT:
        raise Refused("The address names no possible port.")
    literal = _literal(parts.hostname)
    if not allow_private:
        if literal is not None:
            _check_public(literal, setting)
        elif _is_local(parts.hostname):
            raise Refused(_private(parts.hostname, setting))
    return url


def is_public(address: Address) -> bool:
    """Whether an address lies in the open internet, also behind the ways in which IPv6 wraps IPv4."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            return is_public(ipaddress.IPv4Address(address.packed[-4:]))
        inner = address.ipv4_mapped or address.sixtofour
        if inner is not None:
            return is_public(inner)
        if address.teredo is not None or address.is_site_local:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _check_public(address: Address, setting: str) -> None:
    if not is_public(address):
        raise Refused(_private(str(address), setting))


def _private(what: str, setting: str) -> str:
    return f"{what} is a private or loopback address: set {setting}=true to allow such ones."


def _is_local(host: str) -> bool:
    plain = host.rstrip(".").lower()
    return plain == "localhost" or plain.endswith((".localhost", ".local", ".internal"))


def _literal(host: str) -> Address | None:
    """The address that the host is written as, also in the ways that only resolvers read ("127.1", "0x7f000001")."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError):
        return None


def _port(parts: SplitResult) -> int:
    given = parts.port
    return given if given is not None else {"http": 80, "https": 443}.get(parts.scheme, 0)


def _pinned(parts: SplitResult, address: Address) -> str:
    """The URL with the checked address in the place of the name."""
    host = f"[{address}]" if address.version == 6 else str(address)
    return parts._replace(netloc=f"{host}:{_port(parts)}", fragment="").geturl()


def _retry_after(text: str) -> timedelta | None:
    """The header in its form of seconds; a date is left aside, as the wait grows anyhow."""
    return timedelta(seconds=int(text)) if text.isascii() and text.isdigit() and len(text) < 7 else None
