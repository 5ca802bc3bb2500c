"""Reads forms that pages send."""

from typing import Annotated, Final
from urllib.parse import parse_qs

from fastapi import Depends, Request

from cronicorn_api.access.desks import TheSite

_FIELDS_MOST: Final = 2_000

Lists = dict[str, list[str]]


async def fields_of(request: Request, site: TheSite) -> Lists:
    """
    Return what a form of our own page holds, each name with all its values; what is none is empty.

    Raises ``CrossSite``: another site's page sent it.
    """
    site.check_write(request)
    try:
        text = (await request.body()).decode("utf-8", "replace")
        return parse_qs(text, keep_blank_values=True, max_num_fields=_FIELDS_MOST)
    except ValueError:
        return {}


async def form_of(fields: Annotated[Lists, Depends(fields_of)]) -> dict[str, str]:
    """Return what a form holds, the last value of each name. Raises ``CrossSite``."""
    return {name: values[-1] for name, values in fields.items()}


Fields = Annotated[Lists, Depends(fields_of)]
Form = Annotated[dict[str, str], Depends(form_of)]
