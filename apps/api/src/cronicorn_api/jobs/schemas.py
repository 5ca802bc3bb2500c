"""A job on the wire."""

from enum import StrEnum
from typing import Annotated

from cronicorn_domain.model.job import JobState
from pydantic import Field

from cronicorn_api.wire.values import Instant, Maybe, Wire

NAME = Field(description="1 to 255 characters, not all of them blank")


class JobStatus(StrEnum):
    """Where a job stands."""

    ACTIVE = "active"
    PAUSED = "paused"
    ARCHIVED = "archived"

    @property
    def state(self) -> JobState:
        """The same inside."""
        return JobState(self.value)


class NewJob(Wire):
    """A job that is to be created, or what it is to become."""

    name: Annotated[str, NAME]
    description: str | None = None


class JobPatch(Wire):
    """Some members of a job: one that is absent stays, null clears."""

    name: Annotated[str | None, NAME] = None
    description: str | None = None


class JobBody(Wire):
    """A job."""

    id: str
    user_id: str
    name: str
    description: Maybe[str] = None
    status: JobStatus
    created_at: Instant
    updated_at: Instant
    archived_at: Maybe[Instant] = None


class ListedJobBody(JobBody):
    """A job in a list, with how many unarchived endpoints it has."""

    endpoint_count: int


class JobList(Wire):
    """Jobs, and where the list goes on if it does."""

    jobs: list[ListedJobBody]
    next_cursor: Maybe[str] = None
