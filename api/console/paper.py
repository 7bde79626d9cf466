"""Pages without a socket (sign-in, people, errors) from templates that escape whatever they are given."""

import hashlib
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import Response
from fastapi.templating import Jinja2Templates

from api.console.place import BASE, Place

_HERE = Path(__file__).parent
_templates = Jinja2Templates(_HERE / "templates")
# Changes with what it names, so that browsers may keep the files for ever.
STAMP = hashlib.sha256(b"".join(path.read_bytes() for path in sorted((_HERE / "static").iterdir()))).hexdigest()[:12]
HEAD = (
    f'<link rel="stylesheet" href="{BASE}/static/console.css?{STAMP}">'
    f'<script src="{BASE}/static/boot.js?{STAMP}"></script>'
)
FOOT = f'<script defer src="{BASE}/static/calls.js?{STAMP}"></script>'


def page(request: Request, name: str, title: str, *, status: int = 200, **values: Any) -> Response:
    """A page from a template; signed-in people get the bar."""
    scope = request.scope
    place: Place = scope["sahut.place"]
    me = scope["sahut.operator"]
    known = {
        "base": BASE,
        "stamp": STAMP,
        "title": title,
        "me": me,
        "pages": place.pages_for(me) if me else [],
        "alert": place.alert if me else "",
        "token": place.form_token(scope["sahut.token"]) if me else "",
    }
    return _templates.TemplateResponse(request, name, {**known, **values}, status_code=status)


def not_found(request: Request) -> Response:
    """There is nothing here, said calmly."""
    text = "This page or conversation does not exist, or not any more."
    return page(request, "calm.html", "Nothing here", status=404, text=text)


def unavailable(request: Request) -> Response:
    """The database is away."""
    text = "The database cannot be used at the moment. Try again in a moment."
    return page(request, "calm.html", "That did not work", status=503, text=text)
