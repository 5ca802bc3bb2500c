"""Routes of the document itself: for programs, and as a page for people."""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse

from cronicorn_api.reference.page import POLICY, reference_page

router: Final = APIRouter(include_in_schema=False)


@router.get("/doc")
async def document(request: Request) -> JSONResponse:
    """Give the OpenAPI document, where existing clients look for it."""
    return JSONResponse(request.app.openapi())


@router.get("/reference")
async def page(request: Request) -> HTMLResponse:
    """Give the reference page."""
    return HTMLResponse(
        reference_page(request.app.openapi()), headers={"Content-Security-Policy": POLICY}
    )
