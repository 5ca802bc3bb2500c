"""
Completes the OpenAPI document: what goes around every route, and is therefore in none.

The kinds of credentials, the key of writes that are done once, and the headers of answers.
"""

from collections.abc import Iterator
from typing import Any, Final

from cronicorn_domain.model.answer import KEY_LENGTH_MOST

from cronicorn_api.access.desks import CREDENTIAL

Part = dict[str, Any]

_SCHEMES: Final[Part] = {
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "cronicorn_session",
        "description": "Behind TLS its name begins with __Host-.",
    },
    "bearer": {"type": "http", "scheme": "bearer", "description": "A session's token, or a key."},
    "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
}
_IDEMPOTENCY_KEY: Final[Part] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "With it the write is done once: a repeat gets the first answer, for a day.",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": KEY_LENGTH_MOST,
        "pattern": "^[!-~]([ -~]*[!-~])?$",
    },
}
_NUMBER: Final[Part] = {"type": "integer", "minimum": 0}
_HEADERS: Final[dict[str, Part]] = {
    "X-Request-Id": {
        "description": "Names the request in our log; one that comes with it is kept.",
        "schema": {"type": "string"},
    },
    "X-RateLimit-Limit": {"description": "How often one may ask at once.", "schema": _NUMBER},
    "X-RateLimit-Remaining": {"description": "How often still.", "schema": _NUMBER},
    "X-RateLimit-Reset": {"description": "Seconds until it is all back.", "schema": _NUMBER},
    "Retry-After": {"description": "Seconds until it is worth asking.", "schema": _NUMBER},
    "Idempotency-Replayed": {
        "description": "This was answered before, to the same Idempotency-Key.",
        "schema": {"type": "string", "const": "true"},
    },
}
_RATES: Final = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
_LATER: Final = frozenset({"429", "503"})
_WRITES: Final = frozenset({"post", "put", "patch", "delete"})
_WATCHED: Final = "/health"


def completed(document: Part) -> Part:
    """Complete the document that the framework made, in its place, and return it."""
    components = document.setdefault("components", {})
    components["securitySchemes"] = _SCHEMES
    components["headers"] = _HEADERS
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _complete(operation, method, watched=_WATCHED in path)
    return document


def _complete(operation: Part, method: str, *, watched: bool) -> None:
    guarded = {CREDENTIAL.scheme_name: []} in operation.get("security", [])
    if guarded:
        operation["security"] = [{name: []} for name in _SCHEMES]
    once = guarded and method in _WRITES
    if once:
        operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
    for status, answer in operation["responses"].items():
        names = _headers_of(status, once=once, limited=not watched)
        told = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
        answer["headers"] = answer.get("headers", {}) | told


def _headers_of(status: str, *, once: bool, limited: bool) -> Iterator[str]:
    yield "X-Request-Id"
    if limited:
        yield from _RATES
    if limited and status in _LATER:
        yield "Retry-After"
    if once and status.startswith("2"):
        yield "Idempotency-Replayed"
