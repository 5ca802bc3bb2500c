"""Takes bodies as forms where a standard has them so, besides JSON."""

import json
from collections.abc import Callable, Coroutine
from typing import Any, Final
from urllib.parse import parse_qsl

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.datastructures import MutableHeaders

FORM: Final = "application/x-www-form-urlencoded"
_FIELDS_MOST: Final = 100


class FormRoute(APIRoute):
    """
    A route that reads a form as the object of texts that it stands for.

    The document has JSON alone, and tells of forms in words: generators of clients make two kinds
    of body into code that does not run.

    A field that comes twice is a list, and refused as one; one without a value is left out, as RFC
    6749 has it. What is called a form and begins as an object is JSON: so `curl --data` sends it.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        answer = super().get_route_handler()

        async def answer_form(request: Request) -> Response:
            if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
                return await answer(request)
            headers = MutableHeaders(raw=[*request.scope["headers"]])
            headers["content-type"] = "application/json"
            read_as_json = {**request.scope, "headers": headers.raw}
            return await answer(_FormRequest(read_as_json, request.receive))

        return answer_form


class _FormRequest(Request):
    """Reads a form as JSON."""

    async def body(self) -> bytes:
        body = await super().body()
        return body if body.lstrip().startswith(b"{") else json.dumps(_fields(body)).encode()


def _fields(body: bytes) -> dict[str, str | list[str]] | None:
    text = body.decode("utf-8", "replace")
    try:
        pairs = parse_qsl(text, max_num_fields=_FIELDS_MOST)
    except ValueError:  # more fields than anybody asks for
        return None
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return {name: given[0] if len(given) == 1 else given for name, given in values.items()}
