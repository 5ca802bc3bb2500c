"""
Reads a jobs file: what it asks for, or everything that is wrong with it.

Nothing here touches a store: a file is applied only when all of it is valid.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.model.job import check_description, check_name
from cronicorn_domain.model.state import DEFAULT_FLOOR
from cronicorn_domain.ports.egress_rules import EgressRules
from cronicorn_management.conditions import Conditions
from cronicorn_management.endpoints.judging import Judge

from cronicorn_worker.jobs_file.desired import DesiredEndpoint, DesiredJob
from cronicorn_worker.jobs_file.document import read_document
from cronicorn_worker.jobs_file.endpoint_parts import desired_endpoint
from cronicorn_worker.jobs_file.problems import JobsFileRefused, Path, Problem, shown_value
from cronicorn_worker.jobs_file.schema import EndpointEntry
from cronicorn_worker.jobs_file.shape_problems import shape_problems
from cronicorn_worker.jobs_file.values import Value, Values, read_values

_UNKNOWN = "unknown"
"""Stands in for a name or URL at fault, so that the rest can be judged."""


def read_jobs(
    text: str,
    *,
    file: str,
    environ: Mapping[str, str],
    rules: EgressRules,
    conditions: Conditions,
    floor: timedelta = DEFAULT_FLOOR,
) -> tuple[DesiredJob, ...]:
    """
    Read the text of a jobs file.

    Args:
        text: What the file holds.
        file: How messages name it.
        environ: Where ``${NAME}`` takes its values from.
        rules: What judges the URLs.
        conditions: What judges the conditions.
        floor: The tenant's: no endpoint runs more often.

    Raises:
        JobsFileRefused: with every problem found.
    """
    values = read_values(read_document(text, file), environ)
    problems = [*values.problems, *shape_problems(values)]
    judge = Judge(rules=rules, floor=floor, conditions=conditions)
    jobs = list(_Reader(values, judge, problems).jobs())
    if problems:
        raise JobsFileRefused(file, problems)
    return tuple(jobs)


class _Reader:
    """Goes through the jobs and endpoints, also when parts of them are at fault."""

    def __init__(self, values: Values, judge: Judge, problems: list[Problem]) -> None:
        self._values = values
        self._judge = judge
        self._problems = problems

    def jobs(self) -> Iterator[DesiredJob]:
        """Yield the jobs that can be made out."""
        entries = list(_mappings(_member(self._values.root, "jobs"), ("jobs",)))
        self._refuse_same_names(entries)
        for path, entry in entries:
            name, description, paused = (
                entry.get(key) for key in ("name", "description", "paused")
            )
            self._check(path, "name", name, check_name)
            self._check(path, "description", description, check_description)
            yield DesiredJob(
                name=str(name),
                description=description if isinstance(description, str) else None,
                paused=None if paused is None else str(paused).lower() == "true",
                endpoints=tuple(self._endpoints(path, entry)),
            )

    def _endpoints(self, path: Path, job: Mapping[str, Value]) -> Iterator[DesiredEndpoint]:
        entries = list(_mappings(job.get("endpoints"), (*path, "endpoints")))
        self._refuse_same_names(entries)
        for place, raw in entries:
            unusable = self._members_at_fault(place)
            usable = {key: value for key, value in raw.items() if key not in unusable}
            entry = EndpointEntry.model_validate({"name": _UNKNOWN, "url": _UNKNOWN, **usable})
            desired, faults = desired_endpoint(entry, self._judge, unusable)
            for fault in faults:
                where = (*place, *_as_written(raw, fault.path))
                self._refuse(where, fault.message, fault.remedy)
            if desired is not None:
                yield desired

    def _members_at_fault(self, place: Path) -> frozenset[str]:
        depth = len(place)
        return frozenset(
            str(each.path[depth])
            for each in self._problems
            if each.path[:depth] == place and len(each.path) > depth
        )

    def _refuse_same_names(self, entries: Sequence[tuple[Path, Mapping[str, Value]]]) -> None:
        first: dict[str, int] = {}
        for path, entry in entries:
            name = entry.get("name")
            if not isinstance(name, str):
                continue
            where = (*path, "name")
            if name in first:
                self._refuse(
                    where,
                    f"the name {shown_value(name)} is used twice (first in line {first[name]})",
                    "Give each a name of its own.",
                )
            else:
                first[name] = self._values.position(where).line

    def _check(self, path: Path, key: str, value: Value, check: Callable[[str], None]) -> None:
        if isinstance(value, str):
            try:
                check(value)
            except InvalidInput as error:
                self._refuse((*path, key), str(error), error.remedy or "")

    def _refuse(self, where: Path, message: str, remedy: str) -> None:
        # One fault of a value is enough: what is wrong twice is mended once.
        if all(each.path != where for each in self._problems):
            self._problems.append(self._values.problem(where, message, remedy))


def _member(value: Value, key: str) -> Value:
    return value.get(key) if isinstance(value, dict) else None


def _mappings(value: Value, path: Path) -> Iterator[tuple[Path, dict[str, Value]]]:
    """Yield those items of a list that are mappings, with their paths."""
    for place, item in enumerate(value if isinstance(value, list) else []):
        if isinstance(item, dict):
            yield (*path, place), item


def _as_written(entry: Mapping[str, Value], path: Path) -> Path:
    """Give a header's name the capitals that it has in the file."""
    match path, entry.get("headers"):
        case ("headers", str() as refused), dict() as headers:
            names = (name for name in headers if name.lower() == refused.lower())
            return ("headers", next(names, refused))
        case _:
            return path
