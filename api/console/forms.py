"""Who may see a plain page, and whether a form comes from it. Knows no page."""

from http import HTTPStatus

from fastapi import HTTPException, Request

from api.console.place import Place
from sahut.models import Operator, Role


def allowed(request: Request, *roles: Role) -> Operator:
    """Whoever asks, if their role is among these. Raises 403."""
    me: Operator = request.scope["sahut.operator"]
    if me.role not in roles:
        raise HTTPException(HTTPStatus.FORBIDDEN, "Your role does not include this page. Ask an admin.")
    return me


def posted(request: Request, token: str, *roles: Role) -> tuple[Place, Operator]:
    """The place and the sender of a form of this session. Raises 403."""
    place: Place = request.scope["sahut.place"]
    me = allowed(request, *roles)
    if not place.is_form_of(request.scope["sahut.token"], token):
        raise HTTPException(HTTPStatus.FORBIDDEN, "This form is out of date. Go back, reload the page and try again.")
    return place, me
