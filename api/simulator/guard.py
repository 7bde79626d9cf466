"""Who may drive the simulator: pages of its own address alone. Knows no route.

The simulator asks for no password, so another site in the same browser must not reach it: neither by a name that
points at this machine (DNS rebinding: the Host is checked) nor by a form or a script (the Origin is checked).
"""

from urllib.parse import urlsplit

from fastapi import HTTPException, Request

from api.server import LOOPBACK

POLICY = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
JSON = "application/json"


async def only_from_here(request: Request) -> None:
    """Raises 403 for a request that comes by another name or from another site, 415 for a body that is not JSON."""
    host = request.headers.get("host", "")
    if _name(host) not in LOOPBACK:
        raise HTTPException(403, "The simulator answers on this machine's own address only.")
    origin = request.headers.get("origin")
    elsewhere = request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")
    if elsewhere or (origin is not None and origin != f"{request.url.scheme}://{host}"):
        raise HTTPException(403, "The simulator is driven by its own page only.")
    # A page elsewhere cannot send JSON without asking first, and is answered no.
    if request.method == "POST" and request.headers.get("content-type", "").partition(";")[0].strip() != JSON:
        raise HTTPException(415, f"Send {JSON}.")


def _name(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
