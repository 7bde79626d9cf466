"""Who may do what over REST: bearer keys and their scopes. Knows no noun."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.house import House, house_of
from sahut.models import ApiKey, Role
from sahut.rules import Actor
from sahut.store import keys

_bearer = HTTPBearer(auto_error=False, description="A key made by `sahut key create`.")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]

# What each dependency made by `scope` asks for, for the generated reference.
SCOPES: dict[Callable[..., Awaitable[ApiKey]], str] = {}


def scope(needed: str) -> Callable[..., Awaitable[ApiKey]]:
    """A dependency that asks for a key with the scope; `admin` opens everything."""

    async def check(house: Annotated[House, Depends(house_of)], credentials: Credentials) -> ApiKey:
        if credentials is None:
            raise HTTPException(401, "Send a key: Authorization: Bearer KEY (sahut key create).")
        async with house.store.reading() as tx:
            key = await keys.find(tx, credentials.credentials)
        if key is None:
            raise HTTPException(401, "This key is unknown or revoked.")
        if needed not in key.scopes and "admin" not in key.scopes:
            raise HTTPException(403, f"This key lacks the scope {needed!r}.")
        return key

    SCOPES[check] = needed
    return check


async def acting(key: Annotated[ApiKey, Depends(scope("write"))]) -> Actor:
    """The key as one who acts: a system answers for its own, so it stands over the holders of conversations."""
    return Actor(id=key.id, name=key.name, role=Role.ADMIN if "admin" in key.scopes else Role.SUPERVISOR)


Reader = Annotated[ApiKey, Depends(scope("read"))]
Writer = Annotated[ApiKey, Depends(scope("write"))]
Admin = Annotated[ApiKey, Depends(scope("admin"))]
Acting = Annotated[Actor, Depends(acting)]
TheHouse = Annotated[House, Depends(house_of)]
