"""
Nothing is added to an archived job (SEMANTICS §2).

A job's state is known from what befell its endpoints; a newcomer tells the state that it found.
"""

from collections.abc import Iterator

from cronicorn_domain.identity import EndpointId, JobId
from cronicorn_domain.model.job import JobState

from tools.checker.finding import Fault, Finding
from tools.checker.history import Created, Edited, Entry, History, JobMoved


def check_additions(history: History) -> Iterator[Finding]:
    """Go through the log of edits, and judge each endpoint that began to exist."""
    states: dict[JobId, JobState] = dict(history.jobs)
    job_of: dict[EndpointId, JobId] = {}
    newest: dict[EndpointId, Entry] = {}
    for entry in sorted(history.entries, key=lambda each: each.order):
        match entry.deed:
            case Created(endpoint=endpoint):
                job_of[entry.endpoint_id] = endpoint.job_id
                if states.get(endpoint.job_id) is JobState.ARCHIVED:
                    yield _added(entry)
                else:
                    newest[entry.endpoint_id] = entry
            case Edited(endpoint=endpoint):
                job_of[entry.endpoint_id] = endpoint.job_id
            case JobMoved(state=state):
                born = newest.pop(entry.endpoint_id, None)
                found = born is not None and born.at == entry.at
                if found and state is JobState.ARCHIVED and born is not None:
                    yield _added(born)
                if entry.endpoint_id in job_of:
                    states[job_of[entry.endpoint_id]] = state
            case _:
                continue


def _added(entry: Entry) -> Finding:
    return Finding(
        fault=Fault.UNEXPLAINED,
        endpoint_id=entry.endpoint_id,
        sentence=f"it was added at {entry.at} although its job was archived",
    )
