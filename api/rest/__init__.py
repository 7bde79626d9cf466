"""REST: one file per noun, mounted under `/api/v1`."""

from fastapi import APIRouter, Depends, HTTPException, Request

from api.rest import (
    attachments,
    conflicts,
    contacts,
    conversations,
    documents,
    events,
    failures,
    forms,
    gaps,
    grants,
    handoffs,
    keys,
    messages,
    numbers,
    operators,
    promises,
    recalls,
    reports,
    sites,
    templates,
    tickets,
    webhooks,
)


async def _storable(request: Request) -> None:
    """No name of ours holds a NUL, and PostgreSQL takes one for a fault of the statement."""
    if any("\0" in value for value in request.path_params.values()):
        raise HTTPException(404, "There is nothing by this name.")
    if any("\0" in value for value in request.query_params.values()):
        raise HTTPException(422, "A query may not hold NUL characters.")


router = APIRouter(prefix="/api/v1", dependencies=[Depends(_storable)])
for _noun in (
    conversations,
    contacts,
    handoffs,
    grants,
    promises,
    messages,
    failures,
    tickets,
    forms,
    documents,
    attachments,
    conflicts,
    gaps,
    recalls,
    sites,
    reports,
    keys,
    numbers,
    operators,
    events,
    webhooks,
    templates,
):
    router.include_router(_noun.router)
