"""Says in our words, and with its place, what the compiler found wrong with an expression."""

import re
from typing import Final

from cronicorn_domain.errors import InvalidExpression

from cronicorn_adapter_cel.language import NAMES

_FOUND: Final = re.compile(r"ERROR: <input>:(?P<line>\d+):(?P<column>\d+): (?P<what>.*)")
_UNDECLARED: Final = re.compile(r"undeclared reference to '(?P<name>[^']*)'")
_OVERLOAD: Final = re.compile(
    r"found no matching overload for '(?P<called>[^']*)' applied to '\((?P<types>.*)\)'"
)
_TYPES: Final = {"int": "a whole number", "double": "a number", "string": "a text"} | {
    "bool": "yes or no",
    "dyn": "something from an answer",
    "timestamp": "an instant",
    "duration": "a length of time",
    "null": "null",
}


def refusal(told: str, *, field: str) -> InvalidExpression:
    """Return the error that tells the first thing the compiler found."""
    found = _FOUND.search(told)
    if found is None:
        return _without_place(told, field=field)
    line, column = int(found["line"]), int(found["column"])
    message, remedy = _in_words(found["what"])
    return InvalidExpression(
        f"line {line}, column {column}: {message}",
        field=field,
        remedy=remedy,
        line=line,
        column=column,
    )


def _without_place(told: str, *, field: str) -> InvalidExpression:
    if "recursion" in told:
        return InvalidExpression(
            "the expression is nested too deeply", field=field, remedy="nest at most 32 levels"
        )
    return InvalidExpression(
        f"the expression cannot be understood ({told.split(maxsplit=1)[0].rstrip(':')})",
        field=field,
        remedy="write a condition in CEL, such as status >= 500",
    )


def _in_words(what: str) -> tuple[str, str | None]:
    if undeclared := _UNDECLARED.match(what):
        return _unknown(undeclared["name"])
    if overload := _OVERLOAD.match(what):
        return _unfit(overload["called"], overload["types"].split(", "))
    if what.startswith("Syntax error"):
        return _misspelt(what)
    return what, None


def _unknown(name: str) -> tuple[str, str]:
    return f"there is no {name!r}", f"ask about {', '.join(NAMES)}"


def _unfit(called: str, types: list[str]) -> tuple[str, None]:
    sign = called.strip("_").replace("_", " ").strip() or called
    given = " and ".join(_TYPES.get(each, each) for each in types)
    return f"{sign} cannot be used on {given}", None


def _misspelt(what: str) -> tuple[str, str | None]:
    if "'<EOF>' expecting" in what or "at '<EOF>'" in what:
        return "the expression ends where something is still to come", None
    if "token recognition error at: '= " in what or "token recognition error at: '='" in what:
        return "one = compares nothing", "write =="
    return what.removeprefix("Syntax error: ").split(" expecting {")[0], None
