"""Finds the endpoint and the rules that a replay is of, and asks for it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from cronicorn_domain.errors import InvalidInput, NotFound
from cronicorn_domain.identity import EndpointId
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.replay import Replay
from cronicorn_management.desk import Reading
from cronicorn_management.endpoints.replaying import replay_rules
from cronicorn_management.settings import RuleSetting, rule_setting_of

from cronicorn_worker.composition import checked_conditions, egress_guard, open_records
from cronicorn_worker.faults import UsageFault
from cronicorn_worker.jobs_file.caller import file_caller
from cronicorn_worker.jobs_file.file_text import file_text
from cronicorn_worker.jobs_file.reading import read_jobs
from cronicorn_worker.lengths import UnreadableLength, parse_length
from cronicorn_worker.settings import WorkerSettings, process_environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """
    What is to be replayed.

    Attributes:
        endpoint: An id, or ``JOB/NAME``.
        jobs: A jobs file to take the rules from; None: those that are stored.
        last: So long a window, up to ``until``.
        until: None: now.
    """

    endpoint: str
    jobs: Path | None
    last: timedelta
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A replay, and what it is of."""

    job: str
    endpoint: str
    replay: Replay


def read_window(last: str, until: str | None) -> tuple[timedelta, datetime | None]:
    """Read a length, and an instant with its zone. Raises ``UsageFault``."""
    try:
        length = parse_length(last)
    except UnreadableLength as error:
        raise UsageFault(f"--last: {error}", error.remedy) from None
    if until is None:
        return length, None
    try:
        instant = datetime.fromisoformat(until)
    except ValueError:
        instant = None
    if instant is None or instant.utcoffset() is None:
        raise UsageFault(
            f"--until: {until!r} is no instant with a zone", "write one, as 2026-11-26T12:00:00Z"
        )
    return length, instant.astimezone(UTC)


async def ask(settings: WorkerSettings, question: Question) -> Answered:
    """
    Replay in the database of the settings, which is neither made nor migrated.

    Raises:
        UsageFault: there is no such endpoint, or the file has no rules for it.
        JobsFileRefused: the file cannot be read.
        InvalidInput: rules or window cannot be meant, or nothing was recorded.
        StoreError: there is no database, it cannot be read, or it is at another revision.
    """
    guard = egress_guard(settings.egress_allow)
    caller = file_caller("replay")
    async with open_records(settings, guard) as desk:
        async with desk.reading(caller) as work:
            endpoint = await _find(work, question.endpoint)
            job = await work.catalog.get_job(work.tenant, endpoint.job_id)
        rules = None
        if question.jobs is not None:
            rules = _rules_of(question.jobs, job.name, endpoint.name, settings)
        until = question.until or desk.clock.now()
        replay = await replay_rules(
            desk, caller, endpoint.id, rules=rules, since=until - question.last, until=until
        )
    return Answered(job=job.name, endpoint=endpoint.name, replay=replay)


async def _find(work: Reading, named: str) -> Endpoint:
    if (identity := _identity(named)) is not None:
        try:
            return await work.catalog.get_endpoint(work.tenant, identity)
        except NotFound:
            raise UsageFault(
                f"there is no endpoint {named}", "give the id of one, or JOB/NAME"
            ) from None
    # Both names may have a slash in them: whichever cut names something is meant.
    parts = named.split("/")
    for cut in range(1, len(parts)):
        job = await work.catalog.find_job(work.tenant, "/".join(parts[:cut]))
        if job is None:
            continue
        name = "/".join(parts[cut:])
        endpoint = await work.catalog.find_endpoint(work.tenant, job.id, name)
        if endpoint is not None:
            return endpoint
    raise UsageFault(f"there is no endpoint {named!r}", "give the id of one, or JOB/NAME")


def _identity(named: str) -> EndpointId | None:
    try:
        return EndpointId(UUID(named))
    except ValueError:
        return None


def _rules_of(
    path: Path, job: str, endpoint: str, settings: WorkerSettings
) -> tuple[RuleSetting, ...]:
    desired = read_jobs(
        file_text(path),
        file=str(path),
        environ=process_environment(),
        rules=egress_guard(settings.egress_allow),
        conditions=checked_conditions(),
        floor=settings.allowance.floor,
    )
    for each in desired:
        for one in each.endpoints:
            if (each.name, one.name) == (job, endpoint):
                return tuple(rule_setting_of(rule) for rule in one.meant.rules.rules)
    raise InvalidInput(
        f"{path} has no endpoint {endpoint!r} in a job {job!r}",
        field="jobs",
        remedy="name one that is in the file, or leave --jobs out for the rules that are stored",
    )
