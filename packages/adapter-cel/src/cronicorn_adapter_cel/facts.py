"""Carries facts to the process that answers, as JSON, and there into what CEL can hold."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson
from cronicorn_domain.model.facts import Answer, Facts, Tally
from cronicorn_domain.model.run import Body, BodyKind

_WHOLE_MOST: Final = 18
"""Digits of a whole number that 64 bits hold for certain."""

_DIGITS: Final = bytes.maketrans(b"123456789", b"000000000")
_TOO_LONG: Final = b"0" * (_WHOLE_MOST + 1)


def written(facts: Facts, expressions: Sequence[str]) -> Mapping[str, Any]:
    """
    Return the facts as JSON has them; a body that is JSON stays the text it is.

    One that no expression asks about stays here: it is most of what there is to carry.
    """
    asked = any("body" in each for each in expressions)
    return {
        **_answer_written(facts.answer, asked=asked),
        "failures": facts.failures,
        "health": _health(facts.health),
        "previous": {} if facts.previous is None else _answer_written(facts.previous),
        "siblings": {name: _answer_written(each) for name, each in facts.siblings.items()},
        "now": facts.now.timestamp(),
    }


def _answer_written(answer: Answer, *, asked: bool = True) -> Mapping[str, Any]:
    return {
        "succeeded": answer.succeeded,
        "status": answer.status,
        "body": _body_written(answer.body) if asked else None,
        "headers": {name.lower(): value for name, value in answer.headers},
        "durationMs": answer.duration // timedelta(milliseconds=1),
    }


def _body_written(body: Body) -> Mapping[str, str] | None:
    match body.kind:
        case BodyKind.JSON:
            return {"json": body.text}
        case BodyKind.TEXT:
            return {"text": body.text}
        case BodyKind.BINARY | BodyKind.NONE:
            return None


def _health(tally: Tally) -> Mapping[str, float]:
    runs = tally.successes + tally.failures
    rate = tally.successes / runs if runs else 1.0
    return {"successes": tally.successes, "failures": tally.failures, "rate": rate}


def read(sent: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables of an expression, with nothing in them that CEL would cut or refuse."""
    return {
        **_answer_read(sent),
        "failures": sent["failures"],
        "health": sent["health"],
        "previous": _answer_read(sent["previous"]) if sent["previous"] else {},
        "siblings": {_clean(name): _answer_read(each) for name, each in sent["siblings"].items()},
        "now": datetime.fromtimestamp(sent["now"], UTC),
    }


def _answer_read(sent: Mapping[str, Any]) -> dict[str, Any]:
    headers = {_clean(name): _clean(value) for name, value in sent["headers"].items()}
    return {**sent, "body": _body_read(sent["body"]), "headers": headers}


def _body_read(sent: Mapping[str, str] | None) -> Any:
    if sent is None:
        return None
    if "text" in sent:
        return _clean(sent["text"])
    text = sent["json"]
    try:
        value = _parsed(text)
    except (ValueError, RecursionError):
        return _clean(text)
    return _cleaned(value) if "\\u" in text or "\0" in text else value


def _parsed(text: str) -> Any:
    """Read JSON by the quick reader, unless it would read otherwise than the standard library."""
    if _TOO_LONG not in text.encode(errors="replace").translate(_DIGITS):
        try:
            return orjson.loads(text)
        except ValueError:
            pass  # a lone surrogate, too deep, or no JSON
    return json.loads(text, parse_int=_whole)


def _whole(digits: str) -> int | float:
    """Read a whole number; one beyond 64 bits is rounded, as most readers of JSON do."""
    return int(digits) if len(digits) <= _WHOLE_MOST else float(digits)


def _cleaned(value: Any) -> Any:
    match value:
        case str():
            return _clean(value)
        case list():
            return [_cleaned(each) for each in value]
        case dict():
            return {_clean(name): _cleaned(each) for name, each in value.items()}
        case _:
            return value


def _clean(text: str) -> str:
    """Replace what CEL would cut a text at, or could not read."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\ufffd").encode(errors="replace").decode()
