"""Shows jobs."""

from cronicorn_domain.model.job import Job
from cronicorn_management.jobs.listing import ListedJob
from cronicorn_management.pages import Page

from cronicorn_api.jobs.schemas import JobBody, JobList, JobStatus, ListedJobBody


def job_body(job: Job) -> JobBody:
    """Show a job; here the tenant is its user."""
    return JobBody(
        id=str(job.id),
        user_id=str(job.tenant),
        name=job.name,
        description=job.description,
        status=JobStatus(job.state.value),
        created_at=job.created_at,
        updated_at=job.updated_at,
        archived_at=job.archived_at,
    )


def job_list(page: Page[ListedJob]) -> JobList:
    """Show some jobs."""
    bodies = [_listed(each) for each in page.items]
    return JobList(jobs=bodies, next_cursor=bodies[-1].id if page.more else None)


def _listed(listed: ListedJob) -> ListedJobBody:
    shown = job_body(listed.job)
    return ListedJobBody(**dict(shown), endpoint_count=listed.endpoint_count)
