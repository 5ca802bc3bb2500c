"""Turns what the schema refuses into problems with a place, in words for who writes the file."""

from collections.abc import Iterator
from difflib import get_close_matches

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from cronicorn_worker.jobs_file.field_types import REFUSED, Allowed
from cronicorn_worker.jobs_file.problems import Path, Problem, shown_kind
from cronicorn_worker.jobs_file.schema import (
    EndpointEntry,
    HeaderEntry,
    JobEntry,
    JobsFile,
    MisfireEntry,
    RetryEntry,
    RuleEntry,
    ThenEntry,
)
from cronicorn_worker.jobs_file.values import Values

_MEANT = {
    "interval": "every",
    "schedule": "cron",
    "run_at": "at",
    "once": "at",
    "tz": "timezone",
    "zone": "timezone",
    "min_interval": "min",
    "max_interval": "max",
    "retries": "retry",
    "data": "body",
    "json": "body",
    "paused_until": "paused",
}
"""Names that other tools give to members of ours."""


def shape_problems(values: Values) -> list[Problem]:
    """Return everything in the document that does not fit the schema."""
    try:
        JobsFile.model_validate(values.root)
    except ValidationError as error:
        return list(_problems(values, error))
    return []


def _problems(values: Values, error: ValidationError) -> Iterator[Problem]:
    known = {each.path for each in values.problems}
    for details in error.errors(include_url=False):
        if details["loc"] not in known:
            yield _problem(values, details)


def _problem(values: Values, details: ErrorDetails) -> Problem:
    path: Path = details["loc"]
    match details["type"]:
        case kind if kind == REFUSED:
            context = details["ctx"]
            remedy = f"{context['remedy']} {_allowed(path)}".strip()
            return values.problem(path, context["message"], remedy)
        case "missing":
            return values.problem(path, "it is missing", f"Add `{path[-1]}:`.")
        case "extra_forbidden":
            return values.problem(path, "this key is unknown", _known_keys(path), at_key=True)
        case "list_type":
            found = f"found {shown_kind(details['input'])}, expected a list"
            return values.problem(path, found, "Begin each of its items with `- `.")
        case "model_type" | "dict_type":
            found = f"found {shown_kind(details['input'])}, expected {_expected(path)}"
            return values.problem(path, found, _mapping_remedy(path))
        case _:
            return values.problem(path, details["msg"])


def _allowed(path: Path) -> str:
    """Say which values the member takes, where its type does."""
    fields = _model_at(path[:-1]).model_fields
    named = {each.alias or name: each for name, each in fields.items()}
    field = named.get(str(path[-1]))
    known = field.metadata if field else []
    return " ".join(f"Allowed: {each.text}." for each in known if isinstance(each, Allowed))


def _expected(path: Path) -> str:
    return "a text or a mapping" if _model_at(path) is HeaderEntry else "a mapping"


def _mapping_remedy(path: Path) -> str:
    if not path:
        return "Begin the file with `jobs:`."
    if _model_at(path) is HeaderEntry:
        return "Put the value in quotes."
    return "Write `key: value` lines below it."


def _known_keys(path: Path) -> str:
    key = str(path[-1])
    model = _model_at(path[:-1])
    known = [each.alias or name for name, each in model.model_fields.items()]
    meant = _MEANT.get(key.lower())
    near = [meant] if meant in known else get_close_matches(key.lower(), known, n=2, cutoff=0.7)
    return f"Did you mean {' or '.join(near)}?" if near else f"Known here: {', '.join(known)}."


def _model_at(path: Path) -> type[BaseModel]:
    match path:
        case ("jobs", _):
            return JobEntry
        case ("jobs", _, "endpoints", _):
            return EndpointEntry
        case ("jobs", _, "endpoints", _, "headers", _):
            return HeaderEntry
        case ("jobs", _, "endpoints", _, "misfire"):
            return MisfireEntry
        case ("jobs", _, "endpoints", _, "retry"):
            return RetryEntry
        case ("jobs", _, "endpoints", _, "rules", _):
            return RuleEntry
        case ("jobs", _, "endpoints", _, "rules", _, "then"):
            return ThenEntry
        case _:
            return JobsFile
