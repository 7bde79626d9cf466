"""Probes and metrics. Says whether the process lives and whether it could take work now; changes nothing."""

from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api.house import House, house_of
from sahut.errors import StoreUnavailable
from sahut.store import spending

log = structlog.get_logger(__name__)
router = APIRouter(include_in_schema=False)


@router.get("/health/live")
async def live() -> dict[str, str]:
    """The process answers."""
    return {"status": "alive"}


@router.get("/health/ready")
async def ready(house: Annotated[House, Depends(house_of)]) -> JSONResponse:
    """The database answers, so a webhook could be stored: else 503."""
    try:
        await house.store.ping()
    except StoreUnavailable as error:
        log.error("not ready", error=str(error))
        return JSONResponse({"status": "not ready", "why": "the database cannot be used"}, 503)
    return JSONResponse({"status": "ready"})


@router.get("/metrics")
async def metrics(house: Annotated[House, Depends(house_of)]) -> Response:
    """Prometheus' text format. What the models took is the database's sum over all processes."""
    try:
        async with house.store.reading() as tx:
            spent, _ = await spending.spent(tx, house.clock.now().date(), spending.EVERYBODY)
        house.metrics.spent_usd.set(spent.cost_usd)
        house.metrics.spent_tokens.set(spent.tokens)
    except StoreUnavailable as error:
        log.error("what the models took is not known", error=str(error))
    return Response(generate_latest(house.metrics.registry), media_type=CONTENT_TYPE_LATEST)
