"""Errors as the wire has them: the type of an error tells its status, and nothing else does."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

from cronicorn_domain.errors import (
    Conflict,
    CronicornError,
    InvalidInput,
    Issue,
    NoSecretKey,
    NotAllowed,
    NotFound,
    RefusedByRule,
    SecretsUnavailable,
    SignInRefused,
    StoreError,
    StoreUnavailable,
    TooLarge,
    TooManyRequests,
    UnreadableRow,
)

from cronicorn_api.wire.values import Wire


class Unauthenticated(Exception):
    """There is no credential, or it proves nothing."""


class CrossSite(Exception):
    """A browser was made to ask by somebody else's page."""


class ErrorBody(Wire):
    """What went wrong; ``code`` is for programs, and lasts."""

    error: str
    message: str
    status: int
    code: str


class IssueBody(Wire):
    """One thing to mend."""

    path: str
    message: str
    code: str


class ValidationBody(ErrorBody):
    """What was given cannot be meant, and everything that is to be mended."""

    success: bool = False
    issues: list[IssueBody]


class TooManyBody(ErrorBody):
    """It was asked too often."""

    retry_after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An answer that is an error."""

    body: ErrorBody
    headers: tuple[tuple[str, str], ...] = ()


_TITLES: Final = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    409: "Conflict",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
RETRY_UNAVAILABLE: Final = 5
_NO_KEY: Final = (
    "a secret of it cannot be opened here: start the server with the key that it was sealed with"
)
_INTERNAL: Final = "something went wrong here; the request id tells us where to look"


def refusal_of(error: CronicornError) -> Refusal:
    """Tell an error of the domain; what is of the inside stays inside."""
    match error:
        case InvalidInput():
            return invalid(error.issues)
        case NotFound():
            return refusal(404, "not_found", str(error))
        case NotAllowed():
            return refusal(403, "not_allowed", str(error))
        case SignInRefused():
            return refusal(401, "invalid_email_or_password", str(error))
        case TooManyRequests():
            return _too_many(error)
        case TooLarge():
            return refusal(413, "too_large", str(error))
        case RefusedByRule() | Conflict():
            status = 409 if isinstance(error, Conflict) else 400
            return refusal(status, _slug(error), str(error))
        case StoreError():
            return _of_store(error)
        case _:
            return internal()


def _of_store(error: StoreError) -> Refusal:
    """Tell what whoever asks can do about it; what else happens to a store is ours."""
    match error:
        case NoSecretKey():
            return refusal(409, "no_secret_key", str(error))
        case SecretsUnavailable():
            return refusal(409, "secrets_unavailable", _NO_KEY)
        case UnreadableRow():
            told = f"{error.subject} means nothing any more as it is stored; `doctor` tells why"
            return refusal(409, "unreadable", told)
        case StoreUnavailable():
            return refusal(
                503,
                "unavailable",
                "this cannot be done at the moment; try again",
                ("Retry-After", str(RETRY_UNAVAILABLE)),
            )
        case _:
            return internal()


def unauthenticated() -> Refusal:
    """Tell that a credential is missing, or proves nothing."""
    return refusal(
        401,
        "unauthenticated",
        "sign in, or give a valid API key as x-api-key or as bearer token",
        ("WWW-Authenticate", "Bearer"),
    )


def cross_site() -> Refusal:
    """Tell that a browser's cookie does not do for what another site's page asks."""
    return refusal(
        403,
        "cross_site",
        "with a session cookie only pages of this site may change anything; programs give an API"
        " key or a bearer token",
    )


def internal() -> Refusal:
    """Tell of a fault of ours, and nothing about it."""
    return refusal(500, "internal", _INTERNAL)


def of_status(status: int) -> Refusal:
    """Tell what the framework refuses: no such route or method, or a body that is too large."""
    codes = {
        400: "unreadable",
        404: "not_found",
        405: "method_not_allowed",
        408: "too_slow",
        413: "too_large",
        415: "unsupported_encoding",
        431: "head_too_large",
    }
    messages = {
        400: "the body cannot be read",
        404: "there is no such route",
        405: "this route knows no such method",
        408: "the body took too long to arrive",
        413: "the body is too large: keep to 2 MiB",
        415: "the body is encoded: send it as it is, without Content-Encoding",
        431: "the line and the headers of the request are too large: keep to 32 KiB",
    }
    code = codes.get(status, "refused")
    return refusal(status, code, messages.get(status, "this was refused"))


def invalid(issues: Sequence[Issue]) -> Refusal:
    """Tell everything that is to be mended."""
    told = [IssueBody(path=each.path, message=each.message, code=each.code) for each in issues]
    message = "; ".join(
        f"{each.path}: {each.message}" if each.path else each.message for each in told
    )
    body = ValidationBody(
        error=_TITLES[422], message=message, status=422, code="invalid_input", issues=told
    )
    return Refusal(body=body)


def refusal(status: int, code: str, message: str, *headers: tuple[str, str]) -> Refusal:
    """Make an answer that is an error."""
    title = _TITLES.get(status, "Error")
    body = ErrorBody(error=title, message=message, status=status, code=code)
    return Refusal(body=body, headers=headers)


def _too_many(error: TooManyRequests) -> Refusal:
    seconds = max(1, ceil(error.retry_after.total_seconds()))
    body = TooManyBody(
        error=_TITLES[429],
        message=str(error),
        status=429,
        code="too_many_requests",
        retry_after=seconds,
    )
    return Refusal(body=body, headers=(("Retry-After", str(seconds)),))


def _slug(error: CronicornError) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__).lower()


DOCUMENTED: Final = {
    400: ErrorBody,
    401: ErrorBody,
    403: ErrorBody,
    404: ErrorBody,
    408: ErrorBody,
    409: ErrorBody,
    413: ErrorBody,
    415: ErrorBody,
    422: ValidationBody,
    429: TooManyBody,
    500: ErrorBody,
    503: ErrorBody,
}
"""What any route behind a credential may answer besides what it is for."""
