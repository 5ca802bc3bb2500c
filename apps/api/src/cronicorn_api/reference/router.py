"""Routes of the document itself: for programs, and as a page for people."""

from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from cronicorn_api.reference.page import POLICY

router: Final = APIRouter(include_in_schema=False)


@router.get("/openapi.json")
@router.get("/doc")
async def document(request: Request) -> Response:
    """Give the OpenAPI document, also where existing clients look for it."""
    return Response(request.app.document, media_type="application/json")


@router.get("/reference")
async def page(request: Request) -> HTMLResponse:
    """Give the reference page."""
    return HTMLResponse(request.app.reference, headers={"Content-Security-Policy": POLICY})
