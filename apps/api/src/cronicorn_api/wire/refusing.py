"""Answers with errors: the handlers that the application is given."""

import re
from collections.abc import Iterator, Mapping, Sequence, Sized
from contextlib import contextmanager
from http import HTTPStatus
from types import NoneType
from typing import Final

from cronicorn_domain.errors import CronicornError, InvalidInput, Issue, SeveralFaults
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match

from cronicorn_api.wire.errors import (
    CrossSite,
    Refusal,
    Unauthenticated,
    cross_site,
    internal,
    invalid,
    of_status,
    refusal_of,
    unauthenticated,
)


def answer_to(error: CronicornError) -> Response:
    """Answer with an error of the domain, where no handler of the application would."""
    return _answer(refusal_of(error))


def answer_status(status: int) -> Response:
    """Answer with what no error of the domain says, where no handler of the application would."""
    return _answer(of_status(status))


def refuse_with(app: FastAPI) -> None:
    """Have an application answer with errors as the wire has them, those of its framework too."""

    @app.exception_handler(CronicornError)
    async def _domain(_: Request, error: CronicornError) -> Response:
        return answer_to(error)

    @app.exception_handler(Unauthenticated)
    async def _unknown(_: Request, __: Unauthenticated) -> Response:
        return _answer(unauthenticated())

    @app.exception_handler(CrossSite)
    async def _foreign(_: Request, __: CrossSite) -> Response:
        return _answer(cross_site())

    @app.exception_handler(RequestValidationError)
    async def _malformed(_: Request, error: RequestValidationError) -> Response:
        return _answer(invalid(issues_of(error)))

    @app.exception_handler(HTTPException)
    async def _framework(request: Request, error: HTTPException) -> Response:
        headers = error.headers or {}
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            headers = {**headers, "Allow": ", ".join(allowed_methods(request))}
        return _answer(of_status(error.status_code), headers)

    @app.exception_handler(Exception)
    async def _fault(_: Request, __: Exception) -> Response:
        return _answer(internal())


def issues_of(error: RequestValidationError) -> Sequence[Issue]:
    """Tell what is to be mended in what was sent: as much as a person reads, and how much more."""
    faults = error.errors()
    told = [_issue(each) for each in faults[:ISSUES_MOST]]
    if left := len(faults) - len(told):
        told.append(Issue(path="", message=f"and {left} more like these", code="more"))
    return told


def allowed_methods(request: Request) -> Iterator[str]:
    """Name every method that a path knows; the framework names those of one of its routes."""
    asked = {"type": "http", "path": request.scope["path"], "root_path": ""}
    for method in _METHODS:
        matching = "GET" if method == "HEAD" else method
        if any(
            route.matches({**asked, "method": matching})[0] is Match.FULL
            for route in request.app.routes
        ):
            yield method


ISSUES_MOST: Final = 50
"""So many faults are told of one body; who sends hundreds of thousands waits for none of them."""
_PATH_MOST: Final = 200
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_OF_A_RULE: Final = {
    "every": "everyMs",
    "run_in": "runInMs",
    "pause_for": "pauseForMs",
    "for": "forMs",
    "cooldown": "cooldownMs",
}


_A_SCHEDULE: Final = re.compile(r"\b(every|cron|at)\b")
_OF_SCHEDULES: Final = re.compile(r"every, cron and at\b|there is (every|cron|at) as well")
"""Where a sentence names members, and does not just speak of times."""
_OF_OURS: Final = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b")
"""How members are called inside, where they have more than one word."""


@contextmanager
def members_named(names: Mapping[str, str]) -> Iterator[None]:
    """Tell faults by the names that members have on the wire, which are not those inside."""
    try:
        yield
    except InvalidInput as error:
        raise SeveralFaults([_renamed(each, names) for each in error.issues]) from None


def _renamed(issue: Issue, names: Mapping[str, str]) -> Issue:
    first, dot, rest = issue.path.partition(".")
    last = issue.path.rpartition(".")[2]
    if first == "rules" and last in _OF_A_RULE:
        rest = f"{rest.removesuffix(last)}{_OF_A_RULE[last]}"
    path = names.get(issue.path) or f"{names.get(first, first)}{dot}{rest}"
    message = _OF_SCHEDULES.sub(lambda found: _worded(found[0], names), issue.message)
    message = _OF_OURS.sub(lambda found: names.get(found[0], found[0]), message)
    return Issue(path=path, message=message, code=issue.code)


def _worded(words: str, names: Mapping[str, str]) -> str:
    """Name the members of schedules in a sentence as the wire does."""
    return _A_SCHEDULE.sub(lambda found: names.get(found[0], found[0]), words)


def _issue(error: Mapping[str, object]) -> Issue:
    """Tell what pydantic expected, and what it found."""
    location = error.get("loc", ())
    parts = [str(each) for each in location[1:]] if isinstance(location, tuple) else []
    code = str(error.get("type", "invalid"))
    path = "" if code == "json_invalid" else ".".join(parts)[:_PATH_MOST]
    message = _MEANT.get(code) or str(error.get("msg", "is not possible"))
    message = message.removeprefix("Value error, ")
    if code not in _NOTHING_FOUND:
        message = f"{message}; found {_found(code, error.get('input'))}"
    return Issue(path=path, message=message, code=code)


_MEANT: Final = {
    "dict_type": "Input should be an object",
    "model_attributes_type": "Input should be an object",
    "model_type": "Input should be an object",
}
"""What pydantic says in words of Python."""
_NOTHING_FOUND: Final = frozenset({"missing", "json_invalid"})
_NO_SECRET: Final = re.compile(
    r"(greater|less)_than(_equal)?|enum|literal_error|value_error|(date|time).*|int_.*|float_.*"
)
"""What is refused so is a number, a name of ours or an instant: that can be shown."""
_KINDS: Final = {
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "an object",
    NoneType: "null",
}
_SHOWN_MOST: Final = 40
_HUGE: Final = 10**_SHOWN_MOST


def shown(value: str | float) -> str:
    """Write what was given, so far as it is short, and is no secret."""
    text = repr(value)
    return text if len(text) <= _SHOWN_MOST else f"{text[:_SHOWN_MOST]}…"


def _found(code: str, value: object) -> str:
    """Tell what was given: only its kind where it may be a secret, and never all of a long one."""
    if isinstance(value, bytes):
        return "a body that is not called JSON: send it with Content-Type: application/json"
    number = isinstance(value, int | float) and not isinstance(value, bool)
    only_its_kind = code in {"int_type", "float_type"} and not number
    if _NO_SECRET.fullmatch(code) and isinstance(value, str | int | float) and not only_its_kind:
        return "a huge number" if isinstance(value, int) and abs(value) >= _HUGE else shown(value)
    kind = _KINDS.get(type(value), "something else")
    return f"{kind} of {len(value)}" if "too_" in code and isinstance(value, Sized) else kind


def _answer(refusal: Refusal, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse(
        refusal.body.model_dump(mode="json", by_alias=True),
        status_code=refusal.body.status,
        headers={**(headers or {}), **dict(refusal.headers)},
    )
