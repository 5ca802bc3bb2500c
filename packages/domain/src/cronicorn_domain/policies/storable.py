"""What every database can hold of an outcome: the same on all, so that stores behave alike."""

from dataclasses import replace
from typing import assert_never

from cronicorn_domain.model.run import Blocked, Body, Failed, Outcome, Response, Succeeded
from cronicorn_domain.policies.asking import is_asking


def storable(outcome: Outcome) -> Outcome:
    """
    Return the outcome without what is no clean text.

    A response that is not clean loses its body and headers; in a message the odd characters are
    replaced.
    """
    match outcome:
        case Succeeded(response=response):
            clean = _clean(response)
            return outcome if clean is response else replace(outcome, response=clean)
        case Failed(response=response, message=message):
            answer = None if response is None else _clean(response)
            if answer is response and _is_clean(message):
                return outcome
            return replace(outcome, response=answer, message=_readable(message))
        case Blocked(message=message):
            return outcome if _is_clean(message) else Blocked(message=_readable(message))
        case _:
            assert_never(outcome)


def _clean(response: Response) -> Response:
    if not _is_clean(response.body.text):
        response = replace(response, body=Body())
    if not all(_is_clean(name) and _is_clean(value) for name, value in response.headers):
        response = replace(response, headers=())
    return response


def _is_clean(text: str) -> bool:
    if text.isascii():
        return "\0" not in text
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def _readable(text: str) -> str:
    return text.replace("\0", "�").encode(errors="replace").decode()


def bare(outcome: Outcome) -> Outcome:
    """
    Return the least that is to be kept of an outcome: of a response its status, and what it asks.
    """
    match outcome:
        case Succeeded(response=response) | Failed(response=Response() as response):
            kept = tuple(each for each in response.headers if is_asking(*each))
            return replace(
                outcome, response=Response(status_code=response.status_code, headers=kept)
            )
        case Failed() | Blocked():
            return outcome
        case _:
            assert_never(outcome)
