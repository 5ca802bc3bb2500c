"""What a refusal is told as: faults at the fields of a form, or a sentence on a page of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from typing import Final

from cronicorn_domain.errors import (
    Conflict,
    CronicornError,
    InvalidInput,
    NotAllowed,
    NotFound,
    RefusedByRule,
    StoreUnavailable,
    TooManyRequests,
)
from cronicorn_domain.wording import length_in_words

_MINUTE: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is to be mended: at a field, or, without one, in the whole form."""

    field: str
    message: str


class Faults(tuple[Fault, ...]):
    """All that is to be mended in a form, in the order in which it was found."""

    __slots__ = ()

    def at(self, field: str) -> str | None:
        """Say what is to be mended at a field; None: nothing."""
        found = [each.message for each in self if each.field == field]
        return " ".join(found) or None


NO_FAULTS: Final = Faults()


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why there is no page such as was asked for."""

    status: int
    title: str
    text: str


def faults_of(error: CronicornError, names: Mapping[str, str] | None = None) -> Faults:
    """
    Tell a refusal at the fields of a form.

    ``names`` says what members are called in the form, where that is not their own name.
    """
    if not isinstance(error, InvalidInput):
        return Faults((Fault(field="", message=sentence(str(error))),))
    named = names or {}
    return Faults(
        Fault(field=_field(each.path, named), message=sentence(each.message))
        for each in error.issues
    )


def wait_in_words(error: TooManyRequests) -> str:
    """Say when it is worth trying again, in whole minutes where it takes more than two."""
    seconds = max(1, ceil(error.retry_after.total_seconds()))
    if seconds > 2 * _MINUTE:
        seconds = ceil(seconds / _MINUTE) * _MINUTE
    return f"That was tried too often. Try again in {length_in_words(timedelta(seconds=seconds))}."


def problem_of(error: CronicornError) -> Problem:
    """Tell a refusal that no page has told itself."""
    text = sentence(str(error))
    match error:
        case NotFound():
            return Problem(status=404, title="Not found", text=text)
        case InvalidInput():
            issues = " ".join(sentence(each.message) for each in error.issues)
            return Problem(status=422, title="That cannot be meant", text=issues)
        case NotAllowed():
            return Problem(status=403, title="Not allowed", text=text)
        case TooManyRequests():
            return Problem(status=429, title="Too often", text=wait_in_words(error))
        case Conflict():
            return Problem(status=409, title="That does not go any more", text=text)
        case RefusedByRule():
            return Problem(status=400, title="Refused", text=text)
        case StoreUnavailable():
            text = "The database cannot be reached at the moment. Nothing was changed; try again."
            return Problem(status=503, title="Not at the moment", text=text)
        case _:
            return FAULT_OF_OURS


FAULT_OF_OURS: Final = Problem(
    status=500,
    title="Something went wrong here",
    text="This is a fault of ours. Whoever runs this installation finds it in the log.",
)


def sentence(text: str) -> str:
    """Write a message as a sentence."""
    text = text.strip()
    if not text:
        return text
    ended = text if text[-1] in ".!?" else f"{text}."
    return f"{ended[0].upper()}{ended[1:]}"


def _field(path: str, names: Mapping[str, str]) -> str:
    if path in names:
        return names[path]
    first, dot, rest = path.partition(".")
    return f"{names.get(first, first)}{dot}{rest}"
