"""Identities in paths and queries: a text that is none names nothing that exists."""

from collections.abc import Callable
from typing import Annotated, Final, TypeVar
from uuid import UUID

from cronicorn_domain.errors import InvalidInput, NotFound
from cronicorn_domain.identity import (
    EndpointId,
    HintId,
    JobId,
    RunId,
    SessionId,
    SignInId,
    SuggestionId,
)
from fastapi import Depends, Path

from cronicorn_api.wire.refusing import shown

ANY_JOB: Final = "_"
"""Stands in a path for whichever job the endpoint has."""
_SHOWN_MOST: Final = 64
_IdT = TypeVar("_IdT")


def identity(kind: str, text: str, made: Callable[[UUID], _IdT]) -> _IdT:
    """Read an identity. Raises ``NotFound``: nothing has a name that no identity has."""
    try:
        return made(UUID(text))
    except ValueError:
        raise NotFound(kind, text[:_SHOWN_MOST].encode(errors="replace").decode()) from None


async def job_id(text: Annotated[str, Path(alias="jobId")]) -> JobId:
    """Read the job of a path."""
    return identity("job", text, JobId)


async def job_id_or_any(text: Annotated[str, Path(alias="jobId")]) -> JobId | None:
    """Read the job of a path; ``_`` is any."""
    return None if text == ANY_JOB else identity("job", text, JobId)


async def endpoint_id(text: Annotated[str, Path(alias="endpointId")]) -> EndpointId:
    """Read the endpoint of a path."""
    return identity("endpoint", text, EndpointId)


async def hint_id(text: Annotated[str, Path(alias="hintId")]) -> HintId:
    """Read the hint of a path."""
    return identity("hint", text, HintId)


async def run_id(text: Annotated[str, Path(alias="runId")]) -> RunId:
    """Read the run of a path."""
    return identity("run", text, RunId)


async def device_id(text: Annotated[str, Path(alias="deviceId")]) -> SignInId:
    """Read the device of a path: a sign-in session."""
    return identity("sign-in", text, SignInId)


def session_id(text: Annotated[str, Path(alias="sessionId")]) -> SessionId:
    """Read the session of a path: one of the AI planner's."""
    return identity("session", text, SessionId)


def suggestion_id(text: Annotated[str, Path(alias="suggestionId")]) -> SuggestionId:
    """Read the suggestion of a path."""
    return identity("suggestion", text, SuggestionId)


PathJob = Annotated[JobId, Depends(job_id)]
PathJobOrAny = Annotated[JobId | None, Depends(job_id_or_any)]
PathEndpoint = Annotated[EndpointId, Depends(endpoint_id)]
PathHint = Annotated[HintId, Depends(hint_id)]
PathRun = Annotated[RunId, Depends(run_id)]
PathDevice = Annotated[SignInId, Depends(device_id)]
PathSession = Annotated[SessionId, Depends(session_id)]
PathSuggestion = Annotated[SuggestionId, Depends(suggestion_id)]


def cursor_of(text: str | None, made: Callable[[UUID], _IdT]) -> _IdT | None:
    """Read where a list goes on. Raises ``InvalidInput``."""
    if text is None:
        return None
    try:
        return made(UUID(text))
    except ValueError:
        raise InvalidInput(
            f"this is no cursor; found {shown(text)}",
            field="cursor",
            remedy="give a nextCursor of this list",
        ) from None
