"""REST: one file per noun, mounted under `/api/v1`."""

from fastapi import APIRouter

from api.rest import conversations, documents, handoffs, keys, messages, tickets

router = APIRouter(prefix="/api/v1")
for _noun in (conversations, handoffs, messages, tickets, documents, keys):
    router.include_router(_noun.router)
