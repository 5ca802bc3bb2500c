"""The list of endpoints, as its page shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from cronicorn_domain.model.job import Job, JobState
from cronicorn_management.endpoints.surveying import COUNTED_MOST, Survey

from cronicorn_api.pages.endpoints.asked import (
    Asked,
    sort_options,
    source_options,
    state_options,
)
from cronicorn_api.pages.endpoints.standing import Row, row_of
from cronicorn_api.pages.frame.moments import Zones
from cronicorn_api.pages.frame.shapes import exact

Options = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointsView:
    """
    A page of the list.

    Attributes:
        sentence: What is shown of how many.
        all_words: What all that are meant are called where they can be chosen together.
        next: The address of the next page; None: this is the last.
        first: The address of the first page, unless this is it.
        more_jobs: Whether there are more jobs than can be chosen here.
        changed: How many endpoints of this page are others by now, in a list that renews itself.
    """

    rows: Sequence[Row]
    asked: Asked
    sentence: str
    all_words: str
    total: int
    states: Options
    jobs: Options
    sources: Options
    sorts: Options
    next: str | None
    first: str | None
    ids: str
    renew: str
    more_jobs: bool = False
    changed: int = 0


def endpoints_view(
    survey: Survey,
    jobs: Sequence[Job],
    asked: Asked,
    zones: Zones,
    *,
    more_jobs: bool = False,
    changed: int = 0,
) -> EndpointsView:
    """Tell of a page of endpoints."""
    rows = [row_of(each, survey.runs.get(each.id, ()), zones) for each in survey.standings]
    total = told_total(survey.total)
    ids = ",".join(each.id for each in rows)
    path = asked.path(after=asked.after)
    mark = "&" if "?" in path else "?"
    return EndpointsView(
        rows=rows,
        asked=asked,
        sentence=f"{len(rows)} of {total}" if rows else "None",
        all_words=total,
        total=survey.total,
        states=state_options(),
        jobs=_job_options(jobs, asked, survey),
        sources=source_options(),
        sorts=sort_options(),
        next=asked.path(after=rows[-1].id) if survey.more else None,
        first=asked.path() if asked.after is not None else None,
        ids=ids,
        renew=f"/_{path}{mark}ids={ids}",
        more_jobs=more_jobs,
        changed=changed,
    )


def _job_options(jobs: Sequence[Job], asked: Asked, survey: Survey) -> Options:
    """Return the jobs that can be chosen; the chosen one is among them in any case."""
    options = [("", "Any job"), *((str(each.id), each.name) for each in jobs if _listed(each))]
    if asked.job is not None and str(asked.job) not in dict(options):
        name = next((each.job_name for each in survey.standings), str(asked.job))
        options.append((str(asked.job), name))
    return options


def told_total(total: int) -> str:
    """Say how many there are; behind a limit that there are more."""
    return f"{exact(COUNTED_MOST)}+" if total > COUNTED_MOST else exact(total)


def ids_in(text: str) -> Sequence[UUID]:
    """Read ids that an address lists; what is none is left out."""
    found = []
    for each in text.split(",")[:200]:
        try:
            found.append(UUID(each))
        except ValueError:
            continue
    return found


def _listed(job: Job) -> bool:
    return job.state is not JobState.ARCHIVED
