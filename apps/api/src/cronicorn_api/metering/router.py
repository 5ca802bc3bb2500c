"""The route of the metrics, for administrators."""

from typing import Final

from cronicorn_domain.model.api_key import Scope
from fastapi import APIRouter, Request, Response
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from cronicorn_api.access.desks import TheCaller
from cronicorn_api.metering.instruments import Instruments

router: Final = APIRouter(tags=["service"])


@router.get(
    "/metrics",
    operation_id="getMetrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(request: Request, caller: TheCaller) -> Response:
    """Give this process's metrics, as Prometheus reads them."""
    caller.check(Scope.ADMIN)
    instruments: Instruments = request.app.state.instruments
    await instruments.look()
    return Response(generate_latest(instruments.registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)
