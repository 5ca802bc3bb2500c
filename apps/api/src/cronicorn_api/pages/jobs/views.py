"""Jobs, as their pages show them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cronicorn_domain.model.job import Job, JobState
from cronicorn_domain.ports.overview import JobTally, Tally
from cronicorn_management.endpoints.surveying import COUNTED_MOST, Survey
from cronicorn_management.jobs.listing import ListedJob

from cronicorn_api.pages.endpoints.standing import Row, row_of
from cronicorn_api.pages.endpoints.views import told_total
from cronicorn_api.pages.frame.moments import Moment, Zones
from cronicorn_api.pages.frame.outcomes import OUTCOMES, Outcome
from cronicorn_api.pages.frame.shapes import NOTHING, exact, percent
from cronicorn_api.pages.frame.told import NO_FAULTS, Faults

_STATES: Final[Mapping[JobState, Outcome]] = {
    JobState.ACTIVE: OUTCOMES["active"],
    JobState.PAUSED: OUTCOMES["paused"],
    JobState.ARCHIVED: OUTCOMES["archived"],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """A job in a list, and what its runs of the last day came to."""

    id: str
    name: str
    description: str
    state: Outcome
    endpoints: str
    runs: str
    success: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobsView:
    """The list of jobs."""

    rows: Sequence[JobRow]
    sentence: str
    state: str
    tabs: Sequence[tuple[str, str, bool]]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobForm:
    """The form of a job, with what was typed in it."""

    name: str = ""
    description: str = ""
    faults: Faults = NO_FAULTS
    seen: str = ""
    """The job as it was seen; empty: a new one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """A job, its endpoints and its last day."""

    id: str
    name: str
    description: str
    state: Outcome
    is_active: bool
    is_paused: bool
    is_archived: bool
    sentence: str
    created: Moment
    rows: Sequence[Row]
    total: str
    more: bool
    runs: str
    success: str
    failed: str


def jobs_view(
    listed: Sequence[ListedJob], tallies: Sequence[JobTally], *, state: JobState | None, more: bool
) -> JobsView:
    """Tell of jobs."""
    by_id = {each.job_id: each.tally for each in tallies}
    rows = [_row(each, by_id.get(each.job.id, Tally())) for each in listed]
    tabs = [
        (f"/jobs?state={each.value}" if each else "/jobs", word, each is state)
        for each, word in (
            (None, "Active and paused"),
            (JobState.ACTIVE, "Active"),
            (JobState.PAUSED, "Paused"),
            (JobState.ARCHIVED, "Archived"),
        )
    ]
    last = listed[-1].job.id if listed else None
    query = f"state={state.value}&" if state else ""
    return JobsView(
        rows=rows,
        sentence=_counted(len(rows), more=more),
        state="" if state is None else state.value,
        tabs=tabs,
        next=f"/jobs?{query}after={last}" if more else None,
    )


def job_view(job: Job, survey: Survey, tally: Tally, zones: Zones) -> JobView:
    """Tell of one job."""
    total = told_total(survey.total)
    state = _STATES[job.state]
    noun = "endpoint" if survey.total == 1 else "endpoints"
    return JobView(
        id=str(job.id),
        name=job.name,
        description=job.description or "",
        state=state,
        is_active=job.state is JobState.ACTIVE,
        is_paused=job.state is JobState.PAUSED,
        is_archived=job.state is JobState.ARCHIVED,
        sentence=f"{total} {noun}",
        created=zones.moment(job.created_at),
        rows=[row_of(each, survey.runs.get(each.id, ()), zones) for each in survey.standings],
        total=total,
        more=survey.more or survey.total > COUNTED_MOST,
        runs=exact(tally.runs),
        success=_success(tally),
        failed=exact(tally.target_failure),
    )


def _row(listed: ListedJob, tally: Tally) -> JobRow:
    job = listed.job
    return JobRow(
        id=str(job.id),
        name=job.name,
        description=job.description or "",
        state=_STATES[job.state],
        endpoints=exact(listed.endpoint_count),
        runs=exact(tally.runs),
        success=_success(tally),
    )


def _counted(number: int, *, more: bool) -> str:
    if not number:
        return ""
    return "1 job" if number == 1 and not more else f"{exact(number)}{'+' if more else ''} jobs"


def _success(tally: Tally) -> str:
    judged = tally.success + tally.target_failure
    return percent(tally.success, judged) if judged else NOTHING
