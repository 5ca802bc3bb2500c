"""Reads forms that pages send: names and values, once each."""

from typing import Annotated, Final
from urllib.parse import parse_qsl

from fastapi import Depends, Request

from cronicorn_api.access.desks import TheSite

_FIELDS_MOST: Final = 20


async def form_of(request: Request, site: TheSite) -> dict[str, str]:
    """
    Return what a form of our own page holds; what is none holds nothing.

    Raises ``CrossSite``: another site's page sent it.
    """
    site.check_write(request)
    try:
        text = (await request.body()).decode("utf-8", "replace")
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_FIELDS_MOST))
    except ValueError:
        return {}


Form = Annotated[dict[str, str], Depends(form_of)]
