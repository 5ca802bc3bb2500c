"""What a deed has really done, told by what the store held right before its commit and after."""

from collections.abc import Sequence
from copy import copy

from cronicorn_adapter_memory.tables import EndpointRow, Tables
from cronicorn_domain.identity import EndpointId, JobId

from tools.checker.history import (
    Archived,
    Deed,
    Edited,
    FailuresReset,
    HintOffered,
    HintsCleared,
    JobMoved,
    Paused,
    Restored,
    Resumed,
    SlotSkipped,
    Triggered,
)
from tools.simulate.deeds import (
    Act,
    ArchiveEndpoint,
    ArchiveJob,
    ClearHints,
    Edit,
    EndpointAct,
    Fire,
    JobAct,
    OfferHint,
    PauseEndpoint,
    PauseJob,
    ResetFailures,
    RestoreEndpoint,
    RestoreJob,
    ResumeEndpoint,
    ResumeJob,
    SkipSlot,
)


class Effects:
    """Make it right before the commit, and ask it right after."""

    def __init__(self, tables: Tables, act: Act) -> None:
        self._tables = tables
        self._act = act
        match act:
            case PauseJob() | ResumeJob() | ArchiveJob() | RestoreJob():
                self._state = tables.jobs[act.job_id].state
            case _:
                # The queue changes rows in place.
                self._row = copy(tables.endpoints[act.endpoint_id])
                self._records = len(tables.records.of(act.endpoint_id))

    def seen(self) -> Sequence[tuple[EndpointId, Deed]]:
        """Say what was done to which endpoints; nothing when all is as it was."""
        act = self._act
        match act:
            case PauseJob() | ResumeJob() | ArchiveJob() | RestoreJob():
                return self._of_job(act)
            case _:
                deed = self._of_endpoint(act)
                return [] if deed is None else [(act.endpoint_id, deed)]

    def _of_job(self, act: JobAct) -> Sequence[tuple[EndpointId, Deed]]:
        state = self._tables.jobs[act.job_id].state
        if state is self._state:
            return []
        return [(each, JobMoved(state=state)) for each in self._members(act.job_id)]

    def _of_endpoint(self, act: EndpointAct) -> Deed | None:
        before, after = self._row, self._tables.endpoints[act.endpoint_id]
        match act:
            case OfferHint(hint=hint):
                return HintOffered(hint=hint)
            case Fire(trigger=trigger):
                return Triggered(trigger=trigger)
            case ClearHints():
                return _cleared(before, after)
            case ResetFailures():
                return FailuresReset() if before.state.failures else None
            case SkipSlot():
                recorded = len(self._tables.records.of(act.endpoint_id)) > self._records
                return SlotSkipped() if recorded else None
            case _:
                return None if before.endpoint == after.endpoint else _configured(act, after)

    def _members(self, job_id: JobId) -> Sequence[EndpointId]:
        rows = self._tables.endpoints.items()
        return [each for each, row in rows if row.endpoint.job_id == job_id]


def _configured(
    act: Edit | PauseEndpoint | ResumeEndpoint | ArchiveEndpoint | RestoreEndpoint,
    after: EndpointRow,
) -> Deed:
    match act:
        case Edit():
            return Edited(endpoint=after.endpoint)
        case PauseEndpoint(pause=pause):
            return Paused(pause=pause)
        case ResumeEndpoint():
            return Resumed()
        case ArchiveEndpoint():
            return Archived()
        case RestoreEndpoint():
            return Restored()


def _cleared(before: EndpointRow, after: EndpointRow) -> Deed | None:
    left = {hint.id for hint in after.hints}
    cleared = tuple(hint.id for hint in before.hints if hint.id not in left)
    return HintsCleared(hints=cleared) if cleared else None
