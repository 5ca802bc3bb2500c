"""The stream of what happens, as server-sent events."""

from collections.abc import AsyncIterator
from typing import Annotated, Final, assert_never

from cronicorn_domain.model.audit import SubjectKind
from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.glimpse import DeedGlimpse, RunGlimpse
from cronicorn_domain.model.run import FailureKind, RunStatus
from cronicorn_management.watching import Happening, Watch
from fastapi import APIRouter, Depends, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from cronicorn_api.access.desks import TheCaller, TheDesk
from cronicorn_api.access.hearing import Hearing
from cronicorn_api.wire.values import Instant, Maybe, Wire, in_milliseconds_if_any

router: Final = APIRouter(tags=["history"])
READY: Final = "ready"
"""The first event: what happens from then on is told; what is shown is to be read after it."""


class RunEvent(Wire):
    """A run that has started, or ended."""

    run_id: str
    endpoint_id: str
    scheduled_for: Instant
    attempt: int
    source: Source
    status: RunStatus
    started_at: Instant
    finished_at: Maybe[Instant] = None
    duration_ms: Maybe[int] = None
    failure_kind: Maybe[FailureKind] = None


class PlanEvent(Wire):
    """Somebody has changed a job or an endpoint, and maybe when it fires."""

    job_id: Maybe[str] = None
    endpoint_id: Maybe[str] = None
    action: str
    at: Instant


async def hearing_of(request: Request, desk: TheDesk, caller: TheCaller) -> AsyncIterator[Hearing]:
    """Listen until the stream ends, whoever ends it."""
    watch: Watch = request.app.state.watch
    async with watch.listening(caller) as listener:
        yield Hearing(request, caller, listener, since=desk.clock.now())


@router.get("/events", operation_id="streamEvents", response_class=EventSourceResponse)
async def events(
    hearing: Annotated[Hearing, Depends(hearing_of)],
) -> AsyncIterator[ServerSentEvent]:
    """
    Stream runs that start and end, and changes of plans, as they are seen: within some seconds.

    It is no log. What happens while nobody listens, and more than can be seen at once, is not told;
    it ends after ten minutes, within seconds when the credential is revoked or expires, when
    whoever listens does not keep up, and when the server stops.
    """
    yield ServerSentEvent(event=READY, data={})
    while (happenings := await hearing.batch()) is not None:
        for happening in happenings:
            yield _event(happening)


def _event(happening: Happening) -> ServerSentEvent:
    body = _body(happening.what)
    return ServerSentEvent(event=happening.kind, raw_data=body.model_dump_json(by_alias=True))


def _body(what: RunGlimpse | DeedGlimpse) -> Wire:
    match what:
        case RunGlimpse():
            return _run(what)
        case DeedGlimpse():
            of_job = what.subject_kind is SubjectKind.JOB
            return PlanEvent(
                job_id=str(what.subject) if of_job else None,
                endpoint_id=None if of_job else str(what.subject),
                action=what.action,
                at=what.at,
            )
        case _:
            assert_never(what)


def _run(run: RunGlimpse) -> RunEvent:
    started, finished = run.started_at, run.finished_at
    took = None if started is None or finished is None else finished - started
    return RunEvent(
        run_id=str(run.id),
        endpoint_id=str(run.endpoint_id),
        scheduled_for=run.slot,
        attempt=run.attempt,
        source=run.source,
        status=run.status,
        started_at=started or run.claimed_at,
        finished_at=finished,
        duration_ms=in_milliseconds_if_any(took),
        failure_kind=run.failure_kind,
    )
